import FuseboxInterop
import FuseboxWire
import Testing

@Suite("The protocol's reference")
struct ProtocolReferenceTests {
    @Test("proto-docs/commands.md is what the code declares")
    func commandsAreCurrent() {
        let current = ProtocolReference.markdown()
        if ProtocolDocuments.isRewriting { ProtocolDocuments.write("commands.md", current) }
        #expect(
            ProtocolDocuments.text("commands.md") == current,
            "run `fusebox protocol --format markdown > proto-docs/commands.md` and review the difference")
    }

    @Test("Every command, event and status is in the reference, and every link leads somewhere")
    func isComplete() {
        let markdown = ProtocolReference.markdown()
        for number in 0...CommandTable.highestNumber {
            guard let declaration = CommandTable.declaration(number) else { continue }
            #expect(markdown.contains("### `\(declaration.name)`\n\n\(declaration.summary)\n\nNumber \(number), "))
        }
        for status in Status.allCases { #expect(markdown.contains("| \(status.rawValue) | `\(status)` | ")) }
        for number in 1...Event.highestNumber { #expect(Event.sample(number, variant: 0) != nil) }

        let headings = markdown.split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
            let words = line.drop { "# ".contains($0) }.lowercased().split(separator: " ")
            return words.map { $0.filter { $0.isLetter || $0.isNumber } }.joined(separator: "-")
        }
        let links = markdown.split(separator: "](#").dropFirst().map { $0.prefix { $0 != ")" } }
        for link in Set(links) { #expect(headings.contains { $0 == link }, "no heading for #\(link)") }
        #expect(Set(headings).count == headings.count, "two headings share an anchor")
    }

    @Test("The JSON form parses and agrees with the table")
    func json() throws {
        let reference = try JSONValue(parsing: ProtocolReference.json().utf8)
        let commands = try #require(reference["commands"]?.list)
        for command in commands {
            let number = try #require(command["number"]?.int64.flatMap { UInt16(exactly: $0) })
            #expect(command["name"]?.text == CommandTable.declaration(number)?.name)
        }
        #expect(commands.count == (0...CommandTable.highestNumber).count { CommandTable.declaration($0) != nil })
        #expect(reference["statuses"]?.list?.count == Status.allCases.count)
    }
}

@Suite("The protocol's page")
struct ProtocolPageTests {
    @Test("protocol.md tells of every status, and whether it closes the connection")
    func statuses() throws {
        let page = try #require(ProtocolDocuments.text("protocol.md"))
        let table = page.split(separator: "\n").filter { $0.hasPrefix("| ") && $0.contains("` | ") }
        for status in Status.allCases {
            let connection = status.closesConnection ? "closed" : "open"
            #expect(
                table.contains { $0.hasPrefix("| \(status.rawValue) | `\(status)` | \(connection) | ") }, "\(status)")
        }
    }

    @Test(
        "protocol.md gives the limits as they are",
        arguments: [
            Limits.frameLength, Limits.helloFrameLength, Limits.nameLength, Limits.textLength, Limits.chunkLength,
            Limits.pageLength, Limits.curveLength, Limits().connections,
        ])
    func limits(limit: Int) throws {
        let page = try #require(ProtocolDocuments.text("protocol.md"))
        let digits = String(limit)
        let spelled = digits.count > 3 ? "\(digits.dropLast(3)),\(digits.suffix(3))" : digits
        #expect(
            page.contains("| \(spelled) bytes |") || page.contains("| \(spelled) entries |")
                || page.contains("| \(spelled) points |") || page.contains("| \(spelled) |"))
    }
}
