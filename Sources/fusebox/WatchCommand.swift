import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire
import Glibc

/// `fusebox watch`
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Print events as they happen, one a line, until interrupted.",
        discussion: """
            Events from now on are printed. A line says how many were missed if this command was too slow. If the daemon goes \
            away, this command waits for the next one. Standard error says so, and how many events may have been missed. \
            Ctrl-C ends the command with status 0. It ends with 69 if no daemon answers at the start, and with \
            --no-reconnect when the daemon goes away.

            EXAMPLES
              fusebox watch
              fusebox watch breaker exhaustion --json
            """)

    @Argument(help: "The topics to watch: \(Topics.named.map(\.name).joined(separator: ", ")). (default: all)")
    var topics: [TopicArgument] = []

    @Flag(inversion: .prefixedNo, help: "Wait for the next daemon when this one goes away.")
    var reconnect = true

    @OptionGroup var connection: ConnectionOptions

    /// A topic on the command line.
    struct TopicArgument: ExpressibleByArgument {
        let topic: Topics

        init?(argument: String) {
            guard let topic = Topics.named.first(where: { $0.name == argument })?.topic else { return nil }
            self.topic = topic
        }

        static var allValueStrings: [String] { Topics.named.map(\.name) }
    }

    func run() throws {
        // Lines are always written whole, so the process may end at any time.
        _ = signal(SIGINT) { _ in _exit(0) }
        let chosen = topics.isEmpty ? Topics.all : topics.reduce(into: Topics()) { $0.formUnion($1.topic) }
        var watch = try Watch(connection, chosen)
        while true {
            let failure = try watch.printAll(asJSON: connection.json)
            guard reconnect, failure.isPassing else {
                throw Failure(failure.status, "no more events will come: \(failure.message)")
            }
            Failure.tell("fusebox: the daemon is gone (\(failure.message)); waiting for the next")
            let next = try Self.wait(for: connection, chosen)
            Failure.tell("fusebox: \(next.gap(since: watch))")
            watch = next
        }
    }

    /// Subscribes as soon as a daemon answers. Throws an error that waiting cannot lift.
    private static func wait(for connection: ConnectionOptions, _ topics: Topics) throws -> Watch {
        var pause: UInt32 = 50_000
        while true {
            usleep(pause)
            pause = min(pause * 2, longestPause)
            do { return try Watch(connection, topics) } catch {
                guard let failure = Failure(of: error), failure.isPassing else { throw error }
            }
        }
    }

    /// The time between two attempts to connect, in microseconds.
    private static let longestPause: UInt32 = 1_000_000
}

/// A subscription, which lasts as long as its connection.
private struct Watch {
    private let events: EventIterator
    private let clock: DaemonClock
    /// Identifies the start of the daemon.
    private let startedAt: Timestamp
    /// The number of the next event.
    private var nextNumber: UInt64

    init(_ connection: ConnectionOptions, _ topics: Topics) throws {
        let client = try connection.connect()
        defer { client.close() }
        clock = try DaemonClock(of: client)
        startedAt = try client.status().startedAt
        events = try client.events(topics)
        nextNumber = events.nextNumber
    }

    /// Prints events until the subscription ends. Returns the reason.
    mutating func printAll(asJSON: Bool) throws -> Failure {
        var output = Output()
        while let event = events.next() {
            nextNumber = event.number + 1
            for line in asJSON ? [event.json.text()] : event.lines(clock) { try output.write(line: line) }
            try output.flush()
        }
        switch events.failure {
        case .unavailable(_, let reason): return Failure(.unavailable, reason)
        // The peer does not speak the protocol, so another attempt would fail too.
        case .protocolViolation(let reason): throw Failure(.unavailable, reason)
        case let failure?: return Failure(failure)
        case nil: return Failure(.unavailable, "the daemon ended the subscription")
        }
    }

    /// A sentence about the events, of any topic, that may have been missed since an earlier subscription.
    func gap(since earlier: Watch) -> String {
        if startedAt == earlier.startedAt {
            let missed = events.nextNumber - min(earlier.nextNumber, events.nextNumber)
            return "connected again; up to \(Quantity.count(missed, "event")) may have been missed"
        }
        let own = events.nextNumber - min(events.nextNumber, 1)
        let missed = own == 0 ? "" : ", and up to \(Quantity.count(own, "event")) since it started"
        return
            "connected again, to a daemon that was restarted; the last events before the restart may have been missed"
            + missed
    }
}

