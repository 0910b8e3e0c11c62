import FuseboxWire

extension [UInt8] {
    /// The record that a payload holds, to its last byte.
    package func decoded<Record: WireRecord>(as _: Record.Type) throws -> Record {
        var record = Record()
        try withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            try record.decode(from: &reader)
            try reader.finish()
        }
        return record
    }
}
