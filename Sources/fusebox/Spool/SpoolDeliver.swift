import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension SpoolCommands {
    /// `fusebox spool deliver [FILE]`
    struct Deliver: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver now what can be delivered.",
            discussion: """
                Every client does this by itself when it connects. With a file and --held also those of its reports are \
                delivered that wait for a person, as new ones: do so if you know that they have not counted.

                EXAMPLE
                  fusebox spool deliver 1764097845123-5f0c2a9be1d34487.spool --held
                """)

        @Argument(help: "The file, as `spool list` names it. (default: all)")
        var file: String?

        @Flag(help: "Deliver its reports that wait for a person, too: they have not counted.")
        var held = false

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard !held || file != nil else { throw ValidationError("--held goes with a file") }
        }

        func run() throws {
            // Says so if nobody answers, before anything is touched.
            var configuration = connection.configuration
            configuration.spool = .none
            let client = try connection.connect(configuration)
            defer { client.close() }
            configuration.spool = .standard
            var round = SpoolRound(client.path, configuration)
            let found = try file.map { try Self.find($0) }
            round.run(only: file)
            if held, let found, SpoolListing(.standard).files.contains(where: { $0.name == found.name && $0.held > 0 })
            {
                try Self.check(try SpoolDecision.renew(found.name, in: found.folder), found.name)
                round.run(only: found.name)
            }
            if let failure = round.failure {
                throw Failure(.tryAgain, "the spool was not delivered to its end: \(failure)")
            }
            let waiting = SpoolListing(.standard).files.filter { $0.socket == client.path }.reduce(0) { $0 + $1.held }
            let rest = waiting == 0 ? "" : "; \(Quantity.count(waiting, "report")) held for you"
            let answer = Answer(
                json: ["delivered": JSONValue(round.delivered), "held": JSONValue(waiting)],
                text: "\(Quantity.count(round.delivered, "report")) delivered\(rest)")
            try answer.deliver(asJSON: connection.json)
        }

        private static func find(_ name: String) throws(Failure) -> SpoolListing.File {
            guard let found = SpoolListing(.standard).files.first(where: { $0.name == name }) else {
                throw Failure(.usage, "no file in the spool is named \(name); `fusebox spool list` names them")
            }
            return found
        }

        static func check(_ outcome: SpoolDecision.Outcome, _ name: String) throws(Failure) {
            switch outcome {
            case .done: return
            case .notFound: throw Failure(.tryAgain, "\(name) is being worked on by another process, or is gone")
            case .hasPending: throw Failure(.tryAgain, "some of the reports in \(name) are still to be delivered")
            }
        }
    }

    /// `fusebox spool discard FILE`
    struct Discard: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a file with the reports that wait for a person.",
            discussion: "They are gone then. Reports that can still be delivered are kept, unless --pending.")

        @OptionGroup var file: FileArgument

        @Flag(help: "Also give up reports that could still be delivered.")
        var pending = false

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let found = try file.find()
            let outcome = try SpoolDecision.discard(found.name, in: found.folder, evenPending: pending)
            if outcome == .hasPending {
                throw Failure(
                    .usage,
                    "\(Quantity.count(found.pending, "report")) in \(found.name) can still be delivered; "
                        + "give them up with --pending")
            }
            try Deliver.check(outcome, found.name)
        }
    }
}
