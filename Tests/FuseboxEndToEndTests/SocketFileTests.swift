import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// A socket file that other processes remove or replace.
    @Suite struct SocketFileTests {
        @Test(arguments: ["removed", "replaced"])
        func aSocketFileThatIsLostIsMadeAgain(how: String) throws {
            let daemon = try DaemonProcess("--socket-mode", "0640")
            let early = try RawPeer.greeted(daemon.socketPath)
            if how == "replaced" {
                leaveDeadSocket(daemon.folder("other"))
                rename(daemon.folder("other"), daemon.socketPath)
            } else {
                unlink(daemon.socketPath)
            }
            #expect(waitUntil { RawPeer(ifListening: daemon.socketPath) != nil })
            #expect(try RawPeer.greeted(daemon.socketPath).ask(Ping()).status == .ok)
            #expect(try early.ask(Ping()).status == .ok, "who was connected stays so")
            var status = stat()
            #expect(lstat(daemon.socketPath, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o640)
            #expect(waitUntil { daemon.log.contains("was \(how); it was made again") })
            #expect(try daemon.stop() == 0)
            #expect(lstat(daemon.socketPath, &status) != 0, "it is the daemon's own, which removes it in the end")
        }

        private func leaveDeadSocket(_ path: String) {
            let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            #expect(withUnixAddress(path) { bind(socket, $0, $1) } == 0)
            close(socket)
        }

        @Test func aPathAtWhichAnotherDaemonAnswersIsLeftToIt() throws {
            let daemon = try DaemonProcess()
            let thief = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            #expect(withUnixAddress(daemon.folder("other")) { bind(thief, $0, $1) } == 0)
            #expect(listen(thief, 16) == 0)
            // In one step, so that the daemon does not act in between.
            #expect(rename(daemon.folder("other"), daemon.socketPath) == 0)
            #expect(waitUntil { daemon.log.contains("no new client reaches this daemon") })
            #expect(daemon.logs("Address already in use"))
            #expect(RawPeer(ifListening: daemon.socketPath) != nil)
            close(thief)
            #expect(waitUntil { daemon.log.contains("it was made again") })
            #expect(try RawPeer.greeted(daemon.socketPath).ask(Ping()).status == .ok)
            #expect(try daemon.stop() == 0)
        }

        @Test func aFileThatIsNoSocketIsLeftAlone() throws {
            let daemon = try DaemonProcess()
            write(Array("precious".utf8), to: daemon.folder("file"))
            rename(daemon.folder("file"), daemon.socketPath)
            #expect(waitUntil { daemon.log.contains("is not a socket, so it is not replaced") })
            #expect(contents(of: daemon.socketPath) == Array("precious".utf8))
            #expect(try daemon.stop() == 0)
            #expect(contents(of: daemon.socketPath) == Array("precious".utf8))
        }

        @Test func theServiceManagersSocketIsNotMadeAgainButSaidLoudly() throws {
            let folder = TemporaryFolder()
            let listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            defer { close(listener) }
            #expect(withUnixAddress(folder("passed")) { bind(listener, $0, $1) } == 0)
            #expect(listen(listener, 16) == 0)
            var options = DaemonProcess.Options()
            options.listener = listener
            options.passesSocket = false
            let daemon = try DaemonProcess(options, in: folder)
            unlink(folder("passed"))
            #expect(waitUntil { daemon.log.contains("systemctl restart fuseboxd.socket") })
            #expect(!fileNames(in: folder.path).contains("passed"))
            #expect(try daemon.stop() == 0)
        }

        @Test func aLockOnTheFolderDoesNotStopAStart() throws {
            let folder = TemporaryFolder()
            let lock = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            defer { close(lock) }
            #expect(flock(lock, LOCK_EX) == 0)
            let daemon = try DaemonProcess(in: folder)
            #expect(try RawPeer.greeted(daemon.socketPath).ask(Ping()).status == .ok)
            #expect(try daemon.stop() == 0)
        }
    }
}
