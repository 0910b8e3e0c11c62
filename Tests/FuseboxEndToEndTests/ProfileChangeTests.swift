import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// A start with another profile takes over the state with its accounts and workers. Only the semantics change.
    @Suite struct ProfileChangeTests {
        private static let name = try! Name("openai")
        private static let worker = WorkerID(high: 11, low: 7)

        private func start(_ profile: Profile, in folder: TemporaryFolder) throws -> DaemonProcess {
            var options = DaemonProcess.Options()
            options.flags = ["--snapshot-interval", "60m", "--profile", profile.name]
            return try DaemonProcess(options, in: folder)
        }

        private func end(_ daemon: DaemonProcess, _ signal: Int32) throws {
            daemon.send(signal)
            #expect(try daemon.wait() == (signal == SIGKILL ? 128 + SIGKILL : 0))
            #expect(daemon.check() == 0)
        }

        private func record(_ peer: RawPeer, sequence: UInt64) throws -> RawPeer.Frame {
            let record = LedgerRecord(
                provider: Self.name, model: Self.name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
            peer.send(RawPeer.frame(record, sequence: sequence))
            return try #require(try peer.next())
        }

        private func greet(_ peer: RawPeer, lastSequence: UInt64) throws -> Hello.Reply {
            peer.send(RawPeer.frame(Hello(worker: Self.worker, lastSequence: lastSequence, client: "books")))
            return try #require(try peer.next()).reply(Hello.Reply.self)
        }

        @Test(arguments: [SIGTERM, SIGKILL], [Profile.fusebox, .llmProviders])
        func itGoesOnWithTheState(_ signal: Int32, from profile: Profile) throws {
            let folder = TemporaryFolder()
            let other: Profile = profile == .fusebox ? .llmProviders : .fusebox
            var epochs: Set<UInt64> = []
            var sequence: UInt64 = 0
            // Each start finds what the previous one left, with one profile, the other, and the first again.
            for current in [profile, other, profile, other] {
                let daemon = try start(current, in: folder)
                let peer = try RawPeer(daemon.socketPath)
                let hello = try greet(peer, lastSequence: sequence)
                #expect(hello.profile == current)
                #expect(hello.worker == (sequence == 0 ? .new : .resumed) && hello.lastSequence == sequence)
                epochs.insert(hello.epoch)
                if sequence > 0 {
                    // A reply of the other profile is sent again, and the request does not count again.
                    #expect(try record(peer, sequence: sequence).status == .ok)
                    #expect(try total(daemon) == Int64(sequence))
                }
                for _ in 0..<3 {
                    sequence += 1
                    #expect(try record(peer, sequence: sequence).status == .ok)
                }
                let mark = try RawPeer.greeted(daemon.socketPath)
                #expect(
                    try mark.ask(ExhaustionMark(provider: Self.name, resetAfterMilliseconds: 3_600_000)).status == .ok)
                #expect(try total(daemon) == Int64(sequence))
                try end(daemon, signal)
            }
            #expect(epochs.count == 1, "it is the same life of the state")
        }

        private func total(_ daemon: DaemonProcess) throws -> Int64 {
            let peer = try RawPeer.greeted(daemon.socketPath)
            return try peer.ask(LedgerTotal()).reply(LedgerTotal.Reply.self).spend.nanodollars
        }

        /// A start that writes the snapshot of the new profile may die at any time.
        @Test func killedWhileItStartsUnderAnotherProfileNothingIsLost() throws {
            let folder = TemporaryFolder()
            let first = try start(.fusebox, in: folder)
            let peer = try RawPeer(first.socketPath)
            _ = try greet(peer, lastSequence: 0)
            for sequence in 1...200 as ClosedRange<UInt64> {
                #expect(try record(peer, sequence: sequence).status == .ok)
            }
            try end(first, SIGKILL)
            for attempt in 0..<12 {
                var options = DaemonProcess.Options()
                options.flags = ["--profile", (attempt % 2 == 0 ? Profile.llmProviders : .fusebox).name]
                let starting = DaemonProcess(starting: options, in: folder)
                _ = poll(nil, 0, Int32(attempt) * 2)
                starting.send(SIGKILL)
                #expect(try starting.wait() == 128 + SIGKILL, "\(starting.log)")
                #expect(starting.check() == 0)
            }
            let last = try start(.fusebox, in: folder)
            #expect(try total(last) == 200)
        }
    }
}
