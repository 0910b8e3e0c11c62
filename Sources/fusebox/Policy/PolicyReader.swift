import ArgumentParser
import FuseboxWire
import Yams

/// Reads a policy from YAML. It goes on after an error, so that all of them are told at once.
struct PolicyReader {
    var file: PolicyFile
    var faults: [PolicyFile.Fault] = []
    /// The zone of calendar windows that name none.
    var zone: Name?

    /// The policy that a text spells.
    ///
    /// - Throws: `PolicyFaults`
    static func read(_ text: String, label: String) throws(PolicyFaults) -> PolicyFile {
        var reader = PolicyReader(file: PolicyFile(label: label))
        reader.read(text)
        guard reader.faults.isEmpty else { throw PolicyFaults(reader.faults, in: label) }
        return reader.file
    }

    private mutating func read(_ text: String) {
        let root: Node?
        do { root = try compose(yaml: text) } catch { return note(error) }
        guard let root, !isNothing(root) else {
            return fault(.start, "the file is empty; begin it with 'version: 1'")
        }
        guard let sections = fields(of: root, "the file", Section.allCases.map(\.rawValue)) else { return }
        readVersion(sections[Section.version.rawValue])
        if let node = sections[Section.zone.rawValue] { readZone(node) }
        for section in Section.allCases {
            guard let node = sections[section.rawValue], !isNothing(node) else { continue }
            switch section {
            case .version, .zone: break
            case .limits: readLimits(node)
            case .prices: readPrices(node)
            case .aliases: readAliases(node)
            case .breakers: readBreakers(node)
            case .marks: readMarks(node)
            case .names: readNames(node)
            }
        }
    }

    /// The sections of a file.
    enum Section: String, CaseIterable {
        case version, zone, limits, prices, aliases, breakers, marks, names
    }

    private mutating func readVersion(_ node: Node?) {
        guard let node else { return fault(.start, "the version is missing; begin the file with 'version: 1'") }
        guard let text = text(node, "version", "1"), text != "1" else { return }
        fault(node, "version '\(text)' is not known; this fusebox reads 'version: 1'")
    }

    private mutating func readZone(_ node: Node) {
        guard let text = text(node, "zone", "Europe/Berlin") else { return }
        do throws(Failure) {
            let found = try ZoneArgument.name(text)
            zone = try? Name(found.text)
        } catch { fault(node, error.message) }
    }

    // MARK: Aliases, marks, names

    private mutating func readAliases(_ node: Node) {
        for (provider, names) in entries(of: node, "aliases", "a provider and its names, such as 'openai:'") {
            guard let owner = name(provider, "the provider") else { continue }
            for (alias, model) in entries(of: names, "the aliases of \(owner)", "'name: model'") {
                guard let name = name(alias, "the alias"), let model = self.name(model, "the model") else { continue }
                file.policy.aliases.append(ModelAlias(provider: owner, name: name, model: model))
                file.aliases.append(place(alias))
            }
        }
    }

    private mutating func readMarks(_ node: Node) {
        guard let fields = fields(of: node, "marks", ["cooldown", "longest"]) else { return }
        if let node = fields["cooldown"] {
            file.policy.cooldownMilliseconds = milliseconds(node, "cooldown", ValueRanges.cooldown)
            file.rules["cooldownMilliseconds"] = place(node)
        }
        if let node = fields["longest"] {
            file.policy.longestMarkMilliseconds = milliseconds(node, "longest", ValueRanges.longestMark)
            file.rules["longestMarkMilliseconds"] = place(node)
        }
    }

    private mutating func readNames(_ node: Node) {
        guard let fields = fields(of: node, "names", ["strict", "require_tags"]) else { return }
        if let node = fields["strict"] { file.policy.isStrict = truth(node, "strict") }
        guard let node = fields["require_tags"] else { return }
        var tags: [Name] = []
        for tag in list(node, "require_tags", "[team:*]") ?? [] {
            if let tag = name(tag, "the tag") { tags.append(tag) }
        }
        file.policy.requiredTags = tags
        file.rules["requiredTags"] = place(node)
    }

    // MARK: Prices

    private static let priceKeys = ["input", "cached_input", "cache_write", "output", "reasoning", "request"]

    private mutating func readPrices(_ node: Node) {
        for (provider, models) in entries(of: node, "prices", "a provider and its models, such as 'openai:'") {
            guard let owner = nameOrAny(provider, "the provider") else { continue }
            let example = "'gpt-4o: {input: 2.50, output: 10}'"
            for (model, amounts) in entries(of: models, "the prices of '\(text(of: provider))'", example) {
                guard let name = nameOrAny(model, "the model") else { continue }
                if owner.name == nil, name.name == nil {
                    fault(model, "a price is that of a provider, a model or both; \"*\" cannot stand for both")
                    continue
                }
                guard let price = price(amounts, "the price of '\(text(of: model))'") else { continue }
                file.policy.prices.append(PriceEntry(provider: owner.name, model: name.name, price: price))
                file.prices.append(place(model))
            }
        }
    }

    private mutating func price(_ node: Node, _ what: String) -> Price? {
        guard let fields = fields(of: node, what, Self.priceKeys) else { return nil }
        guard !fields.isEmpty else {
            fault(node, "\(what) tells no amount; write one such as {input: 2.50, output: 10}")
            return nil
        }
        var price = Price()
        price.input = money(fields["input"], "input")
        price.cachedInput = money(fields["cached_input"], "cached_input")
        price.cacheWrite = money(fields["cache_write"], "cache_write")
        price.output = money(fields["output"], "output")
        price.reasoning = money(fields["reasoning"], "reasoning")
        price.request = money(fields["request"], "request", MoneyArgument.requestPrice)
        return price
    }

    private mutating func money(
        _ node: Node?, _ key: String, _ read: (String) throws -> MoneyArgument = MoneyArgument.price
    ) -> Money? {
        guard let node, let text = text(node, key, "2.50") else { return nil }
        return value(node, key, text) { try read($0).money }
    }

    /// A name, or nothing for `*`.
    private mutating func nameOrAny(_ node: Node, _ what: String) -> (name: Name?, isRead: Bool)? {
        guard text(of: node) != "*" else { return (nil, true) }
        return name(node, what).map { ($0, true) }
    }
}
