import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension PermitsCommands {
    /// `fusebox permits revoke NUMBER…`
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "End permits at once and give back what they hold. Operators only.",
            discussion: """
                This is for a worker that died or hangs while it holds a part of a limit. Everything is given back, also \
                where a limit would count the estimate as used when the permit expires (--on-lapse charge). If the call is \
                settled later, its cost still counts. Of a permit that has ended unsettled, what limits assume is given back.

                EXAMPLE
                  fusebox permits revoke 7492398923874305
                """)

        @Argument(
            help: ArgumentHelp("The numbers of the permits, from `fusebox permits list`.", valueName: "number"),
            transform: NumberArgument.permit)
        var numbers: [UInt64]

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let client = try connection.connect()
            defer { client.close() }
            var revocations: [(number: UInt64, revocation: Revocation)] = []
            var unknown: [UInt64] = []
            for number in numbers {
                do throws(ClientError) {
                    revocations.append((number, try client.admission.revoke(number)))
                } catch {
                    guard case .refused(let refusal) = error, refusal.status == .notFound else { throw error }
                    unknown.append(number)
                }
            }
            try Answer(
                json: ["permits": .array(revocations.map { Self.json($0.number, $0.revocation) })],
                text: revocations.map { Self.text($0.number, $0.revocation) }.joined(separator: "\n")
            ).deliver(asJSON: connection.json)
            guard unknown.isEmpty else {
                let list = unknown.map { "\($0)" }.joined(separator: ", ")
                throw Failure(
                    .usage,
                    "there \(unknown.count == 1 ? "is no permit" : "are no permits") \(list); `fusebox permits list` shows those in force"
                )
            }
        }

        private static func json(_ number: UInt64, _ revocation: Revocation) -> JSONValue {
            [
                "permit": .string("\(number)"), "isRevoked": .bool(revocation.isRevoked),
                "standing": .string("\(revocation.standing)"),
                "entry": revocation.entry.map { JSONValue(record: $0) } ?? .null,
            ]
        }

        private static func text(_ number: UInt64, _ revocation: Revocation) -> String {
            guard revocation.isRevoked, let entry = revocation.entry else {
                let assumed = revocation.standing == .expired ? "; what limits assumed of it is given back" : ""
                return "permit \(number): already \(revocation.standing), it holds nothing\(assumed)"
            }
            let model = entry.model.map { "/\($0)" } ?? ""
            return "permit \(number) of \(entry.provider)\(model): revoked, "
                + "\(Formatting.dollars(revocation.givenBack)) given back"
        }
    }
}
