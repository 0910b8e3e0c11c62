import FuseboxClient
import Glibc

/// The main job, shown with real processes: four workers, a provider that begins to fail, a daemon that is restarted.
///
/// The same program plays every part but the daemon's: without arguments it tells the story, and it starts itself again
/// as the workers and as the provider.
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
            print("\nThe demo has failed: \(error)")
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
        say("All of it happened as told.")
    }

    /// Writes a line at once: the other end of a pipe waits for it.
    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Stops the demo where what should have happened has not.
    static func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard condition else { throw DemoFailure(what()) }
    }
}

/// Something that the demo promised and that did not happen.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
