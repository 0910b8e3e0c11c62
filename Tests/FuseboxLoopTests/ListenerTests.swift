import FuseboxLoop
import FuseboxTestSupport
import Glibc
import Synchronization
import Testing

@Suite struct ListenerTests {
    let folder = TemporaryFolder()

    /// The error of an attempt to listen on the path; nil if it succeeded.
    private func refusal(_ path: String, on loop: EventLoop) -> LoopError? {
        do throws(LoopError) {
            _ = try Listener(on: loop, path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [0o600, 0o660, 0o666] as [UInt32])
    func theSocketFileHasTheModeAndGoesAtTheClose(mode: UInt32) throws {
        let loop = try EventLoop()
        let listener = try Listener(on: loop, path: folder("s"), mode: mode)
        let status = try #require(fileStatus(folder("s")))
        #expect(status.st_mode & S_IFMT == S_IFSOCK)
        #expect(status.st_mode & 0o777 == mode)
        #expect(listener.path == folder("s"))
        listener.close()
        #expect(!exists(folder("s")))
        listener.close()
    }

    // MARK: The check

    /// The results of the check and of an attempt to listen, which must be the same.
    private func refusals(_ path: String) throws -> (check: LoopError?, start: LoopError?) {
        let check: LoopError?
        do throws(LoopError) {
            try Listener.check(path: path)
            check = nil
        } catch {
            check = error
        }
        return (check, refusal(path, on: try EventLoop()))
    }

    @Test func theCheckOfAPathSaysWhatAStartWouldSayAndChangesNothing() throws {
        let loop = try EventLoop()
        let open = try Listener(on: loop, path: folder("answers"))
        defer { open.close() }
        try #require(Glibc.close(creat(folder("file"), 0o600)) == 0)
        try #require(mkdir(folder("directory"), 0o700) == 0)
        defer { rmdir(folder("directory")) }
        try #require(symlink("nowhere", folder("link")) == 0)
        let cases: [(path: String, code: Int32)] = [
            (folder("answers"), EADDRINUSE), (folder("file"), EEXIST), (folder("directory"), EEXIST),
            (folder("link"), EEXIST), (folder("none") + "/s", ENOENT), (folder("file") + "/s", ENOTDIR),
            (folder(String(repeating: "x", count: 120)), ENAMETOOLONG), ("", EINVAL),
        ]
        for (path, code) in cases {
            let (check, start) = try refusals(path)
            #expect(check?.code == code, "\(path)")
            #expect(start?.code == code, "\(path)")
        }
        // A start replaces a socket file on which no process answers. The check leaves it.
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(bindSocket(stale, to: folder("stale")) == 0)
        Glibc.close(stale)
        try Listener.check(path: folder("stale"))
        #expect(exists(folder("stale")))
        try Listener.check(path: folder("free"))
        #expect(!exists(folder("free")))
        #expect(refusal(folder("stale"), on: loop) == nil)
    }

    @Test(.enabled(if: geteuid() != 0)) func theCheckSeesAFolderThatMayNotBeWritten() throws {
        try #require(mkdir(folder("closed"), 0o500) == 0)
        defer { rmdir(folder("closed")) }
        let (check, start) = try refusals(folder("closed") + "/s")
        #expect(check?.code == EACCES)
        #expect(start?.code == EACCES)
    }

    @Test func aDroppedListenerIsClosed() throws {
        let loop = try EventLoop()
        do { _ = try Listener(on: loop, path: folder("s")) }
        #expect(!exists(folder("s")))
        try loop.runWithinReason()
    }

    @Test func clientsQueueBeforeTheStart() throws {
        let loop = try EventLoop()
        let listener = try Listener(on: loop, path: folder("s"))
        let client = try #require(BlockingClient(path: folder("s")))
        var connections: [TestConnection] = []
        let acceptor = TestAcceptor { stream in
            connections.append(TestConnection(stream))
            listener.close()
        }
        listener.delegate = acceptor
        try listener.start()
        try loop.runWithinReason()
        #expect(connections.count == 1)
        connections = []
        try loop.runWithinReason()
        #expect(client.receive(1) == [])
    }

    @Test func connectionsWaitUntilTheyAreTaken() throws {
        let loop = try EventLoop()
        let listener = try Listener(on: loop, path: folder("s"))
        let clients = [BlockingClient(path: folder("s")), BlockingClient(path: folder("s"))]
        #expect(!clients.contains { $0 == nil })
        var connections: [TestConnection] = []
        let acceptor = TestAcceptor { connections.append(TestConnection($0)) }
        acceptor.takesConnections = false
        listener.delegate = acceptor
        try listener.start()
        let timer = try Timer(on: loop) { loop.stop() }
        timer.start(afterMilliseconds: 5)
        try loop.runWithinReason()
        #expect(acceptor.waiting == 1, "the second is not reported before the first is taken")
        #expect(connections.isEmpty)
        acceptor.takesConnections = true
        acceptor.take(listener)
        timer.start(afterMilliseconds: 5)
        try loop.runWithinReason()
        #expect(connections.count == 2)
        #expect(try listener.accept() == nil)
        withExtendedLifetime(clients) {}
    }

    @Test func aStaleSocketIsReplaced() throws {
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(bindSocket(stale, to: folder("s")) == 0)
        #expect(listen(stale, 1) == 0)
        close(stale)
        #expect(BlockingClient(path: folder("s")) == nil)
        let loop = try EventLoop()
        let listener = try Listener(on: loop, path: folder("s"))
        #expect(BlockingClient(path: folder("s")) != nil)
        listener.close()
    }

    @Test func aLiveSocketIsRefusedAndLivesOn() throws {
        let loop = try EventLoop()
        let listener = try Listener(on: loop, path: folder("s"))
        let error = try #require(refusal(folder("s"), on: loop))
        #expect(error.isAddressInUse)
        #expect(error.description.contains(folder("s")))
        #expect(BlockingClient(path: folder("s")) != nil)
        listener.close()
    }

    @Test func aLiveSocketWithAFullBacklogIsRefused() throws {
        let loop = try EventLoop()
        let listener = try Listener(on: loop, path: folder("s"), backlog: 0)
        // A backlog of 0 has room for one client.
        let client = try #require(BlockingClient(path: folder("s")))
        #expect(refusal(folder("s"), on: loop)?.isAddressInUse == true)
        listener.close()
        withExtendedLifetime(client) {}
    }

    @Test func ofManyThatStartAtOnceOnAStalePathOneWins() throws {
        let path = folder("s")
        for _ in 0..<20 {
            let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            #expect(bindSocket(stale, to: path) == 0)
            close(stale)
            final class Outcome: Sendable {
                let winners = Atomic(0)
                let refused = Atomic(0)
                let gate = Atomic(0)
            }
            let outcome = Outcome()
            let body: @Sendable () -> Void = {
                guard let loop = try? EventLoop() else { return }
                outcome.gate.add(1, ordering: .relaxed)
                while outcome.gate.load(ordering: .relaxed) < 4 { sched_yield() }
                do throws(LoopError) {
                    let listener = try Listener(on: loop, path: path)
                    outcome.winners.add(1, ordering: .relaxed)
                    // All processes try before the first one closes.
                    while outcome.winners.load(ordering: .relaxed) + outcome.refused.load(ordering: .relaxed) < 4 {
                        sched_yield()
                    }
                    listener.close()
                } catch {
                    if error.isAddressInUse { outcome.refused.add(1, ordering: .relaxed) }
                }
            }
            for thread in (0..<4).map({ _ in TestThread(body) }) { thread.join() }
            #expect(outcome.winners.load(ordering: .relaxed) == 1)
            #expect(outcome.refused.load(ordering: .relaxed) == 3)
            #expect(!exists(path))
        }
    }

    @Test func aLockOnTheFolderHoldsNobodyUp() throws {
        let loop = try EventLoop()
        let other = Descriptor(owning: open(folder.path, O_RDONLY | O_DIRECTORY))
        #expect(flock(other.number, LOCK_EX) == 0)
        let listener = try Listener(on: loop, path: folder("s"))
        #expect(BlockingClient(path: folder("s")) != nil)
        #expect(!exists(folder("s.lock")), "the lock is gone when nobody binds")
        listener.close()
    }

    @Test func whoeverBindsThereIsWaitedForButNotForEver() throws {
        let loop = try EventLoop()
        let other = Descriptor(owning: open(folder("s.lock"), O_RDWR | O_CREAT, 0o600))
        #expect(flock(other.number, LOCK_EX) == 0)
        let error = try #require(refusal(folder("s"), on: loop))
        #expect(error.code == EWOULDBLOCK)
        #expect(error.description.contains("is locked"))
        #expect(!exists(folder("s")))
        #expect(flock(other.number, LOCK_UN) == 0)
        #expect(refusal(folder("s"), on: loop) == nil)
    }

    /// A file that other users can open can also be locked by them.
    @Test func aLockThatOthersCouldHoldIsNone() throws {
        let loop = try EventLoop()
        let other = Descriptor(owning: open(folder("s.lock"), O_RDWR | O_CREAT, 0o600))
        fchmod(other.number, 0o644)
        #expect(flock(other.number, LOCK_EX) == 0)
        #expect(refusal(folder("s"), on: loop) == nil)
        mkdir(folder("s.lock"), 0o700)
        #expect(refusal(folder("s"), on: loop) == nil)
        rmdir(folder("s.lock"))
        symlink(folder("elsewhere"), folder("s.lock"))
        #expect(refusal(folder("s"), on: loop) == nil)
        #expect(!exists(folder("elsewhere")))
    }

    @Test func aFileThatIsGoneIsMadeAgainAsItWas() throws {
        let loop = try EventLoop()
        let old = try Listener(on: loop, path: folder("s"), mode: 0o600)
        #expect(old.checkPath() == .unchanged)
        chmod(folder("s"), 0o666)
        if geteuid() == 0 { lchown(folder("s"), 12_345, 54_321) }
        #expect(old.checkPath() == .unchanged, "an operator may change who may connect")
        unlink(folder("s"))
        #expect(old.checkPath() == .missing(path: folder("s")))
        let new = try old.rebind()
        #expect(old.checkPath() == .replaced(path: folder("s")))
        #expect(new.checkPath() == .unchanged)
        old.close()
        let status = try #require(fileStatus(folder("s")))
        #expect(status.st_mode & 0o777 == 0o666)
        if geteuid() == 0 { #expect(status.st_uid == 12_345 && status.st_gid == 54_321) }
        #expect(BlockingClient(path: folder("s")) != nil)
        new.close()
        #expect(!exists(folder("s")))
    }

    @Test func aPathAtWhichSomebodyElseAnswersIsLeftToHim() throws {
        let loop = try EventLoop()
        let old = try Listener(on: loop, path: folder("s"))
        unlink(folder("s"))
        let thief = try Listener(on: loop, path: folder("s"))
        let error = #expect(throws: LoopError.self) { try old.rebind() }
        #expect(error?.isAddressInUse == true)
        #expect(thief.checkPath() == .unchanged)
        thief.close()
        #expect(throws: Never.self) { try old.rebind() }
    }

    @Test func whatIsNoSocketIsRefusedAndLeftAlone() throws {
        let path = folder("file")
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        #expect(write(file, "precious", 8) == 8)
        close(file)
        let loop = try EventLoop()
        let error = try #require(refusal(path, on: loop))
        #expect(error.code == EEXIST)
        #expect(error.description.contains("is not a socket"))
        #expect(fileStatus(path)?.st_size == 8)

        symlink(folder("elsewhere"), folder("link"))
        #expect(refusal(folder("link"), on: loop)?.code == EEXIST)
        #expect(exists(folder("link")))
    }

    @Test func aPathThatTheKernelCannotHoldIsRefusedNotCut() throws {
        let loop = try EventLoop()
        let room = 107 - folder("").utf8.count
        let longest = folder(String(repeating: "x", count: room))
        let listener = try Listener(on: loop, path: longest)
        #expect(exists(longest))
        listener.close()
        let error = try #require(refusal(longest + "x", on: loop))
        #expect(error.code == ENAMETOOLONG)
        #expect(error.description.contains("has 108 bytes; a socket path may have 107 at most"))
    }

    @Test(arguments: [("", EINVAL), ("\0abstract", EINVAL), ("/nowhere/at/all", ENOENT)])
    func pathsThatNameNoPlaceAreRefused(path: String, code: Int32) throws {
        #expect(refusal(path, on: try EventLoop())?.code == code)
    }

    @Test func aSuccessorsSocketIsNotUnlinked() throws {
        let loop = try EventLoop()
        let old = try Listener(on: loop, path: folder("s"))
        unlink(folder("s"))
        let new = try Listener(on: loop, path: folder("s"))
        old.close()
        #expect(exists(folder("s")))
        #expect(BlockingClient(path: folder("s")) != nil)
        new.close()
        #expect(!exists(folder("s")))
    }

    @Test func anInheritedListenerWorksAndItsPathStays() throws {
        let inherited = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(bindSocket(inherited, to: folder("s")) == 0)
        #expect(listen(inherited, 16) == 0)
        let loop = try EventLoop()
        let listener = try Listener(on: loop, inheriting: inherited)
        #expect(listener.path == nil)
        #expect(listener.checkPath() == .unchanged)
        #expect(throws: LoopError.self) { try listener.rebind() }
        #expect(fcntl(inherited, F_GETFD) & FD_CLOEXEC != 0)
        let acceptor = TestAcceptor { _ in listener.close() }
        listener.delegate = acceptor
        try listener.start()
        let client = try #require(BlockingClient(path: folder("s")))
        try loop.runWithinReason()
        #expect(acceptor.waiting == 1)
        #expect(client.receive(1) == [], "the stream was dropped and so closed")
        #expect(exists(folder("s")))
        #expect(BlockingClient(path: folder("s")) == nil, "nobody listens any more")
    }

    @Test func whatIsNoListeningSocketIsNotInherited() throws {
        let loop = try EventLoop()
        let unbound = Descriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        let internet = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let file = Descriptor(owning: open("/dev/null", O_RDONLY))
        for (number, code) in [(unbound.number, EINVAL), (internet.number, EINVAL), (file.number, ENOTSOCK)] {
            let error = #expect(throws: LoopError.self) { try Listener(on: loop, inheriting: number) }
            #expect(error?.code == code)
            #expect(error?.operation == .adopt)
            #expect(fcntl(number, F_GETFD) != -1, "a refused descriptor stays open")
        }
    }
}
