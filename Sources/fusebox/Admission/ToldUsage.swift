import FuseboxClient
import FuseboxJSON
import FuseboxWire

/// What a command reported about its call in the file `FUSEBOX_USAGE`.
struct ToldUsage {
    /// The usage, summed over all lines and all calls; nil if none was reported.
    var usage: Usage? {
        var sum = lines
        for call in calls where !call.isEmpty { sum = (sum ?? Usage()) + Usage(call) }
        if let model { sum?.model = model }
        return sum
    }
    /// The amounts of the lines.
    private var lines: Usage?
    /// What JSON documents tell, a report for each call.
    private var calls: [ReportedUsage] = []
    /// The outcome, if the command reported one.
    private(set) var outcome: Outcome?
    /// How long the provider accepts no calls.
    private(set) var retryAfter: Duration?
    /// How much of the route is to be marked.
    private(set) var markScope: MarkScope?
    /// The model that answered.
    private(set) var model: String?
    /// The time to the first token.
    private(set) var firstToken: Duration?
    /// The exit statuses of inner `fusebox run`s that made no call.
    private(set) var unsent: Set<Int32> = []
    /// The status of the answer.
    private var status: Int?
    /// The headers of the answer.
    private var headers: [String: String] = [:]
    /// The last document that tells of an error, unless a later one tells usage.
    private var error: JSONValue?
    /// Whether lines that are not understood are the body of an answer that has failed.
    private var isInFailedBody = false
    /// Documents in which no usage was found: the call that each names, its line and what is wrong.
    private var silent: [(call: String?, number: Int, message: String)] = []

    /// What the provider's answer tells; nil if neither a status nor an error was reported.
    var answer: ProviderAnswer? {
        guard status != nil || error != nil else { return nil }
        return ProviderAnswer(status: status, headers: headers, document: error, at: .wallClock)
    }

    /// How long the provider takes no calls: as a line says it, else as the answer does.
    func retryAfter(with outcome: Outcome) -> Duration? {
        if let retryAfter { return retryAfter }
        if let answer, answer.outcome == outcome { return answer.retryAfter }
        return ProviderAnswer(outcome: outcome, headers: headers).retryAfter
    }

    /// How much of the route is marked: as a line says it, else as the answer does.
    func markScope(with outcome: Outcome) -> MarkScope? {
        if let markScope { return markScope }
        guard let answer, answer.outcome == outcome else { return nil }
        return answer.markScope
    }

    /// Where the text comes from, in sentences about it.
    private let source: String
    /// A sentence for each line that was not understood.
    private(set) var complaints: [String] = []
    /// Whether a cost was not understood. A line with an unknown key counts as one if no usage was reported.
    var unreadCost: Unread? { misreadCost ?? (hasUnknownLine && usage == nil ? .cost : nil) }
    /// The amount of tokens that was not understood, if any.
    private(set) var unreadTokens: Unread?
    private(set) var hasUnreadRetryAfter = false
    private var misreadCost: Unread?
    private var hasUnknownLine = false
    /// Whether any amount was not understood.
    var hasUnread: Bool { unreadCost != nil || unreadTokens != nil }

    /// An amount that was not understood.
    enum Unread {
        case cost
        case input
        case output
    }

    /// Nothing was reported in this file.
    init(in source: String = "FUSEBOX_USAGE") { self.source = source }

    /// Reads a text.
    ///
    /// Amounts of lines add up. Of other keys the last line counts. A line that begins with `#` is a comment. Of the JSON
    /// documents of a call, the last one that tells a number counts: the events of a stream tell it again and again.
    /// Most events tell nothing of it. Documents with different names are about different calls, which add up.
    mutating func take(_ text: String) {
        defer { complainOfSilence() }
        for part in UsageText(text) {
            switch part.content {
            case .line(let line): take(line, number: part.number)
            case .document(let document): take(document, number: part.number, isEvent: false)
            case .event(let document): take(document, number: part.number, isEvent: true)
            case .broken(let line, let error): misread(part.number, "\(line) is not JSON: \(error.message)")
            case .head(let status): begin(status)
            case .header(let name, let value): headers[name.lowercased()] = value
            }
        }
    }

    /// The head of another answer begins. Of several calls, the last one that was answered counts.
    private mutating func begin(_ status: Int) {
        self.status = status
        headers = [:]
        error = nil
        isInFailedBody = status >= 400
    }

