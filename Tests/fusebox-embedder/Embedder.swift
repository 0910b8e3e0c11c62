import FuseboxInterop

/// A program that embeds breaker, registry and ledger and links nothing else of Fusebox. So it shows what the product
/// links.
///
/// Each line of its input is a kind (`breaker`, `exhaustion`, `ledger`), a tab and a snapshot of llm-providers. It
/// prints the snapshot that it writes from the loaded one, or `refused`, a tab and the reason.
@main
struct Embedder {
    static func main() {
        while let line = readLine() {
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { continue }
            do { print(try written(parts[0], parts[1])) } catch { print("refused\t\(error)") }
        }
    }

    private static func written(_ kind: String, _ json: String) throws -> String {
        switch kind {
        case "breaker": return try CircuitBreaker.deserialize(json, profile: .llmProviders).serialize()
        case "exhaustion":
            var registry = try ExhaustionRegistry(profile: .llmProviders)
            try registry.restore(json)
            return registry.snapshot()
        default:
            var ledger = CreditLedger(profile: .llmProviders, at: Timestamp(milliseconds: 0))
            try ledger.restore(json)
            return ledger.snapshot()
        }
    }
}
