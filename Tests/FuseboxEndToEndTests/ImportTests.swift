import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// An import that arrives while a snapshot is being written waits for it. Until then the old state is in force.
    @Suite(.enabled(if: Interposer.isPossible)) struct ImportTests {
        private static let old = try! Name("old")
        private static let new = try! Name("new")

        private let folder = TemporaryFolder()
        private let interposer: Interposer

        init() throws { interposer = try Interposer(in: folder) }

        private func start() throws -> DaemonProcess {
            var options = DaemonProcess.Options()
            options.flags = ["--snapshot-interval", "60m"]
            options.prelude = interposer.prelude
            return try DaemonProcess(options, in: folder)
        }

        private func record(_ name: Name, _ peer: RawPeer) throws {
            let record = LedgerRecord(
                provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
            #expect(try peer.ask(record).status == .ok)
        }

        /// The number of requests in a provider's account.
        private func requests(_ name: Name, _ daemon: DaemonProcess) throws -> Int64? {
            let peer = try RawPeer.greeted(daemon.socketPath)
            let frame = try peer.ask(LedgerProvider(provider: name))
            return try frame.reply(LedgerProvider.Reply.self).account?.usage.requests
        }

        /// A snapshot of a state with other records.
        private func otherState() throws -> [UInt8] {
            let other = try DaemonProcess()
            let peer = try RawPeer.greeted(other.socketPath)
            for _ in 0..<5 { try record(Self.new, peer) }
            let info = try peer.ask(SnapshotNow()).reply(SnapshotInfo.self)
            return contents(of: "\(other.dataPath)/\(info.file)")
        }

        /// Starts a snapshot that does not end, then sends an import.
        private func importDuringASnapshot(
            _ daemon: DaemonProcess
        ) throws -> (asking: RawPeer, importing: RawPeer, working: RawPeer) {
            let state = try otherState()
            let working = try RawPeer.greeted(daemon.socketPath)
            for _ in 0..<3 { try record(Self.old, working) }
            interposer.holdSnapshots()
            let asking = try RawPeer.greeted(daemon.socketPath)
            asking.send(SnapshotNow())
            let hasBegun = waitUntil { fileNames(in: daemon.dataPath).contains { $0.hasSuffix(".partial") } }
            #expect(hasBegun)
            let importing = try RawPeer.greeted(daemon.socketPath)
            #expect(try importing.ask(ImportChunk(offset: 0, chunk: Bytes(state))).status == .ok)
            importing.send(ImportCommit(length: UInt64(state.count)))
            // Other requests are served meanwhile, and they change the old state.
            for _ in 0..<4 { try record(Self.old, working) }
            #expect(try requests(Self.old, daemon) == 7)
            #expect(!asking.hasInput(withinMilliseconds: 100) && !importing.hasInput(withinMilliseconds: 100))
            return (asking, importing, working)
        }

        @Test func itIsTakenOnceTheSnapshotIsWritten() throws {
            let daemon = try start()
            let (asking, importing, working) = try importDuringASnapshot(daemon)
            interposer.heal()
            let first = try #require(try asking.next())
            #expect(first.status == .ok)
            let second = try #require(try importing.next())
            #expect(second.status == .ok, "\(second.message)")
            #expect(try second.reply(SnapshotInfo.self).sequence > first.reply(SnapshotInfo.self).sequence)
            #expect(try requests(Self.old, daemon) == nil)
            #expect(try requests(Self.new, daemon) == 5)
            try record(Self.new, working)

            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            #expect(daemon.check() == 0)
            let next = try start()
            #expect(try requests(Self.old, next) == nil)
            #expect(try requests(Self.new, next) == 6)
            #expect(try next.stop() == 0)
            #expect(next.check() == 0)
        }

        @Test func killedBeforeThatTheOldStateIsWhole() throws {
            let daemon = try start()
            let peers = try importDuringASnapshot(daemon)
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            #expect(try peers.importing.isClosed(), "it was never acknowledged")
            interposer.heal()
            #expect(daemon.check() == 0)
            let next = try start()
            #expect(try requests(Self.old, next) == 7)
            #expect(try requests(Self.new, next) == nil)
        }

        /// The import's own snapshot fails. The error is reported, and the state that is then in force is recovered
        /// completely.
        @Test(arguments: [true, false]) func anImportWithoutASnapshotIsToldAndNotHalfTaken(isHealed: Bool) throws {
            let daemon = try start()
            let (asking, importing, _) = try importDuringASnapshot(daemon)
            interposer.fail("write")
            #expect(try asking.next()?.status == .ok)
            #expect(try importing.next()?.status == .storageFailed)
            if isHealed {
                interposer.heal()
                let working = try RawPeer.greeted(daemon.socketPath)
                let isWritten = waitUntil { (try? working.ask(SnapshotNow()).status) == .ok }
                #expect(isWritten, "\(daemon.log)")
                #expect(try requests(Self.old, daemon) == nil)
                #expect(try requests(Self.new, daemon) == 5)
            }
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            interposer.heal()
            #expect(daemon.check() == 0)
            let next = try start()
            #expect(try requests(Self.old, next) == (isHealed ? nil : 7))
            #expect(try requests(Self.new, next) == (isHealed ? 5 : nil))
        }
    }
}
