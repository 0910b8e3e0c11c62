import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger reset SCOPE`
    struct Reset: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset",
            abstract: "Begin the account of a scope anew, and its limits that go on until reset. Operators only.",
            discussion: """
                What lies within the scope begins anew with it: the models and deployments of a provider, the tags of a \
                template, with --host everything. Other limits, such as '$50 per month', keep what was used of them. What \
                calls in flight hold stays held.

                EXAMPLES
                  fusebox ledger reset openai
                  fusebox ledger reset --tag team:search
                  fusebox ledger reset --host --dry-run
                """)

        @OptionGroup var account: AccountScope

        @Flag(help: "Say which accounts and limits would begin anew, and change nothing.")
        var dryRun = false

        @OptionGroup var confirmation: Confirmation
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            guard let scope = try account.scope else {
                throw Failure(.usage, "whose account? give a provider, --tag or --host")
            }
            if dryRun || !confirmation.yes, let provider = scope.provider { try client.checkKnown(provider.text) }
            guard !dryRun else { return try preview(of: scope, client) }
            let account = scope.isHost ? "every account" : "the account of \(scope)"
            try confirmation.ask(
                "\(account) begins anew: what was spent is no longer shown, and limits that go on until reset are empty",
                client)
            let reply = try Self.reset(scope, client)
            let spent = reply.before.map { before in
                let subject = scope.isHost ? "everything begins" : "\(scope) begins"
                let unpriced = Formatting.without(unpriced: before.unpriced)
                return "\(subject) anew; \(Formatting.dollars(before.spend)) had been spent\(unpriced)"
            }
            let limits = reply.entries.map { "\($0.scope): \($0.limit); \(LimitReport.sentence($0))" }
            // A template has no account, but those of its tags begin anew.
            let tags = LimitReport.isTemplate(scope) ? "the tags that \(scope) stands for begin anew" : nil
            return Answer(
                json: [
                    "before": reply.before.map { JSONValue(record: $0) } ?? .null,
                    "limits": .array(reply.entries.map(LimitReport.json)),
                ],
                text: ([spent ?? tags].compactMap(\.self) + limits).map(Table.printable).joined(separator: "\n"))
        }

        /// What would begin anew.
        private func preview(of scope: Scope, _ client: FuseboxClient) throws -> Answer {
            let preview = try ResetPreview(of: scope, client)
            guard !preview.isEmpty else {
                throw Failure(.usage, "\(scope) has no account and no limit that goes on until reset")
            }
            return preview.answer(try DaemonClock(of: client))
        }

        private static func reset(
            _ scope: Scope, _ client: FuseboxClient
        ) throws -> FuseboxWire.LedgerReset.Reply {
            let command = FuseboxWire.LedgerReset(scope: scope)
            guard let provider = scope.provider, scope.tag == nil else {
                return try client.withLimits(of: scope) { () throws(ClientError) in try client.call(command) }
            }
            return try client.withKnown(provider.text) { () throws(ClientError) in try client.call(command) }
        }
    }
}
