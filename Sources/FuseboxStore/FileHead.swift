import FuseboxWire

/// The record in the head of a file.
package protocol HeadRecord: VersionedRecord {
    /// Eight characters that tell the kind of the file.
    static var magic: StaticString { get }
}

/// The first 64 bytes of a file:
///
///   magic     8 bytes
///   version   u32, of the record that follows
///   record    a `HeadRecord`, then zeros up to byte 60
///   checksum  u32, the CRC-32C of the 60 bytes before
///
/// The checksum has the same place in every version. So an unknown version can be told from damage.
enum FileHead {
    static let bytes = 64
    private static let checksumPlace = 60
    private static let magicBytes = 8

    static func write<Record: HeadRecord>(_ record: Record, into writer: inout ByteWriter) {
        let start = writer.count
        precondition(Record.magic.utf8CodeUnitCount == magicBytes, "a magic has eight characters")
        Record.magic.withUTF8Buffer { unsafe writer.write(contentsOf: UnsafeRawBufferPointer($0)) }
        writer.write(Record.version)
        record.encode(into: &writer)
        precondition(writer.count - start <= checksumPlace, "a head has room for its record")
        while writer.count - start < checksumPlace { writer.write(0 as UInt8) }
        let checksum = unsafe writer.withBytes { all in
            unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: all[start...]))
        }
        writer.write(checksum)
    }

    /// The version of a head that was read.
    static func version(of bytes: [UInt8]) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[magicBytes + $1]) << UInt32(8 * $1) }
    }

    static func read<Record: HeadRecord>(
        _ type: Record.Type = Record.self, from bytes: some Sequence<UInt8>
    ) throws(HeadDamage) -> Record {
        let head = Array(bytes.prefix(Self.bytes))
        guard head.starts(with: Record.magic.description.utf8) else { throw .otherFile }
        guard head.count == Self.bytes else { throw .truncated }
        let result: Result<Record, HeadDamage> = unsafe head.withUnsafeBytes { all in
            let covered = unsafe UnsafeRawBufferPointer(rebasing: all[..<checksumPlace])
            let stored = unsafe UInt32(littleEndian: all.loadUnaligned(fromByteOffset: checksumPlace, as: UInt32.self))
            guard unsafe Checksum.of(covered) == stored else { return .failure(.checksum) }
            var reader = unsafe ByteReader(UnsafeRawBufferPointer(rebasing: covered[magicBytes...]))
            do throws(Refusal) {
                let version = try reader.read(UInt32.self)
                guard version <= Record.version else { return .failure(.newerVersion(version)) }
                return .success(try Record.read(version: version, from: &reader))
            } catch { return .failure(.contents(error)) }
        }
        return try result.get()
    }
}

/// Why the head of a file cannot be read.
enum HeadDamage: Error {
    /// The file does not begin with the magic.
    case otherFile
    /// The file is shorter than a head.
    case truncated
    /// The checksum does not agree.
    case checksum
    /// A newer program wrote the head, with this version.
    case newerVersion(UInt32)
    /// The checksum agrees, but the record is invalid.
    case contents(Refusal)
}
