import FuseboxCore
import FuseboxWire

/// Reads a compiled file of the tz database: TZif, versions 1 to 4 (RFC 9636).
///
/// A file has a header, and a block of transitions and offsets with 32-bit times. From version 2 on, a second header
/// and a block with 64-bit times follow, and a line with the rule for later times. The first block is then skipped.
/// Nothing in the file is trusted: counts are checked against the file's length before memory is allocated.
struct ZoneFile {
    /// Transitions more than 300,000 years away from the epoch are left out.
    private static let horizon: Int64 = 10_000_000_000_000

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func zone(_ name: ZoneName, _ bytes: [UInt8]) throws(ZoneFileFlaw) -> Zone {
        guard bytes.count <= Bounds.zoneFileBytes else { throw .tooLarge(bytes: Bounds.zoneFileBytes) }
        var file = ZoneFile(bytes)
        var header = try file.header()
        guard header.version > 1 else { return try file.zone(name, header, width: 4, hasRule: false) }
        try file.skip(header.length(width: 4))
        header = try file.header()
        return try file.zone(name, header, width: 8, hasRule: true)
    }

    // MARK: The header

    private struct Header {
        var version: UInt8
        var universalIndicators: Int
        var standardIndicators: Int
        var leapSeconds: Int
        var transitions: Int
        var types: Int
        var characters: Int

        /// The length of the block in bytes, with times of this width. Counts have 32 bits, so the sum does not
        /// overflow.
        func length(width: Int) -> Int {
            transitions * (width + 1) + types * 6 + characters + leapSeconds * (width + 4) + standardIndicators
                + universalIndicators
        }
    }

    private mutating func header() throws(ZoneFileFlaw) -> Header {
        guard bytes[position...].starts(with: "TZif".utf8) else { throw .noZoneFile }
        try skip(4)
        let character = try UInt8(number(1))
        guard [0, 0x32, 0x33, 0x34].contains(character) else { throw .newerVersion(character) }
        try skip(15)
        var counts: [Int] = []
        for _ in 0..<6 { counts.append(Int(try number(4))) }
        return Header(
            version: character == 0 ? 1 : character - 0x30, universalIndicators: counts[0],
            standardIndicators: counts[1],
            leapSeconds: counts[2], transitions: counts[3], types: counts[4], characters: counts[5])
    }

    // MARK: The block

    private mutating func zone(
        _ name: ZoneName, _ header: Header, width: Int, hasRule: Bool
    ) throws(ZoneFileFlaw) -> Zone {
        guard header.length(width: width) <= bytes.count - position else { throw .truncated }
        guard header.leapSeconds == 0 else { throw .leapSeconds }
        guard (1...256).contains(header.types) else { throw .invalid("it has \(header.types) kinds of local time") }
        var times: [Int64] = []
        for _ in 0..<header.transitions { times.append(try time(width)) }
        var types: [Int] = []
        for _ in 0..<header.transitions { types.append(Int(try number(1))) }
        var offsets: [Int64] = []
        for _ in 0..<header.types {
            offsets.append(try offset())
            try skip(2)
        }
        try skip(header.characters + header.standardIndicators + header.universalIndicators)
        let transitions = try Self.transitions(times, types, offsets)
        let rule = hasRule ? try footer() : nil
        // The last transition before the horizon gives the first offset.
        let early = transitions.prefix { $0.at < -Self.horizon }
        return Zone(
            name: name, first: early.last?.offset ?? offsets[0],
            transitions: transitions[early.count...].filter { $0.at <= Self.horizon }, rule: rule)
    }

    private static func transitions(
        _ times: [Int64], _ types: [Int], _ offsets: [Int64]
    ) throws(ZoneFileFlaw) -> [Zone.Transition] {
        var transitions: [Zone.Transition] = []
        for (time, type) in zip(times, types) {
            guard type < offsets.count else { throw .invalid("a transition leads to a local time that it lacks") }
            if let last = transitions.last, last.at >= time { throw .invalid("its transitions are out of order") }
            transitions.append(Zone.Transition(at: time, offset: offsets[type]))
        }
        return transitions
    }

    private mutating func offset() throws(ZoneFileFlaw) -> Int64 {
        let offset = try time(4)
        guard abs(offset) < Zone.largestOffset else { throw .invalid("an offset of \(offset) seconds is out of range") }
        return offset
    }

    /// Reads the line with the rule. The line is empty if the last offset does not change any more.
    private mutating func footer() throws(ZoneFileFlaw) -> ZoneRule? {
        guard try number(1) == 0x0A else { throw .invalid("its footer does not begin as a line") }
        guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw .truncated }
        let text = bytes[position..<end]
        if text.isEmpty { return nil }
        guard let rule = ZoneRuleParser.rule(text) else {
            throw .invalid("its rule '\(String(decoding: text.prefix(64), as: UTF8.self).printable)' is not understood")
        }
        return rule
    }

    // MARK: Bytes

    private mutating func skip(_ count: Int) throws(ZoneFileFlaw) {
        guard count <= bytes.count - position else { throw .truncated }
        position += count
    }

    /// Reads an unsigned number of this many bytes, the highest first.
    private mutating func number(_ count: Int) throws(ZoneFileFlaw) -> UInt64 {
        guard count <= bytes.count - position else { throw .truncated }
        let number = bytes[position..<position + count].reduce(0) { $0 << 8 | UInt64($1) }
        position += count
        return number
    }

    /// Reads a signed number of 4 or 8 bytes.
    private mutating func time(_ width: Int) throws(ZoneFileFlaw) -> Int64 {
        let bits = try number(width)
        return width == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
    }
}
