import FuseboxWire

// Requests about the daemon as a whole.

extension FuseboxClient {
    /// Everything needed to rank providers: share, exhaustion, utilization, depletion and windows of each.
    public func overview() throws(ClientError) -> [Overview.Entry] { try all(Overview()) }

    /// Everything needed to rank providers: share, exhaustion, utilization, depletion and windows of each.
    public func overview() async throws(ClientError) -> [Overview.Entry] { try await all(Overview()) }

    /// The daemon's clocks; also a test whether it answers.
    public func ping() throws(ClientError) -> Ping.Reply { try call(Ping()) }

    /// The daemon's clocks; also a test whether it answers.
    public func ping() async throws(ClientError) -> Ping.Reply { try await call(Ping()) }

    /// How the daemon is doing.
    public func status() throws(ClientError) -> ServerStatus.Reply { try call(ServerStatus()) }

    /// How the daemon is doing.
    public func status() async throws(ClientError) -> ServerStatus.Reply { try await call(ServerStatus()) }

    /// Forgets a name: its breaker, its mark, its account with all models, its limits. For operators.
    ///
    /// - Throws: `refused` with `notFound` if the name is unknown.
    public func forget(_ name: String) throws(ClientError) { _ = try call(Forget(name: try Name(checking: name))) }

    /// Forgets a name: its breaker, its mark, its account with all models, its limits. For operators.
    public func forget(_ name: String) async throws(ClientError) {
        _ = try await call(Forget(name: try Name(checking: name)))
    }

    /// Replaces breakers, exhaustion and ledger, or some of them, by those of a snapshot. For operators.
    ///
    /// - Parameters:
    ///   - bytes: the bytes of a snapshot file
    ///   - parts: what is replaced
    /// - Returns: the snapshot with the new state, once it is on disk
    /// - Throws: `refused` with `damagedData` if the bytes are not a snapshot; the state has not changed then
    @discardableResult
    public func importState(_ bytes: [UInt8], parts: StateParts = .all) throws(ClientError) -> SnapshotInfo {
        for offset in ImportChunk.offsets(of: bytes) { _ = try call(ImportChunk(of: bytes, at: offset)) }
        return try call(ImportCommit(length: UInt64(bytes.count), parts: parts))
    }

    /// Replaces breakers, exhaustion and ledger, or some of them, by those of a snapshot. For operators.
    @discardableResult
    public func importState(_ bytes: [UInt8], parts: StateParts = .all) async throws(ClientError) -> SnapshotInfo {
        for offset in ImportChunk.offsets(of: bytes) { _ = try await call(ImportChunk(of: bytes, at: offset)) }
        return try await call(ImportCommit(length: UInt64(bytes.count), parts: parts))
    }
}

extension ImportChunk {
    fileprivate static func offsets(of bytes: [UInt8]) -> StrideTo<Int> {
        // An empty import is sent as one empty chunk, so that the daemon refuses it with a reason.
        stride(from: 0, to: max(bytes.count, 1), by: WireLimits.chunkLength)
    }

    fileprivate init(of bytes: [UInt8], at offset: Int) {
        let end = min(offset + WireLimits.chunkLength, bytes.count)
        self.init(offset: UInt64(offset), chunk: Bytes(Array(bytes[offset..<end])))
    }
}
