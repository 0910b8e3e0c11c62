import FuseboxCore
import FuseboxInterop
import FuseboxWire
import Testing

/// The protocol's reference.
struct ProtocolReferenceTests {
    /// Proto-docs/commands.md is what the code declares.
    @Test func commandsAreCurrent() {
        let current = ProtocolReference.markdown()
        if ProtocolDocuments.isRewriting { ProtocolDocuments.write("commands.md", current) }
        #expect(
            ProtocolDocuments.text("commands.md") == current,
            "run `fusebox protocol --format markdown > proto-docs/commands.md` and review the difference")
    }

    @Test func everyCommandEventAndStatusIsInTheReferenceAndEveryLinkLeadsSomewhere() {
        let markdown = ProtocolReference.markdown()
        for number in CommandNumber.allCases {
            let declaration = number.declaration
            #expect(
                markdown.contains(
                    "### `\(declaration.name)`\n\n\(declaration.summary)\n\nNumber \(number.rawValue), "))
        }
        for status in Status.allCases {
            let connection = status.closesConnection ? "closed" : "open"
            #expect(markdown.contains("| \(status.rawValue) | `\(status)` | \(connection) | \(status.meaning) |"))
        }
        for number in EventNumber.allCases {
            let declaration = Event.sample(number, variant: 0).declaration
            #expect(
                markdown.contains(
                    "### `\(declaration.name)`\n\n\(declaration.summary)\n\nNumber \(number.rawValue), topic: "))
        }

        let headings = markdown.split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
            let words = line.drop { "# ".contains($0) }.lowercased().split(separator: " ")
            return words.map { $0.filter { $0.isLetter || $0.isNumber } }.joined(separator: "-")
        }
        let links = markdown.split(separator: "](#").dropFirst().map { $0.prefix { $0 != ")" } }
        for link in Set(links) { #expect(headings.contains { $0 == link }, "no heading for #\(link)") }
        #expect(Set(headings).count == headings.count, "two headings share an anchor")
    }

    @Test func theJSONFormParsesAndAgreesWithTheTable() throws {
        let reference = try JSONValue(parsing: ProtocolReference.json().utf8)
        let commands = try #require(reference["commands"]?.list)
        for command in commands {
            let number = try #require(command["number"]?.int64.flatMap { UInt16(exactly: $0) })
            #expect(command["name"]?.text == CommandTable.declaration(number)?.name)
        }
        #expect(commands.count == CommandNumber.allCases.count)
        #expect(reference["statuses"]?.list?.count == Status.allCases.count)
    }

    /// The JSON form is enough to write a codec from: enumerations have numbers, and every type is known.
    @Test func theJSONFormIsEnoughToWriteACodecFrom() throws {
        let reference = try JSONValue(parsing: ProtocolReference.json().utf8)
        let types = try #require(reference["types"]?.list)
        func values(_ name: String) -> JSONValue? { types.first { $0["name"]?.text == name }?["values"] }
        #expect(values("BreakerState") == ["closed": 0, "degraded": 1, "recovering": 2, "open": 3])
        #expect(reference["kinds"] == ["request": 0, "reply": 1, "event": 2, "push": 3])
        #expect(reference["topics"]?["admission"] == 8)
        func isOpen(_ name: String) -> JSONValue? { types.first { $0["name"]?.text == name }?["open"] }
        #expect(isOpen("BreakerState") == true && isOpen("Outcome") == false)
        #expect(isOpen("OverviewEntry") == true && isOpen("Candidate") == false)
        let reports = (reference["commands"]?.list ?? []).filter { $0["report"] != .null }.compactMap {
            $0["name"]?.text
        }
        #expect(
            reports == [
                "breaker.success", "breaker.failure", "exhaustion.mark", "ledger.record", "admission.settle",
                "admission.report",
            ])
        let known = Set(types.compactMap { $0["name"]?.text }).union([
            "u8", "u16", "u32", "u64", "i64", "f64", "bool", "money", "timestamp", "name", "text", "bytes",
        ])
        let records = (reference["commands"]?.list ?? []).flatMap { [$0["request"], $0["reply"]] }
        let fields = (records + (reference["events"]?.list ?? []).map { $0["fields"] } + types.map { $0["fields"] })
            .flatMap { $0?.list ?? [] }
        #expect(fields.count > 300)
        for field in fields {
            let type = try #require(field["type"]?.text)
            #expect(isKnown(Substring(type), known), "\(type)")
        }
        // A list that may be absent differs from a list of values that may be absent.
        let curves = fields.filter { $0["name"]?.text == "degradationCurve" }.compactMap { $0["type"]?.text }
        #expect(Set(curves) == ["list of f64", "(list of f64)?"])
    }

    /// Whether a type matches the grammar: `T?`, `(T)?`, `list of T`, `list of at most N T`, or a name.
    private func isKnown(_ type: Substring, _ known: Set<String>) -> Bool {
        if type.hasSuffix(")?"), type.hasPrefix("(") { return isKnown(type.dropFirst().dropLast(2), known) }
        if type.hasPrefix("list of at most ") {
            let rest = type.dropFirst("list of at most ".count)
            guard let space = rest.firstIndex(of: " "), Int(rest[..<space]) != nil else { return false }
            return isKnown(rest[rest.index(after: space)...], known)
        }
        if type.hasPrefix("list of ") { return isKnown(type.dropFirst("list of ".count), known) }
        if type.hasSuffix("?"), !type.contains(" ") { return isKnown(type.dropLast(), known) }
        return known.contains(String(type))
    }
}

/// The protocol's page.
struct ProtocolPageTests {
    @Test(
        arguments: [
            WireLimits.frameLength, WireLimits.helloFrameLength, WireLimits.nameLength, WireLimits.textLength,
            WireLimits.chunkLength,
            WireLimits.pageLength, WireLimits.curveLength, Bounds().connections,
        ])
    func protocolMdGivesTheLimitsAsTheyAre(limit: Int) throws {
        let page = try #require(ProtocolDocuments.text("protocol.md"))
        let digits = String(limit)
        let spelled = digits.count > 3 ? "\(digits.dropLast(3)),\(digits.suffix(3))" : digits
        #expect(
            page.contains("| \(spelled) bytes |") || page.contains("| \(spelled) entries |")
                || page.contains("| \(spelled) points |") || page.contains("| \(spelled) |"))
    }
}
