import FuseboxJSON
import FuseboxWire
import Glibc

/// What an answer of a provider tells of its call: how it went, how much of its route that marks, for how long the
/// provider takes no calls, and what remains of its rate limits.
///
/// It is read by one table, which `proto-docs/outcomes.md` shows.
public struct ProviderAnswer: Sendable, Equatable {
    /// What remains of a rate limit.
    public struct Remaining: Sendable, Equatable {
        /// What the limit counts, such as `requests` or `input tokens`.
        public var limit: String
        /// How much is left.
        public var count: Int64
        /// The time until the limit is reset. For most providers that is when all of it is back. Nil if it was not told.
        public var resetAfter: Duration?

        /// What remains of the limit.
        public init(limit: String, count: Int64, resetAfter: Duration? = nil) {
            self.limit = limit
            self.count = count
            self.resetAfter = resetAfter
        }
    }

    /// How the call went.
    public let outcome: Outcome
    /// How much of the call's route the outcome marks, if it marks. Nil: as the outcome does by itself; see
    /// `CallOutcome.markScope`.
    public let markScope: MarkScope?
    /// How long the provider takes no calls. Nil if it did not say. With `success` the next call would be denied.
    public let retryAfter: Duration?
    /// What remains of the rate limits that the headers tell, in the order of the table.
    public let remaining: [Remaining]

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - status: the status code; nil: there is none, as in the middle of a stream
    ///   - headers: the headers, such as a dictionary. Case does not matter. Of a header that is there twice the last
    ///     counts
    ///   - body: the body, or the event of a stream that tells an error. It is not needed for an answer without an error
    public init(
        status: Int?, headers: some Sequence<(key: String, value: String)> = [:] as [String: String],
        body: String? = nil
    ) {
        let document = body.flatMap { text -> JSONValue? in
            do throws(JSONError) { return try JSONValue(parsing: text.utf8) } catch { return nil }
        }
        self.init(status: status, headers: headers, document: document, at: .wallClock)
    }

    /// Reads an answer with a parsed body at a time of the wall clock.
    package init(
        status: Int?, headers: some Sequence<(key: String, value: String)>, document: JSONValue?, at wall: Timestamp
    ) {
        let told = Self.inSmallLetters(headers)
        let error = ToldError(status: status, told, document)
        let row = AnswerTable.row(of: error)
        self.init(row?.outcome ?? .failure, row?.markScope, told, error.document, at: wall)
    }

    /// What the headers of an answer tell whose outcome is known otherwise.
    package init(
        outcome: Outcome, headers: some Sequence<(key: String, value: String)>, at wall: Timestamp = .wallClock
    ) {
        self.init(outcome, nil, Self.inSmallLetters(headers), nil, at: wall)
    }

    private init(
        _ outcome: Outcome, _ markScope: MarkScope?, _ headers: [String: String], _ body: JSONValue?,
        at wall: Timestamp
    ) {
        self.outcome = outcome
        self.markScope = markScope
        let limits = AnswerTable.limits.compactMap { Self.remaining($0, headers, at: wall) }
        remaining = limits.map(\.remaining)
        var milliseconds: Int64?
        if outcome.isOfProvider, outcome.takesRetryAfter {
            milliseconds = Self.retryTime(headers, body, at: wall)
        }
        if milliseconds == nil, AnswerTable.limitedOutcomes.contains(outcome) {
            let resets = limits.compactMap { $0.isUsedUp ? $0.resetMilliseconds : nil }
            milliseconds = resets.max().map { min($0, AnswerTable.longestReset) }
        }
        retryAfter = milliseconds.map { .milliseconds($0) }
    }

    fileprivate static func inSmallLetters(
        _ headers: some Sequence<(key: String, value: String)>
    ) -> [String: String] {
        var told: [String: String] = [:]
        for (name, value) in headers { told[name.lowercased()] = value }
        return told
    }

    // MARK: Times

    /// How long the provider takes no calls, as a header or the body tells it.
    private static func retryTime(_ headers: [String: String], _ body: JSONValue?, at wall: Timestamp) -> Int64? {
        for header in AnswerTable.retryHeaders {
            guard let text = headers[header.name] else { continue }
            if let time = milliseconds(text, header.unit, at: wall) { return time }
        }
        for place in AnswerTable.retryPlaces {
            for value in body?.values(at: place) ?? [] {
                if let text = value.text, let time = milliseconds(text, .time, at: wall) { return time }
            }
        }
        return nil
    }

    private static func milliseconds(_ text: String, _ unit: AnswerTable.Unit, at wall: Timestamp) -> Int64? {
        switch unit {
        case .time: RetryTime.milliseconds(text, at: wall)
        case .milliseconds:
            trimmedNumber(text).flatMap { number in
                number.isNegative ? 0 : number.units(.up).flatMap { Int64(exactly: $0) }
            }
        }
    }

