import FuseboxWire

extension ProtocolReference {
    /// The text of `proto-docs/commands.md`. It ends with a line break.
    package static func markdown() -> String { ProtocolReference().document }

    private var document: String {
        var lines = [
            "# Commands, events and types",
            "",
            "Generated from the code by `fusebox protocol --format markdown`; do not edit. [protocol.md](protocol.md) describes",
            "the frames, and [vectors/](vectors/) has example frames of each command and event.",
            "",
            "Protocol versions \(ProtocolVersion.lowest) to \(ProtocolVersion.highest). A `?` after a type marks an optional value;",
            "`(list of f64)?` is a list that may be absent. A record or an enumeration that is *open* may grow: see",
            "[protocol.md](protocol.md#what-may-change).",
            "",
        ]
        lines += contents
        for subject in CommandSubject.allCases { lines += chapter(subject) }
        lines += eventChapter
        lines += prefixChapter
        lines += typeChapter
        lines += statusChapter
        lines += limitChapter
        return lines.joined(separator: "\n")
    }

    /// The table of all commands.
    private var contents: [String] {
        let rows = commands.map { entry in
            let declaration = entry.declaration
            return [
                "\(declaration.number)", "[`\(declaration.name)`](#\(Self.anchor(declaration.name)))",
                declaration.effect.rawValue, declaration.access.rawValue, declaration.summary,
            ]
        }
        return ["## All commands", ""] + Self.table(["number", "command", "effect", "access", "summary"], rows)
            + ["Effects:", ""] + Self.list(CommandDeclaration.Effect.allCases.map { ($0.rawValue, $0.meaning) })
            + ["Access:", ""] + Self.list(CommandDeclaration.Access.allCases.map { ($0.rawValue, $0.meaning) })
            + ["Reports, which a client keeps while the daemon is away:", ""]
            + Self.list(CommandDeclaration.Report.allCases.map { ($0.rawValue, $0.meaning) })
    }

    private static func list(_ rows: [(word: String, meaning: String)]) -> [String] {
        rows.map { "- **\($0.word)**: \($0.meaning)" } + [""]
    }

    private func chapter(_ subject: CommandSubject) -> [String] {
        var lines = ["## \(subject.title)", ""]
        if subject == .engine {
            lines += [
                "The daemon writes these to the journal beside the requests, because recovery replays all inputs. A server",
                "refuses them from a socket with `\(Status.unknownCommand)`.", "",
            ]
        }
        for entry in commands(of: subject) { lines += section(entry) }
        return lines
    }

    private func section(_ entry: CommandEntry) -> [String] {
        let declaration = entry.declaration
        let sequenced = declaration.isSequenced ? ", sequenced" : ""
        let report = declaration.report.map { ", report: \($0.rawValue)" } ?? ""
        return [
            "### `\(declaration.name)`", "", declaration.summary, "",
            "Number \(declaration.number), \(declaration.effect.rawValue)\(sequenced)\(report), access: \(declaration.access.rawValue).",
            "",
        ] + fields(entry.request, "Request") + fields(entry.reply, "Reply")
    }

    private func fields(_ fields: [Schema.Field], _ title: String) -> [String] {
        guard !fields.isEmpty else { return ["\(title): no fields.", ""] }
        return ["\(title):", ""] + fieldTable(fields)
    }

    private func fieldTable(_ fields: [Schema.Field]) -> [String] {
        Self.table(
            ["field", "type", "meaning"],
            fields.map { ["`\($0.name)`", linked($0.type), ($0.isAdded ? "(added) " : "") + $0.meaning] })
    }

    /// A type's name. The name of a record or an enumeration is a link to its section.
    private func linked(_ type: String) -> String {
        guard let definition = types.first(where: { type.split { " ?()".contains($0) }.contains(Substring($0.name)) })
        else {
            return type
        }
        let name = definition.name
        let parts = type.split(separator: name, maxSplits: 1, omittingEmptySubsequences: false)
        return parts.joined(separator: "[\(name)](#\(Self.anchor(definition.heading)))")
    }

    private var eventChapter: [String] {
        var lines = [
            "## Events", "",
            "An event is a frame of kind 2. Its header has the event's number for the command. A *durable* event is sent once",
            "its cause survives power loss. A *written* event is sent at the earliest once its cause survives the death of the",
            "daemon.", "",
        ]
        for event in events {
            let declaration = event.declaration
            lines += [
                "### `\(declaration.name)`", "", declaration.summary, "",
                "Number \(declaration.number), topic: \(declaration.topic.name) (\(declaration.topic.rawValue)), "
                    + "\(declaration.promise.rawValue).", "",
            ]
            lines += fieldTable(event.fields)
        }
        return lines
    }

    private var prefixChapter: [String] {
        var lines = [
            "## What comes before the fields", "",
            "A sequenced request has a `\(RequestSequence.wireType)` before its own fields. An event has an "
                + "`\(EventEnvelope.wireType)`.", "",
        ]
        for (name, fields) in prefixes { lines += ["### `\(name)`", ""] + fieldTable(fields) }
        return lines
    }

    private var typeChapter: [String] {
        var lines = ["## Records and enumerations", ""]
        for definition in types {
            lines += ["### \(definition.heading)", ""]
            switch definition {
            case .record(let name, let fields):
                if open.contains(name) { lines += ["Open: its length, a `u16`, stands before it.", ""] }
                lines += fieldTable(fields)
            case .enumeration(let name, let values):
                let isOpen = open.contains(name) ? ", open" : ""
                lines += ["One byte\(isOpen): \(Schema.Definition.spelling(values)).", ""]
            }
        }
        return lines
    }

    private var statusChapter: [String] {
        let rows = Status.allCases.map { status in
            ["\(status.rawValue)", "`\(status)`", status.closesConnection ? "closed" : "open", status.meaning]
        }
        return ["## Statuses", ""] + Self.table(["number", "status", "connection", "meaning"], rows)
    }

    private var limitChapter: [String] {
        ["## Bounds", ""]
            + Self.table(
                ["limit", "value", "meaning"], Self.limits.map { ["`\($0.name)`", "\($0.value)", $0.meaning] })
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> [String] {
        let lines = [head, head.map { _ in "---" }] + rows
        return lines.map { cells in
            "| " + cells.map { escaped($0) }.joined(separator: " | ") + " |"
        } + [""]
    }

    private static func escaped(_ cell: String) -> String {
        cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }

    /// The anchor that Markdown gives to a heading.
    private static func anchor(_ heading: String) -> String {
        let words = heading.lowercased().split(separator: " ")
        return words.map { $0.filter { $0.isLetter || $0.isNumber } }.joined(separator: "-")
    }
}

extension Schema.Definition {
    /// The heading of a type. It begins with the kind of type, so that its anchor differs from those of commands and
    /// events.
    fileprivate var heading: String {
        switch self {
        case .record(let name, _): "Record \(name)"
        case .enumeration(let name, _): "Enumeration \(name)"
        }
    }
}
