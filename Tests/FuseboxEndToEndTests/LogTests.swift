import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Standard error, with and without a reader.
    @Suite struct LogTests {
        private let folder = TemporaryFolder()

        /// Lines begin with the time if a person reads them.
        @Test func linesBeginWithTheTime() throws {
            let daemon = try DaemonProcess()
            #expect(try daemon.stop() == 0)
            let lines = daemon.log.split(separator: "\n")
            #expect(lines.count >= 3)
            for line in lines {
                #expect(line.starts(with: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (info|notice|warning): \S/))
            }
        }

        /// Only the journal reads priorities. The variable may be inherited from another service.
        @Test(arguments: [true, false])
        func prioritiesAreForTheJournalAlone(isJournal: Bool) throws {
            var options = DaemonProcess.Options()
            options.prelude = "export JOURNAL_STREAM=" + (isJournal ? "$(stat -L -c %d:%i /proc/self/fd/2)" : "1:2")
            let daemon = try DaemonProcess(options, in: folder)
            #expect(try daemon.stop() == 0)
            let lines = daemon.log.split(separator: "\n")
            #expect(lines.count >= 3)
            for line in lines { #expect(line.starts(with: /<[0-7]>\S/) == isJournal) }
        }

        @Test func aPipeThatNobodyReadsHoldsNothingUp() throws {
            let pipe = try FullPipe(folder("pipe"))
            var options = DaemonProcess.Options()
            options.prelude = "exec 2>\(folder("pipe"))"
            let daemon = try DaemonProcess(options, in: folder)
            let peer = try RawPeer.greeted(daemon.socketPath)
            // More lines than the rate limit permits, and than the buffer has room for.
            try leaveLines(daemon, peer, 3_000)
            #expect(try peer.ask(Ping()).status == .ok)

            // A reader appears.
            var text = ""
            #expect(
                waitUntil {
                    text += pipe.read()
                    return text.contains("lines were left out: ")
                })
            #expect(text.contains("SIGHUP was received"))
            pipe.fill()
            try leaveLines(daemon, peer, 200)
            #expect(try daemon.stop() == 0, "SIGTERM works though nobody reads")
        }

        /// Makes the daemon log about this many lines. Signals that arrive together count as one.
        private func leaveLines(_ daemon: DaemonProcess, _ peer: RawPeer, _ count: Int) throws {
            for _ in 0..<count {
                daemon.send(SIGHUP)
                #expect(try peer.ask(Ping()).status == .ok)
            }
        }

        @Test func linesAboutPeersHideNoOtherLines() throws {
            let options = DaemonProcess.Options(flags: ["--max-connections", "16"])
            let daemon = try DaemonProcess(options, in: folder)
            let peer = try RawPeer.greeted(daemon.socketPath)
            // Each of them makes room for the next, and the log reports it.
            for _ in 0..<400 { _ = try RawPeer(daemon.socketPath) }
            daemon.send(SIGHUP)
            #expect(try peer.ask(Ping()).status == .ok)
            #expect(waitUntil { daemon.log.contains("SIGHUP was received") })
            #expect(waitUntil { daemon.log.contains("lines were left out: ") })
        }

        @Test func aZoneThatCannotBeReadAtAStartIsReported() throws {
            let daemon = try DaemonProcess(DaemonProcess.Options(), in: folder)
            try RawPeer.greeted(daemon.socketPath).set(["$1 per day in Europe/Berlin"], on: .host)
            #expect(try daemon.stop() == 0 && !daemon.log.contains("time zone"))
            var options = DaemonProcess.Options()
            options.prelude = "export TZDIR=/nonexistent"
            let later = try DaemonProcess(options, in: folder)
            #expect(later.logs("there is no time zone database in /nonexistent"))
            #expect(later.logs("windows of limits by this zone do not end until it can be read"))
        }

        @Test func textFromPeersSteersNoTerminal() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer(daemon.socketPath)
            peer.send(RawPeer.hello(client: "one\u{9B}31m\u{202E}two\u{2066}three\u{1B}[2J"))
            #expect(try peer.next()?.status == .ok)
            // The connection is dropped, and the log has its name.
            peer.stopReceiving()
            peer.send(RawPeer.frame(Ping()))
            #expect(waitUntil { daemon.log.contains("dropped one") })
            #expect(daemon.logs("dropped one\u{FFFD}31m\u{FFFD}two\u{FFFD}three\u{FFFD}[2J "))
        }
    }
}

/// A full named pipe without a reader.
private final class FullPipe {
    private let descriptor: Int32

    init(_ path: String) throws {
        try #require(mkfifo(path, 0o600) == 0)
        descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        try #require(descriptor >= 0)
        fill()
    }

    deinit { close(descriptor) }

    func fill() {
        let bytes = [UInt8](repeating: UInt8(ascii: "."), count: 4_096)
        while Glibc.write(descriptor, bytes, bytes.count) > 0 {}
        while Glibc.write(descriptor, bytes, 1) > 0 {}
    }

    /// What is in it.
    func read() -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}
