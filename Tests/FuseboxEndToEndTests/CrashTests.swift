import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// `kill -9` at any time loses no acknowledged change, and resent requests count once.
    ///
    /// `make crash-test` runs a thousand cycles. `FUSEBOX_CRASH_CYCLES` sets their number.
    @Suite struct CrashTests {
        private static let cycles = getenv("FUSEBOX_CRASH_CYCLES").flatMap { Int(String(cString: $0)) } ?? 25
        /// Small and frequent, so that a death meets every step of rotation and snapshot.
        private static let flags = [
            "--journal-segment", "256KiB", "--snapshot-interval", "40ms", "--log-level", "notice",
        ]

        @Test func killedAtAnyMomentTheTotalsAreTheWorkersBooks() throws {
            let folder = TemporaryFolder()
            var options = DaemonProcess.Options()
            options.flags = Self.flags
            var daemon = try DaemonProcess(options, in: folder)
            let workers = (0..<4).map { ResendingWorker(daemon.socketPath, number: $0) }
            defer { for worker in workers { worker.join() } }
            var generator = SystemRandomNumberGenerator()
            for cycle in 1...Self.cycles {
                _ = poll(nil, 0, Int32.random(in: 0...60, using: &generator))
                daemon.send(SIGKILL)
                #expect(try daemon.wait() == 128 + SIGKILL)
                while Int.random(in: 0..<4, using: &generator) == 0 {
                    // This daemon dies while it starts.
                    let starting = DaemonProcess(starting: options, in: folder)
                    _ = poll(nil, 0, Int32.random(in: 0...20, using: &generator))
                    starting.send(SIGKILL)
                    #expect(try starting.wait() == 128 + SIGKILL, "\(starting.log)")
                }
                daemon = try DaemonProcess(options, in: folder)
                for worker in workers { worker.pause() }
                let isQuiet = waitUntil { workers.allSatisfy { $0.isIdle || $0.failure != nil } }
                try #require(isQuiet, "cycle \(cycle): \(daemon.log)")
                try expectBooks(of: workers, daemon, cycle)
                for worker in workers { worker.resume() }
            }
            let books = workers.map(\.books)
            print(
                "\(Self.cycles) kills: \(books.reduce(0) { $0 + $1.records }) records,",
                "\(books.reduce(0) { $0 + $1.successes }) outcomes,",
                "\(workers.reduce(0) { $0 + $1.connections }) connections; totals exact after each")
        }

        private func expectBooks(of workers: [ResendingWorker], _ daemon: DaemonProcess, _ cycle: Int) throws {
            let peer = try RawPeer.greeted(daemon.socketPath)
            for worker in workers {
                try #require(worker.failure == nil, "cycle \(cycle): \(daemon.log)")
                #expect(try books(of: worker, peer) == worker.books, "cycle \(cycle), \(worker.name)")
            }
        }

        /// The daemon's totals for a worker.
        private func books(of worker: ResendingWorker, _ peer: RawPeer) throws -> ResendingWorker.Books {
            var books = ResendingWorker.Books()
            let account = try peer.ask(LedgerProvider(provider: try Name(worker.name)))
            if account.status == .ok {
                let usage = try account.reply(LedgerProvider.Reply.self).account?.usage ?? AccountUsage()
                books.records = UInt64(usage.requests)
                books.nanodollars = usage.spend.nanodollars
                #expect(usage.inputTokens == usage.requests)
            }
            let breaker = try peer.ask(BreakerGet(name: try Name(worker.name)))
            if breaker.status == .ok {
                books.successes = try breaker.reply(BreakerGet.Reply.self).status.totalSuccesses
            }
            return books
        }
    }
}
