import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger forget --tag TAG`
    struct Forget: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a tag, such as that of a person. Operators only.",
            discussion: """
                Its account, its limits and what was used of them are gone, and so is its name in permits. What was spent for \
                it stays in the accounts of the host, of providers and of other tags. Snapshots, backups, the journal and \
                the replies that are kept for workers lose the name as they rotate. The history keeps what the tag has used on \
                days that are over, until their months are removed. Calls that name the tag later make it anew.

                EXAMPLE
                  fusebox ledger forget --tag user:42
                """)

        @Option(help: ArgumentHelp("The tag. It is not a template.", valueName: "tag"))
        var tag: String

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let name = try Self.name(tag)
            let reply = try client.call(FuseboxWire.LedgerForget(tag: name))
            let spent = reply.account.map {
                "; \(Formatting.dollars($0.spend)) spent by \(Quantity.count($0.requests, "request"))"
            }
            let limits = reply.limits > 0 ? "; \(Quantity.count(reply.limits, "limit")) removed" : ""
            let permits = reply.permits > 0 ? "; taken from \(Quantity.count(reply.permits, "permit"))" : ""
            return Answer(
                json: [
                    "account": reply.account.map { JSONValue(record: $0) } ?? .null,
                    "limits": JSONValue(Int64(reply.limits)), "permits": JSONValue(Int64(reply.permits)),
                ],
                text: Table.printable("\(name) is forgotten\(spent ?? "")\(limits)\(permits)"))
        }

        private static func name(_ text: String) throws(Failure) -> Name {
            do throws(Refusal) { return try Name(text) } catch { throw Failure(.usage, "--tag: \(error.message)") }
        }
    }
}