    private mutating func take(_ document: JSONValue, number: Int, isEvent: Bool) {
        let tellsError = isInFailedBody || document.tellsError || document.list?.first?.tellsError == true
        if tellsError { error = document }
        // Gemini sends a stream as one list of its events.
        if !tellsError, let events = document.list, !events.isEmpty {
            for event in events { take(event, number: number, isEvent: isEvent) }
            return
        }
        let report: ReportedUsage
        do throws(Refusal) { report = try ReportedUsage(document) } catch {
            if tellsError { return }
            if error.status == .outOfRange {
                misread(number, error.message)
            } else if !isEvent {
                silent.append((ReportedUsage.call(in: document), number, error.message))
            }
            return
        }
        if !tellsError, !report.isEmpty { error = nil }
        let known = report.call.flatMap { name in calls.firstIndex { $0.call == name } }
        if let place = known ?? (report.call == nil || calls.last?.call == nil ? calls.indices.last : nil) {
            calls[place].update(with: report)
        } else {
            calls.append(report)
        }
    }

    /// Complains of documents without usage, unless they are events of a stream of which another event tells it.
    private mutating func complainOfSilence() {
        let told = calls.filter { !$0.isEmpty }
        for (call, number, message) in silent {
            let isOfStream = call == nil ? !told.isEmpty : told.contains { $0.call == call }
            if !isOfStream { misread(number, message) }
        }
        silent = []
    }

    /// Notes that the beginning of the text was not read.
    mutating func noteLostBeginning() {
        misreadCost = .cost
        unreadTokens = .input
        let longest = Formatting.bytes(UInt64(UsageFile.longest))
        complaints.append("\(source) is longer than \(longest); only its end was read")
    }

    private mutating func misread(_ number: Int, _ message: String) {
        misreadCost = .cost
        unreadTokens = .input
        complaints.append("\(source), line \(number): \(message)")
    }

    private mutating func take(_ line: Substring, number: Int) {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let key = Self.trimmed(parts[0])
        guard parts.count == 2, let form = take(key, Self.trimmed(parts[1])) else {
            if isInFailedBody { return }
            hasUnknownLine = true
            return complain(number, line, Self.keys)
        }
        if form != "" { complain(number, line, form) }
    }

    /// The keys of a line.
    private static let keys =
        "cost=, input-tokens=, cached-input-tokens=, cache-write-tokens=, output-tokens=, reasoning-tokens=, model=, first-token=, outcome=, status=, retry-after= or mark-scope=, or a provider's usage as JSON"
    /// The keys that count tokens.
    private static let kinds: [String: TokenKind] = [
        "input-tokens": .input, "cached-input-tokens": .cachedInput, "cache-write-tokens": .cacheWrite,
        "output-tokens": .output, "reasoning-tokens": .reasoning,
    ]

    private mutating func complain(_ number: Int, _ line: Substring, _ form: String) {
        complaints.append("\(source), line \(number) is not understood: \(line); give \(form)")
    }

    /// Reads a value. Returns an empty text, or the expected form if it is not understood; nil if the key does not
    /// exist.
    private mutating func take(_ key: String, _ value: String) -> String? {
        if let kind = Self.kinds[key] {
            var usage = Usage()
            usage[kind] = try? NumberArgument.count(value)
            if usage[kind] != nil, add(usage) { return "" }
            unreadTokens = kind == .output || kind == .reasoning ? .output : .input
            return "a whole number, from 0 to \(UInt32.max)"
        }
        switch key {
        case "cost":
            if let cost = try? MoneyArgument.cost(value).money, add(Usage(cost: cost)) { return "" }
            misreadCost = .cost
            return "dollars, from 0 to \(WireLimits.callCost)"
        case "model":
            guard (try? Name(value)) != nil else { return "a name of 1 to \(WireLimits.nameLength) bytes" }
            model = value
        case "outcome":
            guard let outcome = OutcomeArgument(argument: value)?.outcome else {
                return OutcomeArgument.allValueStrings.joined(separator: ", ")
            }
            self.outcome = outcome
        case "retry-after":
            guard let time = Duration(retryAfter: value) else {
                hasUnreadRetryAfter = true
                return RetryTime.forms
            }
            retryAfter = time
            hasUnreadRetryAfter = false
        case "mark-scope":
            guard let scope = MarkScopeArgument(argument: value)?.scope else { return MarkScopeArgument.names }
            markScope = scope
        case "first-token":
            guard let time = Duration(retryAfter: value) else { return "seconds, or a duration such as 350ms" }
            firstToken = time
        case "status":
            guard let status = Int(value), 0...999 ~= status else { return "a status of HTTP, such as 429" }
            self.status = status
        case "not-sent":
            guard let status = Int32(value) else { return "an exit status" }
            unsent.insert(status)
        default: return nil
        }
        return ""
    }

    private mutating func add(_ more: Usage) -> Bool {
        let sum = (lines ?? Usage()) + more
        guard sum.cost ?? .zero <= WireLimits.callCost,
            TokenKind.allCases.allSatisfy({ sum[$0] ?? 0 <= Int(UInt32.max) })
        else { return false }
        lines = sum
        return true
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let rest = text.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(rest[...last])
    }
}

extension Usage {
    /// What a provider has told of one call.
    fileprivate init(_ report: ReportedUsage) {
        self.init()
        update(with: report)
    }
}
