import FuseboxClient
import Glibc

/// A demonstration with real processes: workers, a provider that fails, and a daemon that is restarted.
///
/// The program starts itself again as four workers and as the provider. Each `--worker COMMAND` adds a worker in another
/// language; its words are separated by spaces, and the first may set variables.
@main
struct Demo {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        let arguments = CommandLine.arguments
        do {
            switch arguments.dropFirst().first {
            case "worker": try DemoWorker(daemon: arguments[2], provider: arguments[3]).run()
            case "provider":
                var provider = try FakeProvider(path: arguments[2])
                try provider.run()
            default: try tell(otherWorkers: try otherWorkers(arguments.dropFirst()))
            }
        } catch {
            print("\nThe demo failed: \(error)")
            exit(1)
        }
    }

    /// The commands after `--worker`.
    private static func otherWorkers(_ arguments: ArraySlice<String>) throws -> [[String]] {
        var commands: [[String]] = []
        var rest = arguments
        while let option = rest.popFirst() {
            guard option == "--worker", let command = rest.popFirst() else {
                throw DemoFailure("the arguments are --worker COMMAND, and not '\(option)'")
            }
            commands.append(command.split(separator: " ").map(String.init))
        }
        return commands
    }

    private static func tell(otherWorkers: [[String]]) throws {
        var story = try Story(otherWorkers: otherWorkers)
        defer { story.cleanUp() }
        try story.begin()
        try story.workersShareSpend()
        try story.oneOutageIsSeenByAll()
        try story.oneQuotaErrorIsRespectedByAll()
        try story.everythingSurvivesARestart()
        try story.theProviderRecovers()
        say("")
        say("Every step was checked and succeeded.")
    }

    /// Prints a line and flushes it, because a process may wait for it at the other end of a pipe.
    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Throws if a condition of the demo does not hold.
    static func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard condition else { throw DemoFailure(what()) }
    }
}

/// A condition of the demo that did not hold.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
