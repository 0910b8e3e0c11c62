import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger reset SCOPE`
    struct Reset: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin anew what is used of a scope's limits that go on until reset. Operators only.",
            discussion: """
                These are limits such as '$50 until reset'. What calls in flight hold stays held.

                EXAMPLE
                  fusebox ledger reset --tag team:search
                """)

        @OptionGroup var scope: ScopeOptions
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let scope = try scope.required
            let entries = try client.withLimits(of: scope) { () throws(ClientError) in
                try client.limits.reset(scope)
            }
            return Answer(
                json: ["limits": .array(entries.map(LimitReport.json))],
                text: entries.map { Table.printable("\($0.scope): \($0.limit), \(LimitReport.sentence($0))") }
                    .joined(separator: "\n"))
        }
    }
}