    /// What remains of a limit; nil if the headers do not tell it.
    private static func remaining(
        _ limit: AnswerTable.LimitHeaders, _ headers: [String: String], at wall: Timestamp
    ) -> (remaining: Remaining, isUsedUp: Bool, resetMilliseconds: Int64?)? {
        guard let number = headers[limit.remaining].flatMap(trimmedNumber) else { return nil }
        let count = number.isNegative ? 0 : Int64(clamping: number.units(.towardZero) ?? .max)
        let reset = headers[limit.reset].flatMap { RetryTime.milliseconds($0, at: wall) }
        let told = Remaining(limit: limit.name, count: count, resetAfter: reset.map { .milliseconds($0) })
        return (told, count == 0, reset)
    }

    private static func trimmedNumber(_ text: String) -> DecimalText? {
        var rest = Substring(text)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return DecimalText(rest)
    }
}

/// A body of `withPermit` throws the answer with which its call has failed.
extension ProviderAnswer: CallError {
    /// The outcome, how long the provider takes no calls, and how much of the route is marked.
    public var callOutcome: CallOutcome { CallOutcome(self) }
}

extension CallOutcome {
    /// The outcome of a call by the answer of its provider; see `ProviderAnswer`.
    ///
    /// - Parameters:
    ///   - status: the status code
    ///   - headers: the headers, such as a dictionary. Case does not matter
    ///   - body: the body, if it tells an error
    ///   - usage: what the call used; nil: not known
    public init(
        status: Int, headers: some Sequence<(key: String, value: String)> = [:] as [String: String],
        body: String? = nil, usage: Usage? = nil
    ) {
        self.init(ProviderAnswer(status: status, headers: headers, body: body), usage: usage)
    }

    /// The outcome that an answer tells.
    public init(_ answer: ProviderAnswer, usage: Usage? = nil) {
        self.init(answer.outcome, retryAfter: answer.retryAfter, usage: usage)
        markScope = answer.markScope
    }
}

/// What the rules of the table look at.
private struct ToldError {
    /// The status; nil: none was told, or one that does not tell of the error.
    var status: Int?
    /// What the error is called, in small letters.
    var words: [String] = []
    var document: JSONValue?

    init(status: Int?, _ headers: [String: String], _ body: JSONValue?) {
        // Gemini answers a stream that is not one of events with a list.
        document = body?.list?.first ?? body
        let tellsError = document?.tellsError ?? false
        self.status = tellsError && status.map { $0 < 400 } ?? true ? nil : status
        guard tellsError || self.status.map({ $0 >= 400 }) ?? true else { return }
        if let text = headers[AnswerTable.wordHeader] { words.append(Self.word(text.prefix { $0 != ":" })) }
        for place in AnswerTable.wordPlaces {
            for value in document?.values(at: place) ?? [] {
                switch value {
                case .string(let text): words.append(Self.word(text))
                case .number: noteStatus(value.int64)
                default: break
                }
            }
        }
        for word in words { noteStatus(Int64(word)) }
    }

    /// The status of an error in the body counts where the answer has none.
    private mutating func noteStatus(_ number: Int64?) {
        if status == nil, let number, 400...599 ~= number { status = Int(number) }
    }

    /// A word in small letters, without the name space that AWS puts before it.
    private static func word(_ text: some StringProtocol) -> String {
        let name = text.split(separator: "#").last.map { $0.lowercased() } ?? ""
        return name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

extension AnswerTable {
    fileprivate static func row(of error: ToldError) -> Row? { rows.first { $0.applies(to: error) } }

    /// The rule that decides on an answer; nil if none applies.
    package static func row(status: Int?, headers: [String: String], document: JSONValue?) -> Row? {
        row(of: ToldError(status: status, ProviderAnswer.inSmallLetters(headers), document))
    }
}

extension AnswerTable.Row {
    fileprivate func applies(to error: ToldError) -> Bool {
        if !statuses.isEmpty {
            guard let status = error.status, statuses.contains(where: { $0.contains(status) }) else { return false }
        }
        if !words.isEmpty, !words.contains(where: error.words.contains) { return false }
        return places.isEmpty || places.contains { error.document?.values(at: $0).isEmpty == false }
    }
}

extension JSONValue {
    /// Whether something other than null and false stands where errors are told.
    package var tellsError: Bool {
        AnswerTable.errorPlaces.contains { place in values(at: place).contains { $0.bool != false } }
    }

    /// The values at a place, given as names separated by points, without those that are null. A list on the way stands
    /// for each of its elements.
    fileprivate func values(at place: String) -> [JSONValue] {
        var found = [self]
        for name in place.split(separator: ".") {
            found = found.flatMap { $0.list ?? [$0] }.compactMap { $0[String(name)] }
        }
        return found.filter { !$0.isNull }
    }
}

extension Timestamp {
    /// The time of the wall clock.
    package static var wallClock: Timestamp {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return Timestamp(milliseconds: 0) }
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
