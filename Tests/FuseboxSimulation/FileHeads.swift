import FuseboxWire

extension [UInt8] {
    /// Makes the checksum of a changed head agree: it covers the first 60 bytes of a file, and follows them.
    package mutating func mendHead() {
        let checksum = self[..<60].withUnsafeBytes { Checksum.of($0) }
        for byte in 0..<4 { self[60 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
    }
}
