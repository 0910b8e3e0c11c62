import ArgumentParser
import FuseboxInterop
import FuseboxStore
import FuseboxWire

extension SnapshotCommands {
    /// `fusebox snapshot verify FILE`
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check all checksums of a snapshot and load its state. Exit status 65 if it is damaged.")

        @OptionGroup var snapshot: FileArgument
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let file = try snapshot.verified()
            try file.tryStart()
            try Answer(
                json: .object(file.headerJSON + [("bytes", JSONValue(file.bytes.count)), ("intact", true)]),
                text: file.headerListing.text + "\nOK"
            ).deliver(asJSON: connection.json)
        }
    }
}

extension SnapshotFile {
    /// The file's name and the fields of its header.
    var headerJSON: [(key: String, value: JSONValue)] {
        [("file", .string(label)), ("version", JSONValue(Int64(reader.version)))]
            + (JSONValue(record: reader.header).members ?? [])
    }

    var headerListing: Listing {
        let header = reader.header
        return [
            "file": "\(label), \(Formatting.bytes(UInt64(bytes.count)))",
            "format": "version \(reader.version)",
            "taken": DaemonClock.date(wall: header.wall),
            "changes": "\(header.sequence)",
            "epoch": Formatting.epoch(header.epoch),
            "profile": header.profile.name,
        ]
    }
}
