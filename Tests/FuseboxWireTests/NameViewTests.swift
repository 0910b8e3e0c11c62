import FuseboxWire
import Testing

struct NameViewTests {
    /// A view reads nothing behind the name, whatever its length.
    @Test func aViewIsTheNameOfItsBytesAndReadsNoneBeyondThem() throws {
        let memory = GuardedBuffer(capacity: WireLimits.nameLength)
        for length in 1...WireLimits.nameLength {
            let bytes = (0..<length).map { UInt8(ascii: "!") + UInt8(($0 * 7 + length) % 90) }
            let place = memory.end(length)
            place.copyBytes(from: bytes)
            let view = try NameView(utf8: UnsafeRawBufferPointer(place))
            let name = try bytes.withUnsafeBytes { try Name(utf8: $0) }
            #expect(view.name == name)
            #expect(view.isSame(as: name))
            #expect(view.nameHash == name.nameHash)
            #expect(view.text == name.text)
            #expect(view.hasPrefix(name))
            // Each byte counts.
            for changed in Set([0, length / 2, length - 1]) {
                var others = bytes
                others[changed] = UInt8(ascii: "~")
                let other = try others.withUnsafeBytes { try Name(utf8: $0) }
                #expect(!view.isSame(as: other))
                #expect(view.nameHash != other.nameHash)
            }
        }
    }

    @Test func viewsAreEqualByTheirBytes() throws {
        let bytes = Array("openai-openai-openbi".utf8)
        try bytes.withUnsafeBytes { bytes in
            let first = try NameView(utf8: UnsafeRawBufferPointer(rebasing: bytes[0..<6]))
            let second = try NameView(utf8: UnsafeRawBufferPointer(rebasing: bytes[7..<13]))
            let third = try NameView(utf8: UnsafeRawBufferPointer(rebasing: bytes[14..<20]))
            #expect(first == second)
            #expect(first != third)
        }
    }

    @Test(
        arguments: [
            [], [0x61, 0x0A], [0x7F], [0xC0, 0xAF], [0x61, 0xC3], [UInt8](repeating: 0x61, count: 128),
            Array("提供者".utf8),
        ] as [[UInt8]])
    func aViewIsRefusedAsTheNameIs(bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            #expect(Self.refusal { _ = try NameView(utf8: bytes) } == Self.refusal { _ = try Name(utf8: bytes) })
        }
    }

    private static func refusal(_ body: () throws -> Void) -> Refusal? {
        do { try body() } catch { return error as? Refusal }
        return nil
    }

    // MARK: Requests

    /// A request is read in place from the bytes that one with names of its own is written as, and is written alike.
    @Test(arguments: 0...2) func requestsInPlaceHaveTheSameBytes(variant: Int) throws {
        try compare(Admit.sample(variant), AdmitOf<NameView>.self)
        try compare(AdmitPreview.sample(variant), AdmitPreviewOf<NameView>.self)
        try compare(Settle.sample(variant), SettleOf<NameView>.self)
        try compare(Report.sample(variant), ReportOf<NameView>.self)
        try compare(LedgerRecord.sample(variant), LedgerRecordOf<NameView>.self)
        try compare(BreakerAcquire.sample(variant), BreakerAcquireOf<NameView>.self)
        try compare(BreakerSuccess.sample(variant), BreakerSuccessOf<NameView>.self)
        try compare(BreakerFailure.sample(variant), BreakerFailureOf<NameView>.self)
    }

    private func compare<Owned: Command, InPlace: Command>(_ request: Owned, _: InPlace.Type) throws {
        var written = ByteWriter()
        request.encode(into: &written)
        var again = ByteWriter()
        try written.withBytes { bytes in
            var reader = ByteReader(bytes)
            var inPlace = InPlace()
            try inPlace.decode(from: &reader)
            try reader.finish()
            #expect(inPlace.rendered == request.rendered)
            inPlace.encode(into: &again)
        }
        #expect(again.bytes == written.bytes)
        #expect(InPlace.declaration.number == Owned.declaration.number)
    }
}
