import ArgumentParser
import FuseboxClient
import FuseboxWire

/// The options that describe a call: its candidates and its estimate.
struct CallOptions: ParsableArguments {
    @Option(
        name: .customLong("provider"),
        help: ArgumentHelp("A provider that the call may go to. Repeat it for several, best first.", valueName: "name"))
    var providers: [String]

    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "The model that the call asks for. It is charged, and its budget counts too. Give it once for all providers, or once for each in the same order. (default: none)",
            valueName: "name"))
    var models: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most that the call may cost. It is held until the call is settled. (default: 0)", valueName: "dollars"),
        transform: MoneyArgument.cost)
    var cost: MoneyArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The most tokens that the call may use, input and output together. (default: 0)", valueName: "count"),
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
