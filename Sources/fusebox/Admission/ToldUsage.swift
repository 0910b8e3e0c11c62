import FuseboxClient
import FuseboxWire

/// What a command reported about its call in the file `FUSEBOX_USAGE`.
struct ToldUsage {
    /// The usage, summed over all lines; nil if none was reported.
    private(set) var usage: Usage?
    /// The outcome, if the command reported one.
    private(set) var outcome: Outcome?
    /// How long the provider accepts no calls.
    private(set) var retryAfter: Duration?
    /// The model that answered.
    private(set) var model: String?
    /// The exit statuses of inner `fusebox run`s that made no call.
    private(set) var unsent: Set<Int32> = []

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

    /// Reads a line. Amounts add up. Of other keys the last line counts. A line that begins with `#` is a comment.
    mutating func take(_ line: some StringProtocol, number: Int) {
        guard !line.hasPrefix("#") else { return }
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let key = Self.trimmed(parts[0])
        guard parts.count == 2, let form = take(key, Self.trimmed(parts[1])) else {
            hasUnknownLine = true
            return complain(number, line, Self.keys)
        }
        if form != "" { complain(number, line, form) }
    }

    /// The keys of a line.
    private static let keys = "cost=, input-tokens=, output-tokens=, model=, outcome= or retry-after="

    private mutating func complain(_ number: Int, _ line: some StringProtocol, _ form: String) {
        complaints.append("FUSEBOX_USAGE, line \(number) is not understood: \(line); give \(form)")
    }

    /// Reads a value. Returns an empty text, or the expected form if it is not understood; nil if the key does not
    /// exist.
    private mutating func take(_ key: String, _ value: String) -> String? {
        switch key {
        case "cost":
            if let cost = try? MoneyArgument.cost(value).money, add(Usage(cost: cost)) { return "" }
            misreadCost = .cost
            return "dollars, from 0 to \(Limits.callCost)"
        case "input-tokens":
            if let count = try? NumberArgument.count(value), add(Usage(inputTokens: count)) { return "" }
            unreadTokens = .input
            return "a whole number, from 0 to \(UInt32.max)"
        case "output-tokens":
            if let count = try? NumberArgument.count(value), add(Usage(outputTokens: count)) { return "" }
            unreadTokens = .output
            return "a whole number, from 0 to \(UInt32.max)"
        case "model":
            guard (try? Name(value)) != nil else { return "a name of 1 to \(Limits.nameLength) bytes" }
            model = value
            usage?.model = value
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
        case "not-sent":
            guard let status = Int32(value) else { return "an exit status" }
            unsent.insert(status)
        default: return nil
        }
        return ""
    }

    private mutating func add(_ more: Usage) -> Bool {
        var sum = usage ?? Usage(model: model)
        guard let cost = sum.cost.adding(more.cost), cost <= Limits.callCost else { return false }
        let (input, output) = (sum.inputTokens + more.inputTokens, sum.outputTokens + more.outputTokens)
        guard max(input, output) <= Int(UInt32.max) else { return false }
        (sum.cost, sum.inputTokens, sum.outputTokens) = (cost, input, output)
        usage = sum
        return true
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let rest = text.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(rest[...last])
    }
}
