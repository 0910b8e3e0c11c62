import FuseboxCore
import FuseboxInterop
import FuseboxWire
import Testing

/// The tables of limits that people read say what the constants say.
struct LimitsPageTests {
    private static let bounds = Bounds()

    /// The rows of the table in `protocol.md`, by what they are about: the value, and parts of the note beside it.
    private static let rows: [(subject: String, value: String, notes: [String])] = [
        ("a frame after its length field", "\(count(WireLimits.frameLength)) bytes", []),
        ("a frame before hello", "\(count(WireLimits.helloFrameLength)) bytes", []),
        ("a name", "\(count(WireLimits.nameLength)) bytes", []),
        ("a text", "\(count(WireLimits.textLength)) bytes", []),
        ("bytes", "\(count(WireLimits.chunkLength)) bytes", []),
        ("a page", "\(count(WireLimits.pageLength)) entries", []),
        ("a degradation curve", "\(count(WireLimits.curveLength)) points", []),
        ("candidates of an admission", count(WireLimits.candidates), []),
        ("tags of a call", count(WireLimits.TagList.capacity), []),
        ("limits of a request", count(WireLimits.limitsPerRequest), []),
        ("workers that `minWorkers` waits for", count(Int(WireLimits.minWorkers)), []),
        ("breakers of single models", count(bounds.modelBreakers), [count(bounds.modelBreakersPerUser)]),
        ("marks of single models", count(bounds.modelMarks), [count(bounds.modelMarksPerUser)]),
        ("a permit's time to live", hours(WireLimits.permitMilliseconds), []),
        ("permits in force", count(bounds.permits), [count(bounds.permitsPerUser)]),
        (
            "the cost of one call, reported or estimated",
            "$0 to $\(count(Int(WireLimits.callCost.nanodollars / Money.nanodollarsPerDollar)))", []
        ),
        ("tokens of one call, of each kind", "2³² − 1", []),
        ("a total of a breaker", WireLimits.breakerTotal == 1 << 53 ? "2⁵³" : "\(WireLimits.breakerTotal)", []),
        ("a moment in a record", "1969 to 275761", []),
        ("names; models", "\(count(bounds.names)) each", [count(bounds.namesPerUser)]),
        ("tags that calls in force and limits refer to", count(bounds.tags), [count(bounds.tagsPerUser)]),
        ("limits that are set", count(bounds.limits), ["\(bounds.limitsPerScope) on one scope"]),
        ("limits on templates", count(bounds.templates), []),
        ("the window of a limit", ValueRanges.windowLength == 1_000...366 * 86_400_000 ? "1 s to 366 days" : "", []),
        ("providers with an account", count(bounds.providerAccounts), [count(bounds.providerAccountsPerUser)]),
        ("model accounts", count(bounds.modelAccounts), [count(bounds.modelAccountsPerUser)]),
        ("workers that are remembered", count(bounds.workers), []),
        (
            "replies that are kept",
            "\(count(bounds.keptReplies)) and \(mebibytes(bounds.keptBytesPerWorker)) for a worker",
            [mebibytes(bounds.keptBytesPerUser), mebibytes(bounds.keptBytes)]
        ),
        ("lapsed permits that are remembered", count(bounds.lapsedPermits), []),
        (
            "routes whose calls' times are known", count(bounds.latencyRoutes),
            [count(bounds.latencyRoutesPerUser)]
        ),
        ("an import", mebibytes(bounds.importLength), []),
        ("time to say hello", "\(bounds.helloMilliseconds / 1_000) s", []),
        ("silence", hours(bounds.idleMilliseconds), []),
        ("a peer that takes nothing", "\(Bounds.stallMilliseconds / 1_000) s", []),
        ("a worker's absence", "\(bounds.workerGraceMilliseconds / 1_000) s", []),
        ("connections", count(bounds.connections), []),
        ("processes that are watched", count(bounds.connections * Bounds.processesPerConnection), []),
        ("connections without hello", count(bounds.unopenedConnections), [count(bounds.unopenedConnectionsPerUser)]),
        (
            "unread output and incomplete requests", "\(mebibytes(bounds.bufferBytes)) in all",
            [mebibytes(bounds.bufferBytesPerUser)]
        ),
        (
            "replies not read by the client",
            "\(kibibytes(bounds.outputSoftLimit)), then \(mebibytes(bounds.outputHardLimit))", []
        ),
        ("events not read by the client", kibibytes(bounds.eventBacklog), []),
        ("events that wait to be sent", count(Bounds.waitingEvents), []),
    ]

    @Test func protocolMdListsEachLimitWithItsValueAndNoOthers() throws {
        let text = try #require(ProtocolDocuments.text("protocol.md"))
        let chapter = try #require(text.split(separator: "## Limits\n").last?.split(separator: "\n## ").first)
        let lines = chapter.split(separator: "\n").filter { $0.hasPrefix("| ") }
        let cells = lines.map { $0.split(separator: "|").map(Self.trimmed) }
        let table = cells.filter { $0.count >= 2 && !$0[0].isEmpty }
        #expect(table.map { $0[0] } == Self.rows.map(\.subject))
        for (cells, row) in zip(table, Self.rows) {
            #expect(cells[1] == row.value, "\(row.subject)")
            for note in row.notes { #expect(cells.last?.contains(note) == true, "\(row.subject): \(note)") }
        }
        #expect(chapter.contains("A sixteenth of names") == (Bounds.operatorReserve == 16))
    }

    @Test func meaningsInCommandsMdThatQuoteALimitQuoteTheConstant() throws {
        let text = try #require(ProtocolDocuments.text("commands.md"))
        #expect(text.contains("to open fully; 1 to \(WireLimits.minWorkers) |"))
        #expect(text.contains("to open fully; 0 counts as 1, at most \(WireLimits.minWorkers) |"))
        #expect(text.contains("at most \(WireLimits.curveLength) points"))
        #expect(text.contains("list of at most \(WireLimits.candidates) "))
    }

    /// A cell without the blanks around it.
    private static func trimmed(_ cell: Substring) -> String {
        var cell = cell
        while cell.first == " " { cell.removeFirst() }
        while cell.last == " " { cell.removeLast() }
        return String(cell)
    }

    /// With commas between thousands.
    private static func count(_ number: Int) -> String {
        let digits = String(number)
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    private static func hours(_ milliseconds: Int64) -> String { "\(milliseconds / 3_600_000) h" }
    private static func kibibytes(_ bytes: Int) -> String { "\(bytes / 1_024) KiB" }
    private static func mebibytes(_ bytes: Int) -> String { "\(bytes / (1_024 * 1_024)) MiB" }
}
