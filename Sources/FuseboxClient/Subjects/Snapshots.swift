import FuseboxWire

extension FuseboxClient {
    /// The daemon's snapshots.
    public var snapshots: Snapshots { Snapshots(client: self) }
}

/// Snapshots of the daemon's state on its disk. All methods are for operators.
///
/// Every method throws `ClientError`: `refused` with the daemon's reason, `unavailable` and the like.
public struct Snapshots: Sendable {
    let client: FuseboxClient

    /// Takes a snapshot of this moment; returns when it is on the disk and verified.
    public func now() throws(ClientError) -> SnapshotInfo { try client.call(SnapshotNow()) }

    /// Takes a snapshot of this moment; returns when it is on the disk and verified.
    public func now() async throws(ClientError) -> SnapshotInfo { try await client.call(SnapshotNow()) }

    /// The snapshots that are kept, newest first.
    public func list() throws(ClientError) -> [SnapshotInfo] { try client.call(SnapshotList()).snapshots }

    /// The snapshots that are kept, newest first.
    public func list() async throws(ClientError) -> [SnapshotInfo] { try await client.call(SnapshotList()).snapshots }

    /// Reads a snapshot's file, and passes it to `sink` chunk by chunk, in order.
    ///
    /// - Throws: `ClientError`: `refused` with `notFound` if the snapshot is unknown or was retired meanwhile. Also
    ///   what `sink` throws.
    public func read(sequence: UInt64, into sink: ([UInt8]) throws -> Void) throws {
        var reading = Reading(sequence: sequence)
        while let command = reading.next { try sink(reading.take(try client.call(command))) }
    }

    /// Reads a snapshot's file, and passes it to `sink` chunk by chunk, in order.
    public func read(sequence: UInt64, into sink: ([UInt8]) throws -> Void) async throws {
        var reading = Reading(sequence: sequence)
        while let command = reading.next { try sink(reading.take(try await client.call(command))) }
    }

    /// How far a snapshot has been read.
    private struct Reading {
        let sequence: UInt64
        var offset: UInt64 = 0
        var isAtEnd = false

        var next: SnapshotRead? { isAtEnd ? nil : SnapshotRead(sequence: sequence, offset: offset) }

        mutating func take(_ reply: SnapshotRead.Reply) throws(ClientError) -> [UInt8] {
            let chunk = reply.chunk.contents
            offset += UInt64(chunk.count)
            isAtEnd = offset >= reply.length
            guard !chunk.isEmpty || isAtEnd else {
                throw .protocolViolation("a snapshot of \(Quantity.count(reply.length, "byte")) ends at byte \(offset)")
            }
            return chunk
        }
    }
}
