import ArgumentParser
import FuseboxEngine
import FuseboxInterop
import FuseboxWire
import Yams

/// A policy as a file says it, with the place of each item.
struct PolicyFile {
    /// A place in a file: line and column from 1, a column a Unicode scalar.
    struct Place: Comparable, CustomStringConvertible {
        var line: Int
        var column: Int

        static let start = Place(line: 1, column: 1)

        var description: String { "\(line):\(column)" }

        static func < (one: Place, other: Place) -> Bool { (one.line, one.column) < (other.line, other.column) }
    }

    /// Something that is wrong in a file.
    struct Fault {
        var place: Place
        /// What is wrong, and what would be right.
        var message: String
    }

    /// The name of the file in messages.
    let label: String
    var policy = Policy()
    /// The places of the items, by the lists of the policy and their order there.
    var limits: [Place] = []
    var prices: [Place] = []
    var aliases: [Place] = []
    var breakers: [Place] = []
    /// The places of what there is once, by the names of the policy's fields.
    var rules: [String: Place] = [:]

    init(label: String) { self.label = label }

    /// Reads a policy from a file, or from standard input for `-`.
    ///
    /// - Throws: `PolicyFaults` with everything that is wrong in it
    static func read(_ argument: String) throws -> PolicyFile {
        let label = LocalFile.label(argument)
        let bytes = try LocalFile.read(argument)
        guard bytes.count <= longest else {
            throw Failure(
                .damagedData,
                "\(label): the file has \(Quantity.grouped(UInt(bytes.count))) bytes, and a policy has at most \(longest / 1024) KiB"
            )
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.damagedData, "\(label): the file is not UTF-8")
        }
        let file = try PolicyReader.read(text, label: label)
        try file.checkLength()
        return file
    }

    /// The longest file that is read, in bytes. It is several times what fits in a request.
    private static let longest = 1 << 20

    /// Checks that the policy fits in a request.
    private func checkLength() throws(Failure) {
        var writer = ByteWriter()
        PolicyApply(policy).encode(into: &writer)
        let room = WireLimits.frameLength - Self.frameBytes
        guard writer.count > room else { return }
        throw Failure(
            .damagedData,
            "\(label): the policy takes \(Quantity.grouped(UInt(writer.count))) bytes in a request, and one has room for \(Quantity.grouped(UInt(room))); import long lists of prices with `fusebox price import`, or apply several files, each without --prune"
        )
    }

    /// What a frame has beside the policy: its header, the request's numbers.
    private static let frameBytes = 64

    /// What is wrong by the word of the daemon, whose refusal names an item as in `limits[3]: …`. Nil if it names none.
    func fault(for refusal: Refusal) -> Fault? {
        let message = refusal.message.replacing("\(PolicyApply.declaration.name): ", with: "", maxReplacements: 1)
            .replacing("\(PolicyPreview.declaration.name): ", with: "", maxReplacements: 1)
        guard let colon = message.range(of: ": ") else { return nil }
        let rest = String(message[colon.upperBound...])
        let name = String(message[..<colon.lowerBound])
        if let place = rules[name] { return Fault(place: place, message: rest) }
        let parts = name.split { $0 == "[" || $0 == "]" }
        guard parts.count == 2, let item = Int(parts[1]) else { return nil }
        let places =
            switch parts[0] {
            case "limits": limits
            case "prices": prices
            case "aliases": aliases
            case "breakers": breakers
            default: [Place]()
            }
        guard places.indices.contains(item) else { return nil }
        return Fault(place: places[item], message: inWords(rest))
    }

    /// A message with the lines of the items that it names, as in `limits[2]`.
    private func inWords(_ message: String) -> String {
        var text = message
        for (name, places) in [("limits", limits), ("prices", prices), ("breakers", breakers)] {
            guard let start = text.range(of: "\(name)["), let end = text[start.upperBound...].firstIndex(of: "]"),
                let item = Int(text[start.upperBound..<end]), places.indices.contains(item)
            else { continue }
            text.replaceSubrange(start.lowerBound...end, with: "that in line \(places[item].line)")
        }
        return text
    }
}

/// Everything that is wrong in a policy's file.
struct PolicyFaults: Error {
    /// The most that are told.
    static let told = 20

    let label: String
    /// In the order of their places.
    let faults: [PolicyFile.Fault]

    init(_ faults: [PolicyFile.Fault], in label: String) {
        self.label = label
        self.faults = faults.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
            .map(\.element)
    }

    /// A line for each fault, `FILE:LINE:COLUMN: …`, and one that says how many there are.
    var lines: [String] {
        faults.prefix(Self.told).map { "\(label):\($0.place): \($0.message.printable)" } + ["fusebox: \(summary)"]
    }

    /// How many faults there are, and what follows from them.
    private var summary: String {
        let count = Quantity.count(faults.count, "error")
        let more = faults.count > Self.told ? "; the first \(Self.told) are told" : ""
        return "the policy was not applied: \(count) in \(label)\(more)"
    }

    /// The faults for programs, each with its place.
    private var json: JSONValue {
        .array(
            faults.prefix(Self.told).map { fault in
                [
                    "line": JSONValue(fault.place.line), "column": JSONValue(fault.place.column),
                    "message": .string(fault.message),
                ]
            })
    }

    /// Writes the faults to standard error, and throws the exit status: a line each, or one JSON value with --json.
    func tell(status: Failure.Status) throws(ExitCode) {
        if Failure.isJSONWanted {
            Failure.tell(Failure.json(summary, status.rawValue, more: ["faults": json]))
        } else {
            for line in lines { Failure.tell(line) }
        }
        throw ExitCode(status.rawValue)
    }
}
