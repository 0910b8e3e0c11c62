import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
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

        /// One look at the state asks for the room of the file system once.
        @Test(.enabled(if: access("/usr/bin/strace", X_OK) == 0)) func aWakeUpLooksAtTheStateOnce() throws {
            let folder = TemporaryFolder()
            var options = DaemonProcess.Options(flags: ["--snapshot-interval", "100ms"])
            // A watchdog makes rests short.
            options.prelude = """
                export WATCHDOG_USEC=300000; set -- /usr/bin/strace -D -f -o \(folder("trace")) \
                -e trace=fstatfs,?epoll_wait,epoll_pwait "$@"
                """
            let watched = try DaemonProcess(options, in: folder)
            /// The number of looks between one wait and the next.
            func looks() -> [Int] {
                var counts = [0]
                for line in String(decoding: contents(of: folder("trace")), as: UTF8.self).split(separator: "\n") {
                    if line.contains(" fstatfs(") { counts[counts.count - 1] += 1 }
                    if line.contains(" epoll_") { counts.append(0) }
                }
                return counts
            }
            #expect(waitUntil { looks().reduce(0, +) >= 20 })
            #expect(looks().allSatisfy { $0 <= 1 })
            #expect(try watched.stop() == 0)
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
