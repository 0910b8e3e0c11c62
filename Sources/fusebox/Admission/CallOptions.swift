import ArgumentParser
import FuseboxClient
import FuseboxWire

/// The call that is to be made: where it may go, and what it may use.
struct CallOptions: ParsableArguments {
    @Option(
        name: .customLong("provider"),
        help: ArgumentHelp("Where the call may go; several, best first.", valueName: "name"))
    var providers: [String]

    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "The model that it asks for, which is charged and whose budget counts too; once for all providers, or once for each in their order. (default: none)",
            valueName: "name"))
    var models: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What the call may cost at most; held until it is settled. (default: 0)", valueName: "dollars"),
        transform: MoneyArgument.cost)
    var cost: MoneyArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Tokens that it may use at most, input and output together. (default: 0)", valueName: "count"),
        transform: NumberArgument.count)
    var tokens = 0

    func validate() throws {
        guard models.isEmpty || models.count == 1 || models.count == providers.count else {
            throw ValidationError("give --model once, or once for each --provider")
        }
    }

    var candidates: [Candidate] {
        get throws(ClientError) {
            var candidates: [Candidate] = []
            for (place, provider) in providers.enumerated() {
                let model = models.count > 1 ? models[place] : models.first
                candidates.append(try Candidate(provider, model: model))
            }
            return candidates
        }
    }

    var estimate: Estimate {
        get throws(ClientError) { try .cost(cost?.money ?? .zero, tokens: tokens) }
    }
}
