import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// Occasional imports.
extension Simulation {
    /// Imports the present state, or parts of it. The state must not change.
    func importOwnState(_ daemon: SimulatedDaemon) {
        let bytes = daemon.exported
        var session = openAuditSession(daemon)
        for offset in stride(from: 0, to: bytes.count, by: WireLimits.chunkLength) {
            var chunk = ImportChunk()
            chunk.offset = UInt64(offset)
            chunk.chunk = Bytes(Array(bytes[offset..<min(offset + WireLimits.chunkLength, bytes.count)]))
            if ask(chunk, &session, daemon) == nil { return fail("a piece of an import was refused") }
        }
        var commit = ImportCommit()
        commit.length = UInt64(bytes.count)
        // Each choice of parts in turn, first all of them.
        commit.parts = StateParts.all.rawValue - UInt8(result.imports % Int(StateParts.all.rawValue))
        importing = session.id
        guard case .deferred = daemon.handle(SimulatedClient.frame(commit, 0), &session) else {
            return fail("an import was not taken")
        }
    }

    func importAnswered(_ session: UInt64, _ frame: [UInt8]) {
        let (header, payload) = SimulatedClient.parse(frame)
        guard header.command == ImportCommit.declaration.number else { return }
        // The reply to the previous import may come while this one is decoded.
        if session == importing { importing = nil }
        guard header.detail == 0, let info = SimulatedClient.decode(ImportCommit.Reply.self, payload) else { return }
        result.imports += 1
        durableFloor = max(durableFloor, info.sequence)
    }

    func heard(_ news: StorekeeperNews) {
        switch news {
        case .imported: importing = nil
        case .wroteSnapshot(let info): durableFloor = max(durableFloor, info.sequence)
        case .snapshotFailed(.damaged(let file, let damage)): fail("\(file) cannot be loaded: \(damage)")
        case .noRoom, .roomAgain, .snapshotFailed, .snapshotsAgain, .notSealed, .historyFailed, .historyAgain,
            .historyFull, .historyDamaged:
            return
        }
    }
}
