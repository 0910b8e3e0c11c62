import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension SnapshotCommands {
    /// `fusebox snapshot save FILE|-`
    struct Save: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "save", abstract: "Take a snapshot, fetch it, verify it, and write it to a file.",
            discussion: """
                The file is written atomically: it is complete and durable, or does not exist. With - only the snapshot is \
                written to standard output.

                EXAMPLE
                  fusebox snapshot save backup.fusebox
                """)

        @Argument(help: "The file to write; - for standard output.", completion: .file())
        var file: String

        @OptionGroup var connection: DiskConnectionOptions

        func run() throws {
            let client = try connection.connect()
            defer { client.close() }
            let (snapshot, info) = try SnapshotFile.taken(by: client)
            guard file == "-" else {
                // The file is read back from disk and loaded by the rules of a start.
                try LocalFile.write(snapshot.bytes, to: file) { (bytes) throws(Failure) in
                    try SnapshotFile(bytes, file).tryStart()
                }
                let size = Formatting.bytes(info.length)
                return try Answer(
                    json: JSONValue(record: info),
                    text: "\(file): \(size), \(Quantity.count(info.sequence, "change")), verified"
                ).deliver(asJSON: connection.json)
            }
            try snapshot.tryStart()
            var output = Output()
            try output.write(snapshot.bytes)
            try output.flush()
        }
    }
}
