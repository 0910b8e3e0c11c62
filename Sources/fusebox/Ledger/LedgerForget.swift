import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger forget --tag TAG`
    struct Forget: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "forget", abstract: "Forget a tag, such as that of a person. Operators only.",
            discussion: """
                Its account, its limits and what was used of them are gone, and so is its name in permits. What was spent for \
                it stays in the accounts of the host, of providers and of other tags. The files of the history are written \
                anew without its days. Snapshots, the journal and the replies that are kept for workers lose the name as they \
                rotate. Backups are not written anew. Calls that name the tag later make it anew.

                EXAMPLE
                  fusebox ledger forget --tag user:42
                """)

        @Option(help: ArgumentHelp("The tag. It is not a template.", valueName: "tag"), completion: KnownNames.tags)
        var tag: String

        @OptionGroup var confirmation: Confirmation
        @OptionGroup var connection: DiskConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let name = try Self.name(tag)
            try confirmation.ask("the account, the limits and the history of the tag \(name) will be lost", client)
            let reply = try forget(name, client)
            // The first page of the history waits until its files are written anew.
            let day = ValueRanges.historyDays.lowerBound
            let notes = try? client.ledger.history(.tag, within: Scope(tag: name), days: day...day) { _ in }
            let isErased = notes?.erasing == 0
            let spent = reply.account.map {
                "; \(Formatting.dollars($0.spend)) spent by \(Formatting.requests($0.requests, unpriced: $0.unpriced))"
            }
            let limits = reply.limits > 0 ? "; \(Quantity.count(reply.limits, "limit")) removed" : ""
            let permits = reply.permits > 0 ? "; taken from \(Quantity.count(reply.permits, "permit"))" : ""
            return Answer(
                json: [
                    "account": reply.account.map { JSONValue(record: $0) } ?? .null,
                    "limits": JSONValue(Int64(reply.limits)), "permits": JSONValue(Int64(reply.permits)),
                    "isOutOfHistory": JSONValue(isErased),
                ],
                text: Table.printable(
                    "\(name) is forgotten\(spent ?? "")\(limits)\(permits)\(isErased ? "" : Self.stillInHistory)"))
        }

        private static let stillInHistory =
            "; the history's files still name it, and the daemon writes them anew as soon as it can"

        /// Forgets the tag. One that nothing but the history names is forgotten there.
        private func forget(_ name: Name, _ client: FuseboxClient) throws -> FuseboxWire.LedgerForget.Reply {
            do throws(ClientError) { return try client.call(FuseboxWire.LedgerForget(tag: name)) } catch {
                guard case .refused(let refusal) = error, refusal.status == .notFound else { throw error }
                var isInHistory = false
                _ = try client.ledger.history(.tag, within: Scope(tag: name), days: ValueRanges.historyDays) { _ in
                    isInHistory = true
                }
                guard isInHistory else { throw error }
                return try client.call(FuseboxWire.LedgerForget(tag: name, isInHistory: true))
            }
        }

        private static func name(_ text: String) throws(Failure) -> Name {
            do throws(Refusal) { return try Name(text) } catch { throw Failure(.usage, "--tag: \(error.message)") }
        }
    }
}
