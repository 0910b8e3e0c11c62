import FuseboxClient
import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The protocol between systemd and the daemon.
    @Suite struct ServiceManagerTests {
        @Test func aSocketThatIsPassedIsListenedOn() throws {
            let folder = TemporaryFolder()
            let listener = try listen(on: folder("passed"))
            defer { close(listener) }
            var options = DaemonProcess.Options()
            options.listener = listener
            options.passesSocket = false

            // A client that connects before the daemon runs waits and is then served.
            let early = try RawPeer(folder("passed"))
            early.send(RawPeer.hello(client: "early"))
            let daemon = try DaemonProcess(options, in: folder)
            #expect(try early.next()?.status == .ok)

            let client = try FuseboxClient.connect(to: folder("passed"), configuration: .patient)
            _ = try client.breakers.failure("openai")
            daemon.send(SIGTERM)
            try daemon.waitForNotification("STOPPING=1")
            // The last snapshot may take longer than systemd waits by itself.
            try daemon.waitForNotification("EXTEND_TIMEOUT_USEC=30000000")
            #expect(try daemon.wait() == 0)
            #expect(fileNames(in: folder.path).contains("passed"), "the path belongs to the service manager")

            // A restarted daemon gets the same socket.
            let next = try DaemonProcess(options, in: folder)
            #expect(
                try FuseboxClient.connect(to: folder("passed"), configuration: .patient).breakers.get("openai").status
                    .totalFailures == 1)
            #expect(try next.stop() == 0)
        }

        /// systemd gives up on a start that takes longer than its timeout and does not ask for more time.
        @Test func aLongReplayAsksForMoreTime() throws {
            let daemon = try DaemonProcess("--snapshot-interval", "60m")
            let peer = try RawPeer.greeted(daemon.socketPath)
            let failure = BreakerFailure(name: try Name("openai"))
            let (batches, length) = (20, Int(Bounds.entriesPerReport) / 20)
            for batch in 0..<batches {
                var writer = ByteWriter()
                for place in 0..<length {
                    RawPeer.write(
                        failure, correlation: 7, sequence: UInt64(batch * length + place + 1), into: &writer)
                }
                peer.send(writer.bytes)
                for _ in 0..<length { try #require(try peer.next()?.status == .ok) }
            }
            daemon.kill()

            // It asks before it is ready. It does not ask again, because it does not stop.
            let next = try DaemonProcess(DaemonProcess.Options(dataPath: daemon.dataPath), in: daemon.folder)
            #expect(next.notifications(of: "EXTEND_TIMEOUT_USEC=30000000") == 1)
            #expect(
                next.notifications(of: "STATUS=replaying the journal: \(Bounds.entriesPerReport) entries so far") == 1)
            #expect(next.logs("\(Bounds.entriesPerReport) journal entries replayed so far"))
        }

        private func listen(on path: String) throws -> Int32 {
            let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            try #require(withUnixAddress(path) { bind(socket, $0, $1) } == 0)
            try #require(Glibc.listen(socket, 16) == 0)
            return socket
        }

        @Test(.enabled(if: access("/usr/bin/systemd-socket-activate", X_OK) == 0))
        func systemdSocketActivateStartsItOnTheFirstConnection() throws {
            let folder = TemporaryFolder()
            let notify = NotifySocket(folder("notify"))
            let process = spawn(
                [
                    "/usr/bin/systemd-socket-activate", "--listen=\(folder("socket"))",
                    "--setenv=NOTIFY_SOCKET=\(notify.path)", DaemonProcess.executable, "--data", folder("data"),
                ], environment: ["PATH=/usr/bin:/bin"], standardError: folder("log"))
            defer {
                kill(process, SIGKILL)
                _ = waitpid(process, nil, 0)
            }
            #expect(waitUntil { fileNames(in: folder.path).contains("socket") })
            #expect(waitUntil { RawPeer(ifListening: folder("socket")) != nil })
            #expect(waitUntil { notify.has("READY=1") })
            let client = try FuseboxClient.connect(to: folder("socket"), configuration: .patient)
            // The daemon has the process number of the activator, which it replaced.
            #expect(try client.status().processID == UInt32(process))
            kill(process, SIGTERM)
            #expect(waitUntil { notify.has("STOPPING=1") })
        }

        @Test func variablesForAnotherProcessAreNotTaken() throws {
            var options = DaemonProcess.Options()
            options.prelude = "export LISTEN_PID=1 LISTEN_FDS=1"
            let daemon = try DaemonProcess(options, in: TemporaryFolder())
            #expect(
                try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient).ping().now.milliseconds > 0)
        }

        @Test func twoSocketsAreOneTooMany() throws {
            var options = DaemonProcess.Options()
            options.prelude = "export LISTEN_PID=$$ LISTEN_FDS=2"
            let daemon = DaemonProcess(starting: options, in: TemporaryFolder())
            #expect(try daemon.wait() == 64)
            #expect(daemon.logs("passed 2 sockets"))
        }

        @Test func ofTwoSocketsTheOneWithTheNameIsListenedOn() throws {
            let folder = TemporaryFolder()
            let listener = try listen(on: folder("passed"))
            defer { close(listener) }
            var options = DaemonProcess.Options()
            options.listener = listener
            options.passesSocket = false
            options.prelude = "exec 4<&3 3</dev/null; export LISTEN_FDS=2 LISTEN_FDNAMES=other:fusebox"
            let daemon = try DaemonProcess(options, in: folder)
            #expect(
                try FuseboxClient.connect(to: folder("passed"), configuration: .patient).ping().now.milliseconds > 0)
            #expect(try daemon.stop() == 0)
        }

        @Test func theWatchdogIsToldWhileNothingHappens() throws {
            var options = DaemonProcess.Options(flags: ["--snapshot-interval", "50ms"])
            options.prelude = "export WATCHDOG_USEC=300000"
            let daemon = try DaemonProcess(options, in: TemporaryFolder())
            #expect(waitUntil { daemon.notifications(of: "WATCHDOG=1") >= 5 })
            #expect(try daemon.stop() == 0)
        }

        @Test func theWatchdogIsNotToldWhileASyncHangs() throws {
            try #require(Interposer.isPossible)
            let folder = TemporaryFolder()
            let interposer = try Interposer(in: folder)
            var options = DaemonProcess.Options()
            options.prelude = interposer.prelude + "; export WATCHDOG_USEC=300000"
            let daemon = try DaemonProcess(options, in: folder)
            interposer.holdSyncs()
            let peer = try RawPeer.greeted(daemon.socketPath)
            // Money is acknowledged once it is on disk.
            let name = try Name("openai")
            peer.send(
                LedgerRecord(provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1))
            #expect(daemon.logs("a sync of the journal has been running"))
            let told = daemon.notifications(of: "WATCHDOG=1")
            // The loop goes on, and serves what waits for no sync.
            let other = try RawPeer.greeted(daemon.socketPath)
            for _ in 0..<20 {
                #expect(try other.ask(Ping()).status == .ok)
                _ = poll(nil, 0, 30)
            }
            #expect(daemon.notifications(of: "WATCHDOG=1") == told)
            interposer.heal()
            #expect(waitUntil { daemon.notifications(of: "WATCHDOG=1") > told })
            #expect(try daemon.stop() == 0)
        }

        @Test func itsStandingIsOneLine() throws {
            let daemon = try DaemonProcess()
            try daemon.waitForNotification("STATUS=0 connections, 0 calls in flight")
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            _ = try client.ping()
            try daemon.waitForNotification("STATUS=1 connection, 0 calls in flight")
        }

        @Test(arguments: ["other:another", "fusebox:fusebox", "other", ""])
        func ofTwoSocketsExactlyOneHasTheName(_ names: String) throws {
            var options = DaemonProcess.Options()
            options.prelude = "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES='\(names)'"
            let daemon = DaemonProcess(starting: options, in: TemporaryFolder())
            #expect(try daemon.wait() == 64)
            #expect(daemon.logs("FileDescriptorName=fusebox"))
        }

        @Test func userSignalTellsTheLongestTurn() throws {
            let daemon = try DaemonProcess()
            daemon.send(SIGUSR1)
            #expect(waitUntil { daemon.log.contains("longest turn") })
            #expect(try daemon.stop() == 0)
        }
    }

    /// Every user may connect by the socket's mode. The kernel's credentials decide who is an operator.
    @Suite struct PeerCredentialTests {
        /// Runs as another user in a process of its own, because credentials are recorded at the connect.
        @Test(.enabled(if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0))
        func strangersAreWorkersAndNoOperators() throws {
            let daemon = try DaemonProcess("--socket-mode", "0666")
            chmod(daemon.folder.path, 0o755)
            let hello = RawPeer.hello(client: "stranger")
            let acquire = RawPeer.frame(BreakerAcquire(name: try Name("openai")), correlation: 2, sequence: 1)
            let reset = RawPeer.frame(BreakerReset(name: try Name("openai")), correlation: 3, sequence: 2)
            let snapshot = RawPeer.frame(SnapshotNow(), correlation: 4)
            let answers = try conversation(daemon, hello + acquire + reset + snapshot)
            // A refusal may arrive before a reply that waits for the journal.
            let later = answers.dropFirst().sorted { $0.header.correlation < $1.header.correlation }
            #expect(later.map(\.status) == [.ok, .notPermitted, .notPermitted])
            #expect(try answers[0].reply(Hello.Reply.self).isOperator == false)

            let operating = try RawPeer.greeted(daemon.socketPath)
            operating.send(BreakerReset(name: try Name("openai")))
            #expect(try operating.next()?.status == .ok)
        }

        /// Sends these bytes as another user and returns the reply.
        private func conversation(_ daemon: DaemonProcess, _ bytes: [UInt8]) throws -> [RawPeer.Frame] {
            let program = """
                import socket, sys
                peer = socket.socket(socket.AF_UNIX)
                peer.connect(sys.argv[1])
                peer.sendall(bytes.fromhex(sys.argv[2]))
                peer.shutdown(socket.SHUT_WR)
                sys.stdout.buffer.write(b''.join(iter(lambda: peer.recv(65536), b'')))
                """
            let output = daemon.folder("answers")
            let process = spawn(
                [
                    "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c",
                    program, daemon.socketPath, hexadecimal(bytes),
                ], environment: ["PATH=/usr/bin:/bin"], standardError: output)
            var status: Int32 = 0
            waitpid(process, &status, 0)
            try #require(status == 0, "\(String(decoding: contents(of: output), as: UTF8.self))")
            var reader = FrameReader()
            contents(of: output).withUnsafeBytes { reader.append($0) }
            var frames: [RawPeer.Frame] = []
            while let frame = try reader.next({ RawPeer.Frame(header: $0, payload: Array($1)) }) {
                frames.append(frame)
            }
            return frames
        }

        private func hexadecimal(_ bytes: [UInt8]) -> String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}
