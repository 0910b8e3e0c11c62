import ArgumentParser
import FuseboxClient
import FuseboxInterop

extension SnapshotCommands {
    /// `fusebox snapshot now`
    struct Now: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "now",
            abstract: "Take a snapshot. The command returns once it is on the daemon's disk and verified.")

        @OptionGroup var connection: DiskConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let info = try client.snapshots.now()
            return Answer(json: JSONValue(record: info), text: table([info], try DaemonClock(of: client)).text)
        }
    }

    /// `fusebox snapshot list`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the daemon's snapshots, newest first.")

        @OptionGroup var connection: DiskConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let snapshots = try client.snapshots.list()
            return Answer(
                json: ["snapshots": .array(snapshots.map { JSONValue(record: $0) })],
                text: table(snapshots, try DaemonClock(of: client)).text(ifEmpty: "There are no snapshots yet."))
        }
    }
}
