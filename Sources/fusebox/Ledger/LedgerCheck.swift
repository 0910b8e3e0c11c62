import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension LedgerCommands {
    /// `fusebox ledger check PROVIDER rpm|rpd|tpm|tpd`
    struct Check: DaemonCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask whether a rate limit has room. Exit status 0 if so, 75 if not, 78 if it never has.",
            discussion: "EXAMPLE\n  fusebox ledger check openai rpm && call-openai")

        @OptionGroup var account: ProviderArgument

        @Argument(help: "The rate limit.")
        var dimension: RateDimension

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let check = try client.ledger.checkRate(account.provider, dimension)
            return Answer(
                json: [
                    "allowed": JSONValue(check.allowed), "used": JSONValue(check.used), "limit": JSONValue(check.limit),
                ],
                text: text(check), isDenial: !check.allowed,
                // A limit of 0 has no room in the next window either.
                isForGood: check.limit == 0)
        }

        private func text(_ check: RateCheck) -> String {
            let used = check.limit == 0 && check.allowed ? "no limit" : "\(check.used)/\(check.limit) \(dimension)"
            return "\(check.allowed ? "room" : "no room"): \(used)"
        }
    }
}
