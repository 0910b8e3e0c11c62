import FuseboxWire

extension ProtocolVectors {
    /// Requests that every server must refuse. Each has one error.
    package static func refused() -> [RefusedVector] {
        let name = Array("openai".utf8)
        return [
            refused("a frame shorter than its header", .malformed, whole: [4, 0, 0, 0, 3, 0, 0, 0]),
            refused("a frame of no bytes", .malformed, whole: [0, 0, 0, 0]),
            refused("a frame of 4 GiB", .frameTooLarge, whole: [0xFF, 0xFF, 0xFF, 0xFF]),
            refused("a frame one byte longer than the limit", .frameTooLarge, whole: [0x01, 0x00, 0x04, 0x00]),
            refused("no command has this number", .unknownCommand, command: 15, []),
            refused("the payload is empty", .malformed, BreakerGet.self, []),
            refused("a name that ends early", .malformed, BreakerGet.self, [7] + name),
            refused("a byte too many", .trailingBytes, BreakerSerialize.self, [6] + name + [0, 0, 0]),
            refused("a byte after an empty request", .trailingBytes, Ping.self, [0]),
            refused("an empty name", .badName, BreakerGet.self, [0]),
            refused("a name of 128 bytes", .badName, BreakerGet.self, [128] + [UInt8](repeating: 0x61, count: 128)),
            refused("a line break in a name", .badName, BreakerGet.self, [3, 0x61, 0x0A, 0x62]),
            refused("a delete character in a name", .badName, BreakerGet.self, [1, 0x7F]),
            refused("a name cut inside a character", .badText, BreakerGet.self, [2, 0x61, 0xC3]),
            refused("a name with an overlong encoding", .badText, BreakerGet.self, [2, 0xC0, 0xAF]),
            refused("a name with half of a surrogate pair", .badText, BreakerGet.self, [3, 0xED, 0xA0, 0x80]),
            refused(
                "an unknown value of an enumeration", .outOfRange, Settle.self,
                [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 200]),
            refused("a presence byte that is neither 0 nor 1", .malformed, LedgerBurnRate.self, [6] + name + [2]),
            refused(
                "a number that is not finite", .outOfRange, BreakerAcquire.self,
                [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6] + name + [1, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F]),
            refused("a sequenced request without its sequence", .malformed, BreakerSuccess.self, [6] + name),
            refused(
                "a list longer than the payload", .malformed, BreakerConfigureDefault.self,
                [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF]),
        ]
    }

    private static func refused(_ name: String, _ status: Status, whole bytes: [UInt8]) -> RefusedVector {
        RefusedVector(name: name, bytes: bytes, status: status)
    }

    private static func refused<C: Command>(
        _ name: String, _ status: Status, _ command: C.Type, _ payload: [UInt8]
    ) -> RefusedVector {
        refused(name, status, command: C.declaration.number, payload)
    }

    private static func refused(
        _ name: String, _ status: Status, command: UInt16, _ payload: [UInt8]
    ) -> RefusedVector {
        var writer = ByteWriter()
        let start = writer.beginFrame(FrameHeader(command: command, kind: .request, correlation: 9))
        writer.write(contentsOf: payload)
        writer.endFrame(start)
        return RefusedVector(name: name, bytes: writer.bytes, status: status)
    }
}
