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
            It begins with the events from now on, and says so where it was too slow to be told all. Ctrl-C ends it \
            with status 0; if the daemon goes away it ends with 69, and is to be started anew.

            EXAMPLES
              fusebox watch
              fusebox watch breaker exhaustion --json
            """)

    @Argument(help: "What to watch: \(Topics.named.map(\.name).joined(separator: ", ")). (default: all)")
    var topics: [TopicArgument] = []

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
        // Whole lines only have been written whenever the signal comes.
        _ = signal(SIGINT) { _ in _exit(0) }
        let client = try connection.connect()
        let clock = try DaemonClock(of: client)
        let chosen = topics.isEmpty ? Topics.all : topics.reduce(into: Topics()) { $0.formUnion($1.topic) }
        let events = try client.events(chosen)
        client.close()
        var output = Output()
        for event in events {
            for line in connection.json ? [event.json.text()] : event.lines(clock) { try output.write(line: line) }
            try output.flush()
        }
        let reason = events.failure.map(\.description) ?? "the daemon ended the subscription"
        throw Failure(.unavailable, "no more events will come: \(reason)")
    }
}

extension ReceivedEvent {
    fileprivate var json: JSONValue {
        [
            "number": JSONValue(number), "missed": JSONValue(missed), "at": JSONValue(at.milliseconds),
            "event": .string(event.name), "fields": JSONValue(event: event),
        ]
    }

    fileprivate func lines(_ clock: DaemonClock) -> [String] {
        let line = "\(clock.date(at))  \(Table.printable(sentence(clock)))"
        return missed == 0 ? [line] : ["missed \(Formatting.count(missed, "event"))", line]
    }

    private func sentence(_ clock: DaemonClock) -> String {
        switch event {
        case .breakerTransition(let it):
            "breaker \(it.name): \(it.from) -> \(it.to), share \(Formatting.percent(it.share)), "
                + "failures \(it.consecutiveFailures)"
        case .providerExhausted(let it):
            "exhausted \(it.entry.provider): for \(Formatting.span(milliseconds: it.entry.resetsAt - at)), "
                + "until \(clock.date(it.entry.resetsAt))"
        case .providerRestored(let it):
            "restored \(it.provider): the mark \(it.expired ? "expired" : "was cleared")"
        case .thresholdCrossed(let it):
            "threshold \(it.provider): \(it.tier), \(Formatting.dollars(it.spend)) of \(Formatting.dollars(it.budget)) "
                + "(\(Formatting.percent(it.utilization))), last by \(it.model)"
        case .depletionProjected(let it):
            "depletion \(it.provider): \(it.tier), \(Formatting.days(it.daysRemaining)) left at "
                + "\(Formatting.dollars(it.burnRate.costPerDay)) a day"
        case .periodRolledOver(let it):
            "period ended: \(Formatting.dollars(it.spend)) since \(DaemonClock.date(wall: it.endedStart))"
        case .budgetDenied(let it):
            "budget \(it.provider)\(it.model.map { "/\($0)" } ?? "") denies: \(Formatting.dollars(it.spend)) spent and "
                + "\(Formatting.dollars(it.held)) held of \(Formatting.dollars(it.budget)), "
                + "\(Formatting.dollars(it.estimate)) asked for"
        case .permitLapsed(let it):
            "permit \(it.entry.permit) of \(it.entry.provider): \(it.entry.standing), "
                + "\(Formatting.dollars(it.entry.estimate.cost)) given back"
        }
    }
}