extension Failure {
    /// Whether the failure may end when a daemon starts.
    fileprivate var isPassing: Bool { status == .unavailable || status == .tryAgain }
}

extension ReceivedEvent {
    fileprivate var json: JSONValue {
        [
            "number": JSONValue(number), "missed": JSONValue(missed), "at": JSONValue(at.milliseconds),
            "event": .string(event.name), "fields": LimitReport.json(event),
        ]
    }

    fileprivate func lines(_ clock: DaemonClock) -> [String] {
        let line = "\(clock.date(at))  \(Table.printable(sentence(clock)))"
        return missed == 0 ? [line] : ["missed \(Quantity.count(missed, "event"))", line]
    }

    private func sentence(_ clock: DaemonClock) -> String {
        switch event {
        case .breakerTransition(let it):
            "breaker \(Candidate(provider: it.name, deployment: it.deployment, model: it.model).route): \(it.from) -> "
                + "\(it.to), share \(Formatting.percent(it.share)), failures \(it.consecutiveFailures)"
                + (it.to == .open ? it.openedBy.map { "; \(BreakerText.sentence($0))" } ?? "" : "")
        case .providerExhausted(let it):
            "exhausted \(it.entry.route): for \(Formatting.span(milliseconds: it.entry.resetsAt - at)), "
                + "until \(clock.date(it.entry.resetsAt))\(Self.because(it.entry.reason))"
        case .providerRestored(let it): Self.sentence(it)
        case .routePaused(let it):
            "paused \(it.entry.route), \(it.entry.until.map { "until \(clock.date($0))" } ?? "until it is resumed"), "
                + "by uid \(it.entry.user): \(it.entry.reason)"
        case .routeResumed(let it): "resumed \(it.entry.route)\(it.expired ? ": the pause expired" : "")"
        case .limitReached(let it): LimitReport.sentence(it)
        case .limitDenied(let it):
            "\(LimitReport.name(it.entry)) denied a call that needs \(LimitReport.amount(it.needed, of: it.entry)): "
                + LimitReport.sentence(it.entry)
        case .limitReverted(let it):
            "\(LimitReport.name(it.entry)) holds again, after a raise to "
                + "\(LimitReport.bound(it.raisedAmount, of: it.entry)): \(LimitReport.sentence(it.entry))"
        case .depletionProjected(let it): LimitReport.sentence(it)
        case .accountReset(let it): Self.sentence(it)
        case .accountAdjusted(let it):
            "\(it.scope) was corrected by \(Formatting.dollars(it.cost)): \(it.reason)"
        case .permitLapsed(let it):
            "permit \(it.entry.permit) of \(it.entry.provider): \(it.entry.standing), it held "
                + "\(Formatting.dollars(it.entry.estimate.cost ?? .zero))"
        }
    }

    private static func because(_ reason: MarkReason) -> String {
        reason == .told ? "" : ": \(MarkText.text(reason))"
    }

    private static func sentence(_ restored: ProviderRestored) -> String {
        let route = Candidate(
            provider: restored.provider, deployment: restored.deployment, model: restored.model
        ).route
        return switch restored.end {
        case .expired: "restored \(route): the mark expired"
        case .cleared: "restored \(route): the mark was cleared"
        case .succeeded: "restored \(route): a call has succeeded"
        case .unknown: "restored \(route)"
        }
    }

    private static func sentence(_ reset: AccountReset) -> String {
        let spent =
            "\(Formatting.dollars(reset.spend)) had been spent\(Formatting.without(unpriced: reset.unpriced))"
        if reset.scope.isHost { return "every account was reset: \(spent)" }
        if LimitReport.isTemplate(reset.scope) { return "the tags that \(reset.scope) stands for were reset" }
        // A tag with a provider has no account.
        guard reset.scope.tag == nil || reset.scope.provider == nil else {
            return "the limits of \(reset.scope) were reset"
        }
        return "the account of \(reset.scope) was reset: \(spent)"
    }
}
