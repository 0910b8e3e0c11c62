import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd.Measured {
    /// A daemon that has nothing to do is not woken, and notices what it must all the same.
    @Suite struct RestTests {
        private let daemon: DaemonProcess

        init() throws { daemon = try DaemonProcess("--snapshot-interval", "100ms") }

        /// Waits until the loop has not been woken for longer than a round.
        private func waitForRest() {
            var count = daemon.wakeUps
            var since = monotonicMilliseconds()
            let rests = waitUntil {
                if daemon.wakeUps != count { (count, since) = (daemon.wakeUps, monotonicMilliseconds()) }
                return monotonicMilliseconds() - since > 2_500
            }
            #expect(rests, "the loop is woken for nothing")
        }

        @Test func anIdleDaemonIsNotWoken() throws {
            waitForRest()
            // A worker that is connected and quiet changes nothing about that, once a snapshot has what it did.
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(BreakerFailure(name: try Name("openai"))).status == .ok)
            waitForRest()
            #expect(!daemon.snapshots.isEmpty)
            #expect(try peer.ask(Ping()).status == .ok)
        }

        @Test func itNoticesThatItsSocketFileIsGone() throws {
            waitForRest()
            unlink(daemon.socketPath)
            #expect(waitUntil(seconds: 10) { RawPeer(ifListening: daemon.socketPath) != nil })
            // The watch is of the directory that is there now.
            waitForRest()
            unlink(daemon.socketPath)
            #expect(waitUntil(seconds: 10) { RawPeer(ifListening: daemon.socketPath) != nil })
        }

        @Test func itNoticesThatItsDataDirectoryIsGone() throws {
            waitForRest()
            rename(daemon.dataPath, daemon.folder("elsewhere"))
            #expect(try daemon.wait() == 74)
        }
    }
}
