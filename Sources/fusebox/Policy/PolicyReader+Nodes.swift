import ArgumentParser
import FuseboxWire
import Yams

/// The nodes of a file: their texts, keys and lists, and what is wrong with them.
extension PolicyReader {
    // MARK: Faults

    mutating func fault(_ place: PolicyFile.Place, _ message: String) {
        faults.append(PolicyFile.Fault(place: place, message: message))
    }

    mutating func fault(_ node: Node, _ message: String) { fault(place(node), message) }

    func place(_ node: Node) -> PolicyFile.Place { node.mark.map { PolicyFile.Place($0) } ?? .start }

    /// Notes what keeps a text from being YAML.
    mutating func note(_ error: any Error) {
        guard let error = error as? YamlError else { return fault(.start, "it cannot be read: \(error)") }
        switch error {
        case .scanner(let context, let problem, let mark, let yaml),
            .parser(let context, let problem, let mark, let yaml),
            .composer(let context, let problem, let mark, let yaml):
            let place = PolicyFile.Place(mark)
            faults.append(YAMLComplaint(context: context, problem: problem, at: place, in: yaml).fault)
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? ""
            fault(
                PolicyFile.Place(context.mark),
                "the key '\(key)' comes again below, in the same place; keep one of them")
        case .reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0)
            let line = before.count { $0.isNewline } + 1
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            let place = PolicyFile.Place(line: line, column: column)
            faults.append(YAMLComplaint(context: nil, problem: problem, at: place, in: yaml).fault)
        default: fault(.start, "it cannot be read: \(error)")
        }
    }

    // MARK: Kinds of nodes

    /// Whether a key has nothing behind it.
    func isNothing(_ node: Node) -> Bool {
        guard let scalar = node.scalar else { return false }
        return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }

    /// The text of a scalar; empty for another node.
    func text(of node: Node) -> String { node.scalar?.string ?? "" }

    /// What a node is, for messages.
    private func kind(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): isNothing(node) ? "nothing" : "'\(scalar.string)'"
        case .mapping: "keys with values"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// The text of a scalar that must be there.
    mutating func text(_ node: Node, _ what: String, _ example: String) -> String? {
        guard let scalar = node.scalar, !isNothing(node) else {
            fault(node, "\(what) is \(kind(node)); write a value such as \(example)")
            return nil
        }
        return scalar.string
    }

    /// The elements of a list. A single value stands for a list of it.
    mutating func list(_ node: Node, _ what: String, _ example: String) -> [Node]? {
        if let sequence = node.sequence { return Array(sequence) }
        guard node.scalar != nil, !isNothing(node) else {
            fault(node, "\(what) is \(kind(node)); write a list such as \(example)")
            return nil
        }
        return [node]
    }

    /// The keys and values of a node.
    mutating func entries(of node: Node, _ what: String, _ example: String) -> [(key: Node, value: Node)] {
        guard let mapping = node.mapping else {
            fault(node, "\(what) is \(kind(node)); write \(example) below it")
            return []
        }
        return mapping.map { ($0.key, $0.value) }
    }

    /// The values of a node by their keys, which must be known ones. A key that is not known is a fault.
    mutating func fields(of node: Node, _ what: String, _ known: [String]) -> [String: Node]? {
        guard let mapping = node.mapping else {
            fault(node, "\(what) is \(kind(node)); it has the keys \(known.joined(separator: ", "))")
            return nil
        }
        var fields: [String: Node] = [:]
        for (key, value) in mapping {
            let text = text(of: key)
            guard known.contains(text) else {
                let meant = Spelling.nearest(to: text.replacing("-", with: "_"), among: known)
                let hint =
                    meant.map { "did you mean '\($0)'?" } ?? "it has the keys \(known.joined(separator: ", "))"
                fault(key, "\(what) has no key \(kind(key)); \(hint)")
                continue
            }
            fields[text] = value
        }
        return fields
    }

    // MARK: Values

    mutating func name(_ node: Node, _ what: String) -> Name? {
        guard let text = text(node, what, "a name") else { return nil }
        do throws(Refusal) { return try Name(text) } catch {
            fault(node, "\(what) '\(text)' is not a name: \(error.message)")
            return nil
        }
    }

    /// A value that a reader of arguments reads.
    mutating func value<Value>(
        _ node: Node, _ key: String, _ text: String, _ read: (String) throws -> Value
    ) -> Value? {
        do { return try read(text) } catch {
            let reason = (error as? ValidationError)?.message ?? (error as? Failure)?.message ?? "\(error)"
            fault(node, "\(key): '\(text)' is not understood; \(reason)")
            return nil
        }
    }

    mutating func milliseconds(_ node: Node, _ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let text = text(node, key, "60s") else { return nil }
        return value(node, key, text) { text in
            Int64(try DurationArgument.within(range)(text).duration / .milliseconds(1))
        }
    }

    mutating func truth(_ node: Node, _ key: String) -> Bool? {
        guard let text = text(node, key, "true") else { return nil }
        guard ["true", "false"].contains(text) else {
            fault(node, "\(key): '\(text)' is not understood; write true or false")
            return nil
        }
        return text == "true"
    }

    /// One of some words.
    mutating func word<Value>(_ node: Node, _ key: String, _ words: KeyValuePairs<String, Value>) -> Value? {
        let known = words.map(\.key)
        guard let text = text(node, key, known[0]) else { return nil }
        if let found = words.first(where: { $0.key == text }) { return found.value }
        let hint =
            Spelling.nearest(to: text, among: known).map { "did you mean '\($0)'?" }
            ?? "write \(known.dropLast().joined(separator: ", ")) or \(known[known.count - 1])"
        fault(node, "\(key): '\(text)' is not understood; \(hint)")
        return nil
    }
}
