import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox policy`
struct PolicyCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "The policy that `fusebox apply` has set: show it, write it as a file.",
        subcommands: [Show.self, Export.self, Check.self], defaultSubcommand: Show.self)

    /// `fusebox policy show`
    struct Show: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show what the policy has set, and where the state differs from it.",
            discussion: """
                What was changed or removed by other commands since the last apply is told, with what the policy says. An apply of \
                another policy with --prune ends what it does not name. Operators and readers only.
                """)

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let inForce = try client.policy.inForce()
            let drift = inForce.drift.map { "  \(PolicyDifference.line($0, isDrift: true))".printable }
            let owned = PolicyCommands.owned(inForce.policy)
            let lines =
                owned.isEmpty
                ? ["No policy was applied."]
                : ["The policy has set \(owned.joined(separator: ", "))."]
                    + (drift.isEmpty
                        ? ["All of it is as it says."]
                        : [
                            "\(Quantity.count(drift.count, "item")) changed or removed since; `fusebox apply` sets back:"
                        ] + drift)
            return Answer(
                json: [
                    "policy": PolicyCommands.json(inForce.policy),
                    "drift": .array(inForce.drift.map { JSONValue(record: $0) }),
                ],
                text: lines.joined(separator: "\n"))
        }
    }

    /// A policy for programs. Amounts of cost are exact dollars, others are counts.
    private static func json(_ policy: Policy) -> JSONValue {
        let limits = policy.limits.map { item -> JSONValue in
            ["scope": LimitReport.json(item.scope), "limit": LimitReport.json(item.limit)]
        }
        return JSONValue(record: policy).replacing("limits", with: .array(limits))
    }

    /// How much there is of each kind: `4 limits`, `1 price`.
    private static func owned(_ policy: Policy) -> [String] {
        func count(_ number: Int, _ singular: String, _ plural: String? = nil) -> String? {
            number == 0 ? nil : Quantity.count(number, singular, plural: plural)
        }
        let rules = [
            policy.cooldownMilliseconds != nil, policy.longestMarkMilliseconds != nil, policy.isStrict != nil,
            policy.requiredTags != nil,
        ].count { $0 }
        return [
            count(policy.limits.count, "limit"), count(policy.prices.count, "price"),
            count(policy.aliases.count, "alias", "aliases"), count(policy.breakers.count, "breaker"),
            count(rules, "rule of marks and names", "rules of marks and names"),
        ].compactMap(\.self)
    }

    /// `fusebox policy export`
    struct Export: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write the present state as a policy's file.",
            discussion: """
                Everything that a policy can say is written: every limit, price and alias, breakers with a configuration of \
                their own, and what is asked of marks and names. With --owned only what the policy has set is written, as it \
                said it last. Of a prepaid limit that the policy has set, the amount is the one that it said: what was topped \
                up is not written. Raises and pauses are not written. Operators only.

                EXAMPLE
                  fusebox policy export > policy.yaml
                """)

        @Flag(help: "Only what the policy has set.")
        var owned = false

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let inForce = try client.policy.inForce().policy
            let policy = owned ? inForce : try PolicyExport(of: inForce).read(from: client)
            return Answer(json: PolicyCommands.json(policy), text: try PolicyText.text(of: policy))
        }
    }

    /// `fusebox policy check FILE`
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Read a policy's file without a daemon, and tell what is wrong in it.",
            discussion: """
                Every error is told with its line and column; the exit status is 65 then. What only a daemon can tell, such as \
                limits that are too many, `fusebox apply --dry-run` tells.
                """)

        @Argument(help: "The policy; - for standard input.", completion: .file())
        var file: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let file = try PolicyFile.reading(file)
            let owned = PolicyCommands.owned(file.policy)
            let text = owned.isEmpty ? "it sets nothing" : owned.joined(separator: ", ")
            try Answer(json: PolicyCommands.json(file.policy), text: "\(file.label): \(text)".printable)
                .deliver(asJSON: connection.json)
        }
    }
}
