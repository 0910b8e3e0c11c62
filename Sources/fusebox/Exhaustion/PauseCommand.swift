import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox pause ROUTE --reason TEXT`
struct PauseCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Take a route out of use: no call is admitted by it. Operators only.",
        discussion: """
            A pause of a provider is one of all its deployments and models. It ends by its time or by `fusebox resume`, and by \
            nothing else: no success, no reset and no restart of the daemon ends it. Who paused the route, since when and \
            why is shown by `exhaustion list` and `overview`. Calls that are under way go on.

            `breaker open` is something else. It says that a provider fails now, as if many calls had failed. Such a breaker \
            lets calls through again by itself, more with each reset timeout, and successes close it.

            EXAMPLES
              fusebox pause openai --reason 'contract ends' --for 2h
              fusebox pause openai@eu --reason 'key is being rotated'
            """)

    @OptionGroup var paused: RouteArgument

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Why, for those who meet the pause.", valueName: "text"), transform: Self.reason)
    var reason: String

    @Option(
        name: .customLong("for"), parsing: .unconditional,
        help: ArgumentHelp("How long, \(durationHelp). (default: until it is resumed)", valueName: "time"),
        transform: DurationArgument.within(ValueRanges.pause))
    var duration: DurationArgument?

    @OptionGroup var creation: BreakerCommands.CreationOption
    @OptionGroup var connection: ConnectionOptions

    private static func reason(_ text: String) throws -> String {
        guard (1...WireLimits.textLength).contains(text.utf8.count) else {
            throw ValidationError("give the reason in 1 to \(WireLimits.textLength) bytes")
        }
        return text
    }

    func answer(from client: FuseboxClient) throws -> Answer {
        let names = try paused.names
        let pause = try client.withKnown(names.provider, creation: BreakerCommands.CreationOption.hint) {
            () throws(ClientError) in
            try client.exhaustion.pause(
                names.provider, deployment: names.deployment, model: names.model, reason: reason,
                for: duration?.duration, mustBeKnown: !creation.create)
        }
        let clock = try DaemonClock(of: client)
        return Answer(
            json: JSONValue(record: pause),
            text: Table.printable("\(pause.route) is paused, ends \(MarkText.end(pause, clock))"))
    }
}

/// `fusebox resume ROUTE`
struct ResumeCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End the pause of a route. Operators only.",
        discussion: """
            It ends the pause of this route alone. Pauses of its provider, or of single deployments or models, stay.

            EXAMPLE
              fusebox resume openai
            """)

    @OptionGroup var paused: RouteArgument
    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        let names = try paused.names
        let reply = try client.exhaustion.resume(
            names.provider, deployment: names.deployment, model: names.model)
        let clock = try DaemonClock(of: client)
        var lines = [reply.wasPaused ? "resumed" : "it was not paused"]
        if let remaining = reply.remaining {
            lines.append("its calls are still kept away: \(MarkText.sentence(remaining, clock))")
        }
        return Answer(
            json: [
                "wasPaused": .bool(reply.wasPaused),
                "remaining": reply.remaining.map { JSONValue(record: $0) } ?? .null,
            ],
            text: lines.map(Table.printable).joined(separator: "\n"))
    }
}
