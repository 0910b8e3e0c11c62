import FuseboxTestSupport
import Glibc
import Testing

@testable import FuseboxLoop

/// The process at the other end of a connection: its end is told once, and another one's never.
struct ProcessWatcherTests {
    /// How the process is found.
    enum Way: CaseIterable {
        /// The kernel returns it for the socket (Linux 6.5).
        case socket
        /// It is opened by the number that the kernel recorded at the connect (before that).
        case number
    }

    /// A process that has connected to the loop, and does what it is told.
    private final class Caller {
        let stream: Stream
        let child: Child

        init(_ loop: EventLoop, in folder: TemporaryFolder) throws {
            let listener = try Listener(on: loop, path: folder("socket"))
            var accepted: Stream?
            let acceptor = TestAcceptor { stream in
                accepted = stream
                listener.close()
            }
            listener.delegate = acceptor
            try listener.start()
            // After the first line of input the connection is closed. The second one, or the input's end, ends the process.
            let program = """
                import socket, sys
                peer = socket.socket(socket.AF_UNIX)
                peer.connect(sys.argv[1])
                sys.stdin.readline()
                peer.close()
                print("closed", flush=True)
                sys.stdin.readline()
                """
            child = try Child(["/usr/bin/env", "python3", "-c", program, folder("socket")])
            try loop.runWithinReason()
            stream = try #require(accepted)
            withExtendedLifetime(acceptor) {}
        }

        func watcher(_ way: Way, action: @escaping () -> Void) throws -> ProcessWatcher {
            switch way {
            case .socket: try ProcessWatcher(on: stream.loop, peerOf: stream, action: action)
            case .number:
                try ProcessWatcher(on: stream.loop, try Descriptor(byNumberOfPeerOf: stream), action: action)
            }
        }

        /// Kills the process. Until `child.end` it is not waited for.
        func kill() {
            child.interrupt(with: SIGKILL)
            // The kernel closes its descriptors before it reports its end.
            _ = child.line()
        }
    }

    @Test(arguments: Way.allCases) func theEndOfTheProcessIsToldOnce(_ way: Way) throws {
        let loop = try EventLoop()
        let folder = TemporaryFolder()
        let caller = try Caller(loop, in: folder)
        var ends = 0
        var close = {}
        let watcher = try caller.watcher(way) {
            ends += 1
            close()
        }
        close = { [unowned watcher] in watcher.close() }
        #expect(!watcher.hasEnded)
        caller.kill()
        // Nothing else keeps the loop running.
        try loop.runWithinReason()
        #expect(ends == 1)
        #expect(watcher.hasEnded)
        #expect(caller.child.end().status == 128 + SIGKILL)
        try loop.runWithinReason()
        #expect(ends == 1)
    }

    @Test(arguments: Way.allCases) func theKernelIsAskedWithoutATurn(_ way: Way) throws {
        let loop = try EventLoop()
        let folder = TemporaryFolder()
        let caller = try Caller(loop, in: folder)
        let watcher = try caller.watcher(way) {}
        #expect(!watcher.hasEnded)
        caller.kill()
        #expect(waitUntil { watcher.hasEnded })
    }

    @Test(arguments: Way.allCases) func aProcessThatStaysIsNotToldOf(_ way: Way) throws {
        let loop = try EventLoop()
        let folder = TemporaryFolder()
        let caller = try Caller(loop, in: folder)
        let watcher = try caller.watcher(way) { Issue.record("the process is there") }
        watcher.keepsLoopRunning = false
        // It closes its connection, and goes on.
        caller.child.send("\n", andMore: true)
        #expect(caller.child.line() == "closed")
        #expect(caller.stream.isHungUp)
        loop.runAgain()
        try loop.runWithinReason()
        #expect(!watcher.hasEnded)
        // Once the watcher is closed, it tells nothing.
        watcher.close()
        caller.kill()
        _ = caller.child.end()
        loop.runAgain()
        try loop.runWithinReason()
    }

    /// Its parent has waited for it, so another process may have its number.
    @Test(arguments: Way.allCases) func aProcessThatIsGoneIsNotWaitedFor(_ way: Way) throws {
        let loop = try EventLoop()
        let folder = TemporaryFolder()
        let caller = try Caller(loop, in: folder)
        #expect(caller.child.end().status == 0)
        do {
            // Newer kernels remember a process for as long as a socket of it does.
            let watcher = try caller.watcher(way) {}
            #expect(watcher.hasEnded && way == .socket)
        } catch let error as LoopError {
            #expect(error.operation == .watchProcess && error.isProcessGone)
        }
    }

    /// Then the number may be that of another process by now.
    @Test func aNumberIsNotUsedOnceTheConnectionIsHungUp() throws {
        let loop = try EventLoop()
        let folder = TemporaryFolder()
        let caller = try Caller(loop, in: folder)
        caller.child.send("\n", andMore: true)
        #expect(caller.child.line() == "closed")
        let refusal = #expect(throws: LoopError.self) { try caller.watcher(.number, action: {}) }
        #expect(refusal?.code == ENODATA)
    }

    @Test func aClosedConnectionHasNoProcess() throws {
        let loop = try EventLoop()
        let folder = TemporaryFolder()
        let caller = try Caller(loop, in: folder)
        caller.stream.close()
        for way in Way.allCases {
            #expect(throws: LoopError.self) { try caller.watcher(way, action: {}) }
        }
    }
}
