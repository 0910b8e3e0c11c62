import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// Hostile bytes: every vector cut short at every place, and mutated many times over.
///
/// `swift test` runs 200 mutations of each vector. FUSEBOX_MUTATIONS=100000 in the environment of a release build
/// (`swift test -c release --filter MutationTests`) runs the full number, in minutes.
struct MutationTests {
    private static let mutations = getenv("FUSEBOX_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 200

    /// The vectors in parts that run side by side.
    private static let parts: [Part] = {
        let vectors = ProtocolVectors.all()
        return (0..<8).map { part in
            Part(number: part, vectors: vectors.indices.filter { $0 % 8 == part }.map { vectors[$0] })
        }
    }()

    struct Part: Sendable, CustomTestStringConvertible {
        var number: Int
        var vectors: [ProtocolVectors.Vector]
        var testDescription: String { "part \(number): \(vectors.count) vectors" }
    }

    @Test(arguments: parts) func noPayloadThatIsCutShortIsAccepted(part: Part) {
        let buffer = GuardedBuffer(capacity: 1 << 16)
        var check = PayloadCheck()
        for vector in part.vectors {
            let payload = vector.bytes[12...]
            for length in 0...payload.count {
                let bytes = buffer.end(length)
                bytes.copyBytes(from: payload.prefix(length))
                let verdict = check.verdict(vector.frame.header, UnsafeRawBufferPointer(bytes))
                #expect(
                    verdict == (length == payload.count ? .accepted : .refused), "\(vector.name) cut to \(length) bytes"
                )
            }
        }
    }

    @Test(arguments: parts) func noPayloadWithAByteTooManyIsAccepted(part: Part) {
        let buffer = GuardedBuffer(capacity: 1 << 16)
        var check = PayloadCheck()
        for vector in part.vectors {
            let bytes = buffer.end(vector.bytes.count - 12 + 1)
            for byte in [0, 1, 0xFF] as [UInt8] {
                bytes.copyBytes(from: vector.bytes[12...] + [byte])
                #expect(check.verdict(vector.frame.header, UnsafeRawBufferPointer(bytes)) == .refused, "\(vector.name)")
                let open = check.verdict(vector.frame.header, UnsafeRawBufferPointer(bytes), skipsUnknown: true)
                #expect(open == .ambiguous, "\(vector.name)")
            }
        }
    }

    @Test(arguments: parts)
    func aMutatedPayloadIsRefusedOrIsWhatItsValuesEncodeToAndNoneIsReadBeyondItsEnd(part: Part) {
        let buffer = GuardedBuffer(capacity: 1 << 16)
        var check = PayloadCheck()
        var random = SplitMix64(seed: UInt64(part.number))
        let touchedBefore = touchedBytes()
        for vector in part.vectors {
            var mutator = Mutator(of: Array(vector.bytes[12...]))
            var ambiguous = 0
            for _ in 0..<Self.mutations {
                let length = mutator.mutate(using: &random)
                let bytes = buffer.end(length)
                mutator.copy(to: bytes)
                let verdict = check.verdict(vector.frame.header, UnsafeRawBufferPointer(bytes))
                if verdict == .ambiguous { ambiguous += 1 }
                // A client that passes over what it does not know takes all that is known.
                let open = check.verdict(vector.frame.header, UnsafeRawBufferPointer(bytes), skipsUnknown: true)
                if verdict == .accepted, open != .accepted { ambiguous += 1 }
            }
            #expect(ambiguous == 0, "\(vector.name)")
        }
        #expect(touchedBytes() - touchedBefore < 64 << 20)
    }

    @Test(arguments: parts) func aMutatedFrameCostsAtMostItsConnectionAndTheReaderHoldsBoundedMemory(part: Part) {
        var random = SplitMix64(seed: UInt64(part.number) + 100)
        var check = PayloadCheck()
        let touchedBefore = touchedBytes()
        for vector in part.vectors {
            var mutator = Mutator(of: vector.bytes)
            var reader = FrameReader()
            var largest = 0
            for _ in 0..<Self.mutations {
                let length = mutator.mutate(using: &random)
                mutator.withBytes(length) { reader.append($0) }
                do throws(Refusal) {
                    while try reader.next({ check.verdict($0, $1) }) != nil {}
                } catch {
                    // As the server does it: the connection ends here.
                    reader = FrameReader()
                }
                largest = max(largest, reader.footprint)
            }
            // A frame of the longest length may be announced and awaited, and its bytes be other frames.
            #expect(largest <= 4 * WireLimits.frameLength, "\(vector.name)")
        }
        #expect(touchedBytes() - touchedBefore < 64 << 20)
    }

    /// The bytes of the pages that the calling thread was the first to touch; the process's resident memory would tell of
    /// the other tests as well. Always 0 under AddressSanitizer, which holds freed memory back.
    private func touchedBytes() -> Int {
        if dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil { return 0 }
        let ofThread = __rusage_who_t(1)
        var usage = rusage()
        guard getrusage(ofThread, &usage) == 0 else { fatalError("no usage of a thread") }
        return usage.ru_minflt * sysconf(Int32(_SC_PAGESIZE))
    }
}

/// Makes variants of some bytes, each a few random changes away from them, in memory of its own.
private struct Mutator {
    private let original: [UInt8]
    private var bytes: [UInt8]

    init(of original: [UInt8]) {
        self.original = original
        bytes = original + [UInt8](repeating: 0, count: 16)
    }

    /// Makes the next variant; returns its length.
    mutating func mutate(using random: inout SplitMix64) -> Int {
        var length = original.count
        bytes.withUnsafeMutableBytes { bytes in
            original.withUnsafeBytes { bytes.copyMemory(from: $0) }
            for _ in 0...random.next() % 3 { Self.change(bytes, &length, random.next()) }
        }
        return length
    }

    /// Bytes that are limits of something: signs, lengths, presence bytes, UTF-8 leads.
    private static let edges: [UInt8] = [0, 1, 2, 0x1F, 0x20, 0x7F, 0x80, 0xC0, 0xED, 0xF0, 0xFE, 0xFF]

    private static func change(_ bytes: UnsafeMutableRawBufferPointer, _ length: inout Int, _ random: UInt64) {
        let place = length == 0 ? 0 : Int((random >> 8) % UInt64(length))
        let value = UInt8(truncatingIfNeeded: random >> 56)
        switch random % 8 {
        case 0, 1: bytes[place] ^= 1 << (value % 8)
        case 2: bytes[place] = value
        case 3, 4: bytes[place] = edges[Int(value) % edges.count]
        case 5: length = place
        case 6 where length > 0:
            UnsafeMutableRawBufferPointer(rebasing: bytes[place..<length - 1]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[(place + 1)..<length]))
            length -= 1
        default:
            guard length < bytes.count else { return }
            UnsafeMutableRawBufferPointer(rebasing: bytes[(place + 1)..<(length + 1)]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[place..<length]))
            bytes[place] = value
            length += 1
        }
    }

    func copy(to target: UnsafeMutableRawBufferPointer) {
        withBytes(target.count) { target.copyMemory(from: $0) }
    }

    func withBytes<Result>(_ length: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<length])) }
    }
}
