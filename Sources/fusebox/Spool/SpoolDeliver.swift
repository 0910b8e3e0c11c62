import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension SpoolCommands {
    /// `fusebox spool deliver [FILE]`
    struct Deliver: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deliver", abstract: "Deliver all reports that can be delivered.",
            discussion: """
                Every client does this when it connects. With a file and --undecided, the undecided reports of the file are \
                delivered too, as new reports. Do this only if you know that they have not counted.

                EXAMPLE
                  fusebox spool deliver 1764097845123-5f0c2a9be1d34487.spool --undecided
                """)

        @Argument(help: "The file's name, from `fusebox spool list`. (default: all)")
        var file: String?

        @Flag(help: "Also deliver the file's undecided reports. You confirm that they have not counted.")
        var undecided = false

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard !undecided || file != nil else { throw ValidationError("--undecided needs the name of a file") }
        }

        func run() throws {
            // Fails if no daemon answers, before any file is changed.
            var configuration = connection.configuration
            configuration.spool = .none
            let client = try connection.connect(configuration)
            defer { client.close() }
            configuration.spool = .standard
            var round = SpoolRound(client.path, configuration)
            let found = try file.map { try Self.find($0) }
            round.run(only: file)
            if undecided, let found,
                SpoolListing(.standard).files.contains(where: { $0.name == found.name && $0.undecided > 0 })
            {
                try Self.check(try SpoolDecision.renew(found.name, in: found.folder), found.name)
                round.run(only: found.name)
            }
            if let failure = round.failure {
                throw Failure(.tryAgain, "the spool was not delivered to its end: \(failure)")
            }
            let waiting = SpoolListing(.standard).files.filter { $0.socket == client.path }.reduce(0) {
                $0 + $1.undecided
            }
            let rest = waiting == 0 ? "" : "; \(Quantity.count(waiting, "report")) waiting for your decision"
            let answer = Answer(
                json: ["delivered": JSONValue(round.delivered), "undecided": JSONValue(waiting)],
                text: "\(Quantity.count(round.delivered, "report")) delivered\(rest)")
            try answer.deliver(asJSON: connection.json)
        }

        private static func find(_ name: String) throws(Failure) -> SpoolListing.File {
            guard let found = SpoolListing(.standard).files.first(where: { $0.name == name }) else {
                throw Failure(.usage, "the spool has no file \(name); `fusebox spool list` lists its files")
            }
            return found
        }

        static func check(_ outcome: SpoolDecision.Outcome, _ name: String) throws(Failure) {
            switch outcome {
            case .done: return
            case .notFound:
                throw Failure(.tryAgain, "another process uses or has removed \(name); see `fusebox spool list`")
            case .hasPending:
                throw Failure(
                    .tryAgain, "some reports in \(name) are not delivered yet; run `fusebox spool deliver` first")
            }
        }
    }

    /// `fusebox spool discard FILE`
    struct Discard: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "discard", abstract: "Remove a file with undecided reports.",
            discussion:
                "The reports are lost. A file with reports that can still be delivered is removed only with --pending.")

        @OptionGroup var file: FileArgument

        @Flag(help: "Also discard reports that can still be delivered.")
        var pending = false

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let found = try file.find()
            let outcome = try SpoolDecision.discard(found.name, in: found.folder, evenPending: pending)
            if outcome == .hasPending {
                throw Failure(
                    .usage,
                    "\(Quantity.count(found.pending, "report")) in \(found.name) can still be delivered; "
                        + "discard them with --pending")
            }
            try Deliver.check(outcome, found.name)
        }
    }
}
