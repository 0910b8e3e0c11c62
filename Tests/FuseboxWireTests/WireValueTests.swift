import FuseboxWire
import Testing

/// The value's bytes.
func encoded(_ value: some WireValue) -> [UInt8] {
    var writer = ByteWriter()
    value.encode(into: &writer)
    return writer.bytes
}

/// The value that these bytes are, all of them.
func decoded<Value: WireValue>(_ type: Value.Type, _ bytes: [UInt8]) throws(Refusal) -> Value {
    let result: Result<Value, Refusal> = bytes.withUnsafeBytes { bytes in
        do throws(Refusal) {
            var reader = ByteReader(bytes)
            var value = Value.blank
            try value.decode(from: &reader)
            try reader.finish()
            return .success(value)
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

/// Values on the wire.
struct WireValueTests {
    @Test func everyTypesSamplesSurviveBytesAndText() throws {
        try survives(UInt8.self, UInt16.self, UInt32.self, UInt64.self, Int64.self, Double.self, Bool.self)
        try survives(Money.self, Timestamp.self, Name.self, String.self, Bytes.self)
        try survives(
            UInt32?.self, Name?.self, [Double].self, [Name].self, [[Bool]].self, LimitWindow?.self, [Limit].self)
        try survives(BreakerState.self, Profile.self, WorkerStanding.self, LimitDimension.self, ThresholdTier.self)
        try survives(DepletionTier.self, WindowKind.self, WindowUnit.self, LimitMode.self, LapseRule.self, Scope.self)
    }

    private func survives<each Value: WireValue>(_ types: repeat (each Value).Type) throws {
        repeat try survives(one: each types)
    }

    private func survives<Value: WireValue>(one type: Value.Type) throws {
        for variant in 0...3 {
            let value = Value.sample(variant)
            #expect(try decoded(Value.self, encoded(value)) == value, "\(type)")
            #expect(Value(rendered: value.rendered) == value, "\(type)")
        }
    }

    @Test func layouts() throws {
        #expect(encoded(Money.dollars("0.0012")) == [0x80, 0x4F, 0x12, 0, 0, 0, 0, 0])
        #expect(encoded(Timestamp(milliseconds: -1)) == [UInt8](repeating: 0xFF, count: 8))
        #expect(encoded("hé") == [3, 0, 0x68, 0xC3, 0xA9])
        #expect(encoded(Bytes([1, 2])) == [2, 0, 0, 0, 1, 2])
        #expect(encoded(try Name("ab")) == [2, 0x61, 0x62])
        #expect(encoded([1, 2] as [UInt16]) == [2, 0, 1, 0, 2, 0])
        #expect(encoded(WindowUnit.month) == [3])
    }

    @Test func anOptionalOfAnOptionalTellsAbsentFromPresentAndAbsent() throws {
        #expect(encoded(UInt8??.none) == [0])
        #expect(encoded(UInt8??.some(nil)) == [1, 0])
        #expect(encoded(UInt8??.some(5)) == [1, 1, 5])
        #expect(try decoded(UInt8??.self, [0]) == .none)
        #expect(try decoded(UInt8??.self, [1, 0]) == .some(nil))
        #expect(try decoded(UInt8??.self, [1, 1, 5]) == .some(5))
    }

    @Test func whatNoValueMayBe() {
        #expect(status(Bool.self, [2]) == .malformed)
        #expect(status(UInt8?.self, [2, 0]) == .malformed)
        #expect(status(BreakerState.self, [4]) == .outOfRange)
        #expect(status(Double.self, encoded(Double.nan.bitPattern)) == .outOfRange)
        #expect(status(Double.self, encoded((-Double.infinity).bitPattern)) == .outOfRange)
        #expect(status(String.self, [1, 0, 0xFF]) == .badText)
        #expect(status(String.self, encoded(UInt16(1025)) + [UInt8](repeating: 0x61, count: 1025)) == .outOfRange)
        #expect(status(String.self, [2, 0, 0x61]) == .malformed)
        #expect(status(Bytes.self, encoded(UInt32(196_609)) + [UInt8](repeating: 0, count: 196_609)) == .outOfRange)
        #expect(status(Bytes.self, [0xFF, 0xFF, 0, 0]) == .malformed)
        #expect(status([UInt8].self, [0xFF, 0xFF, 0, 0]) == .malformed)
        #expect(status([UInt64].self, [2, 0] + [UInt8](repeating: 0, count: 15)) == .malformed)
        #expect(status(UInt16.self, [1, 2, 3]) == .trailingBytes)
    }

    private func status<Value: WireValue>(_ type: Value.Type, _ bytes: [UInt8]) -> Status? {
        do throws(Refusal) {
            _ = try decoded(type, bytes)
            return nil
        } catch {
            return error.status
        }
    }

    @Test func aTextBeyondTheLimitIsCutBetweenTwoCharacters() throws {
        for unit in ["x", "é", "提", "😀"] {
            let text = String(repeating: unit, count: 2_000)
            let kept = try decoded(String.self, encoded(text))
            #expect(kept.utf8.count > WireLimits.textLength - unit.utf8.count)
            #expect(kept.utf8.count <= WireLimits.textLength)
            #expect(text.hasPrefix(kept))
        }
        let exact = String(repeating: "é", count: 512)
        #expect(try decoded(String.self, encoded(exact)) == exact)
    }

    @Test func textThatSpellsNoValueIsNone() {
        #expect(UInt8(rendered: .number(256)) == nil)
        #expect(UInt8(rendered: .number(1.5)) == nil)
        #expect(UInt64(rendered: .text("18446744073709551616")) == nil)
        #expect(Int64(rendered: .bool(true)) == nil)
        #expect(BreakerState(rendered: .text("shut")) == nil)
        #expect(Bytes(rendered: .text("0")) == nil)
        #expect(Bytes(rendered: .text("0g")) == nil)
        #expect(Bytes(rendered: .text("０１")) == nil)
        #expect(Bytes(rendered: .text("DEad")) == Bytes([0xDE, 0xAD]))
        #expect(Name(rendered: .text("")) == nil)
        #expect([UInt8](rendered: .list([.number(1), .null])) == nil)
        #expect(LimitWindow(rendered: .record([("lengthMilliseconds", .text("1"))])) == nil)
        let whole = LimitWindow.sample(1).rendered
        guard case .record(let fields) = whole else { return #expect(Bool(false), "a record is spelled as a record") }
        #expect(LimitWindow(rendered: .record(fields.reversed())) == LimitWindow.sample(1))
        #expect(LimitWindow(rendered: .record(fields + [("more", .null)])) == nil)
    }
}
