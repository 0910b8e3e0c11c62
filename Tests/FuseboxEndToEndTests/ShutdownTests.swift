import FuseboxCollections
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Synchronization
import Testing

extension EndToEnd {
    /// An orderly stop under load loses no acknowledged change.
    @Suite struct ShutdownTests {
        /// A pipelining peer on its own thread. It records one nano-dollar per request until the daemon ends.
        private final class Reporter: Sendable {
            private let path: String
            private let account: String
            private let acknowledgedCount = Atomic(0)
            private let thread = Lock(pthread_t())

            var acknowledged: Int { acknowledgedCount.load(ordering: .sequentiallyConsistent) }

            init(_ path: String, account: String) {
                self.path = path
                self.account = account
                let context = Unmanaged.passRetained(self).toOpaque()
                thread.withLock { thread in
                    _ = pthread_create(
                        &thread, nil,
                        { context in
                            try? Unmanaged<Reporter>.fromOpaque(context!).takeRetainedValue().run()
                            return nil
                        }, context)
                }
            }

            private func run() throws {
                let peer = try RawPeer.greeted(path)
                let name = try Name(account)
                for _ in 0..<64 { send(name, peer) }
                while let frame = try peer.next(), frame.status == .ok {
                    acknowledgedCount.add(1, ordering: .sequentiallyConsistent)
                    send(name, peer)
                }
            }

            private func send(_ name: Name, _ peer: RawPeer) {
                peer.send(
                    LedgerRecord(
                        provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 2, outputTokens: 3))
            }

            func join() { pthread_join(thread.withLock { $0 }, nil) }
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func everyAcknowledgedRequestIsInTheStateAfterwards(_ signal: Int32) throws {
            let daemon = try DaemonProcess("--snapshot-interval", "20ms")
            let reporters = (0..<4).map { Reporter(daemon.socketPath, account: "worker-\($0)") }
            #expect(waitUntil { reporters.allSatisfy { $0.acknowledged > 500 } })
            #expect(try daemon.stop(signal) == 0)
            for reporter in reporters { reporter.join() }

            let next = try DaemonProcess(in: daemon.folder)
            let peer = try RawPeer.greeted(next.socketPath)
            for (number, reporter) in reporters.enumerated() {
                let answer = try peer.ask(LedgerProvider(provider: try Name("worker-\(number)")))
                let usage = try #require(try answer.reply(LedgerProvider.Reply.self).account).usage
                // Every received request is answered, so the applied and the acknowledged requests are the same.
                #expect(Int(usage.requests) == reporter.acknowledged)
                #expect(usage.spend.nanodollars == usage.requests)
                #expect(usage.inputTokens == 2 * usage.requests)
            }
        }

        @Test func whoeverIsConnectedIsToldWhy() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try daemon.stop() == 0)
            #expect(try peer.next()?.status == .shuttingDown)
            #expect(try peer.isClosed())
        }

        @Test func aPeerThatNeverReadsDoesNotHoldTheStopUp() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            peer.send(BreakerSuccess(name: try Name("one")))
            let request = RawPeer.frame(ServerStatus())
            _ = peer.sendWhatFits(Array(repeatElement(request, count: 100_000).joined()))
            #expect(try daemon.stop() == 0)
        }

        @Test(.enabled(if: Interposer.isPossible)) func aLastSnapshotThatCannotBeWrittenIsSaid() throws {
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            var options = DaemonProcess.Options()
            options.prelude = interposer.prelude
            let daemon = try DaemonProcess(options, in: folder)
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(BreakerSuccess(name: try Name("one"))).status == .ok)
            interposer.fail("renameat")
            #expect(try daemon.stop() == 74)
            #expect(daemon.logs("critical: the last snapshot could not be written"))
        }
    }
}
