import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Signals whose default would end or stop a daemon, and unusual environments of a start.
    @Suite struct SignalTests {
        @Test(arguments: [
            SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ, SIGALRM, SIGVTALRM, SIGTTIN, SIGTTOU,
        ])
        func theDaemonLivesOn(_ signal: Int32) throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(BreakerFailure(name: try Name("openai"))).status == .ok)
            daemon.send(signal)
            if signal == SIGHUP { #expect(waitUntil { daemon.log.contains("SIGHUP was received") }) }
            if signal == SIGUSR2 { #expect(waitUntil { daemon.log.contains("SIGUSR2 was received") }) }
            #expect(try peer.ask(Ping()).status == .ok)
            #expect(try daemon.stop() == 0)
        }

        /// The limit of file sizes is treated as a full disk. The write fails, and the signal has no effect.
        @Test func aLimitOfFileSizesIsAFullDisk() throws {
            var options = DaemonProcess.Options()
            options.prelude = "ulimit -f 2048"
            let daemon = try DaemonProcess(options)
            let peer = try RawPeer.greeted(daemon.socketPath)
            let mark = ExhaustionMark(provider: try Name("openai"), resetAfterMilliseconds: 60_000)
            #expect(try peer.ask(mark).status == .storageFailed)
            #expect(try peer.ask(Ping()).status == .ok)
            #expect(try daemon.stop() == 0, "\(daemon.log)")
        }

        @Test(arguments: ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
        func withoutStandardDescriptorsItStartsAndEnds(closing: String) throws {
            var options = DaemonProcess.Options()
            options.prelude = "exec \(closing)"
            let daemon = try DaemonProcess(options)
            for number in 0...2 where closing.contains("\(number)") {
                var target = [UInt8](repeating: 0, count: 64)
                let count = readlink("/proc/\(daemon.process)/fd/\(number)", &target, target.count)
                #expect(String(decoding: target[..<max(0, count)], as: UTF8.self) == "/dev/null")
            }
            let mark = ExhaustionMark(provider: try Name("openai"), resetAfterMilliseconds: 60_000)
            #expect(try RawPeer.greeted(daemon.socketPath).ask(mark).status == .ok)
            #expect(try daemon.stop() == 0)
            #expect(daemon.check() == 0)
        }
    }
}
