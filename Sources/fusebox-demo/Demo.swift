import FuseboxClient
import Glibc

/// A demonstration with real processes: four workers, a provider that fails, and a daemon that is restarted.
///
/// Without arguments the program runs the demonstration. It starts itself again as each worker and as the provider.
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
            default: try tell()
            }
        } catch {
            print("\nThe demo failed: \(error)")
            exit(1)
        }
    }

    private static func tell() throws {
        var story = try Story()
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
