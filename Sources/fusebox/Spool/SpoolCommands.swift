import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox spool`
struct SpoolCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spool", abstract: "Reports that workers left when they ended without a daemon.",
        discussion: """
            A worker that ends while the daemon is away leaves its reports in its user's spool. The next client of that user \
            delivers them, and each counts once. This tool is such a client too. Some reports are not sent again \
            automatically: those that the daemon refuses for good, and those that may have counted before the daemon \
            forgot their worker. They are undecided. You inspect them (`show`) and decide (`deliver --undecided` or \
            `discard`).

            The spool is the directory $FUSEBOX_SPOOL. If that is not set, it is $XDG_STATE_HOME/fusebox/spool, by default \
            ~/.local/state/fusebox/spool, and for users without a home directory /var/tmp/fusebox-spool-UID. It takes \
            \(ClientLimits.spoolFiles) files and \(ClientLimits.spoolBytes >> 20) MiB at most.
            """,
        subcommands: [List.self, Show.self, Deliver.self, Discard.self])

    /// The argument that names a file.
    struct FileArgument: ParsableArguments {
        @Argument(help: "The file's name, from `fusebox spool list`.")
        var file: String

        func find() throws(Failure) -> SpoolListing.File {
            guard let found = SpoolListing(.standard).files.first(where: { $0.name == file }) else {
                throw Failure(.usage, "the spool has no file \(file); `fusebox spool list` lists its files")
            }
            return found
        }
    }

    /// `fusebox spool list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the files of this user's spool.")

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let listing = SpoolListing(.standard)
            let table = Table(
                [
                    .left("FILE"), .left("LEFT"), .left("BY"), .right("PENDING"), .right("UNDECIDED"), .right("SIZE"),
                    .left("SOCKET"),
                ],
                rows: listing.files.map { file in
                    guard file.damage == nil else {
                        return [file.name, "-", "-", "-", "damaged", Formatting.bytes(UInt64(file.length)), "-"]
                    }
                    return [
                        file.name, DaemonClock.date(wall: file.at), "\(file.client), process \(file.processID)",
                        "\(file.pending)", "\(file.undecided)", Formatting.bytes(UInt64(file.length)), file.socket,
                    ]
                })
            let folders = listing.folders.joined(separator: " and ")
            let answer = Answer(
                json: [
                    "folders": .array(listing.folders.map { .string($0) }),
                    "files": .array(listing.files.map { $0.json }),
                ],
                text: table.text(ifEmpty: "No reports are left in \(folders)."))
            try answer.deliver(asJSON: connection.json)
        }
    }

    /// `fusebox spool show FILE`
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the reports in a file.")

        @OptionGroup var file: FileArgument

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let file = try file.find()
            if let damage = file.damage { throw Failure(.damagedData, "\(file.folder)/\(file.name): \(damage)") }
            let table = Table(
                [.right("NUMBER"), .left("STATE"), .left("REPORT"), .left("CONTENTS"), .left("WHY")],
                rows: file.reports.map { report in
                    [
                        "\(report.sequence)", report.state.rawValue, report.commandName, report.contents?.text() ?? "-",
                        report.reason.isEmpty ? "-" : report.reason,
                    ]
                })
            try Answer(json: file.json, text: table.text).deliver(asJSON: connection.json)
        }
    }
}

extension SpoolListing.File {
    /// The file for programs. The worker's id is reduced to the half that other processes may see.
    fileprivate var json: JSONValue {
        [
            "file": .string(name), "folder": .string(folder), "length": JSONValue(length),
            "damage": damage.map { .string($0) } ?? .null, "socket": .string(socket), "client": .string(client),
            "processID": JSONValue(Int(processID)), "worker": .string(Formatting.epoch(worker)),
            "at": JSONValue(at.milliseconds), "pending": JSONValue(pending), "undecided": JSONValue(undecided),
            "reports": .array(
                reports.map { report in
                    [
                        "sequence": JSONValue(Int(clamping: report.sequence)), "command": .string(report.commandName),
                        "state": .string(report.state.rawValue), "contents": report.contents ?? .null,
                        "reason": .string(report.reason),
                    ]
                }),
        ]
    }
}

extension SpoolListing.Item {
    fileprivate var commandName: String { CommandTable.declaration(command)?.name ?? "command \(command)" }

    /// The command's fields; nil if they cannot be read.
    fileprivate var contents: JSONValue? {
        var reading = Reading(payload: payload)
        return CommandTable.dispatch(command, &reading) ?? nil
    }

    private struct Reading: CommandVisitor {
        let payload: [UInt8]

        mutating func visit<C: Command>(_: C.Type) -> JSONValue? {
            var command = C()
            return unsafe payload.withUnsafeBytes { bytes in
                var reader = unsafe ByteReader(bytes)
                do throws(Refusal) {
                    try command.decode(from: &reader)
                    try reader.finish()
                    return JSONValue(record: command)
                } catch { return nil }
            }
        }
    }
}
