import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox forget NAME`
struct ForgetCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Remove a name: its breaker, its mark, its account with all models, its limits.",
        discussion: """
            The spend of the name is lost. Operators only.

            EXAMPLE
              fusebox forget openai-test --yes
            """)

    @Argument(help: "The provider or breaker.", completion: KnownNames.providers)
    var name: String

    @Flag(help: "Say what would be lost, and change nothing.")
    var dryRun = false

    @OptionGroup var confirmation: Confirmation
    @OptionGroup var connection: ConnectionOptions

    func answer(from client: FuseboxClient) throws -> Answer {
        if dryRun || !confirmation.yes { try client.checkKnown(name) }
        guard !dryRun else { return try loss(client) }
        try confirmation.ask("everything that is known of \(name) will be lost, its spend and its limits too", client)
        try client.withKnown(name) { () throws(ClientError) in try client.forget(name) }
        return .done
    }

    /// What would be lost.
    private func loss(_ client: FuseboxClient) throws -> Answer {
        let entry = try client.overview().first { $0.name.text == name }
        let account = try client.ledger.provider(name)
        let limits = try client.limits.list().filter { $0.scope.provider?.text == name && $0.template == nil }
        let mark = entry.map { $0.exhaustedUntil != nil || $0.narrowMarks > 0 } ?? false
        let parts = [
            entry.map { "its breaker, which is \($0.state)" }, mark ? "its marks" : nil,
            account.map { account in
                "its account of \(Formatting.dollars(account.usage.spend)) with "
                    + Quantity.count(account.models, "model")
            },
            limits.isEmpty ? nil : Quantity.count(limits.count, "limit"),
        ].compactMap(\.self)
        let list = parts.isEmpty ? "what is known of it" : parts.joined(separator: ", ")
        return Answer(
            json: [
                "isDryRun": true, "spend": account.map { .number("\($0.usage.spend)") } ?? .null,
                "models": JSONValue(account?.models ?? 0), "limits": .array(limits.map(LimitReport.json)),
                "isMarked": JSONValue(mark), "breaker": entry.map { .string("\($0.state)") } ?? .null,
            ],
            text: Table.printable("\(name) would lose \(list); nothing was changed"))
    }
}
