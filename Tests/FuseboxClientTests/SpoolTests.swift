import FuseboxCollections
import FuseboxWire
import Glibc
import Synchronization
import Testing

@testable import FuseboxClient

/// Reports that a worker leaves when it ends without a daemon. The next client delivers them.
struct SpoolTests {
    private static let success = BreakerSuccess.declaration.number

    /// A server and a spool beside its socket.
    final class Place {
        let server: FakeServer
        let folder: String

        init(_ server: FakeServer) {
            self.server = server
            folder = server.directory + "/spool"
        }

        deinit {
            for name in names { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }

        var names: [String] {
            ((try? SpoolFolder(opening: folder).allNames()) ?? []).filter { $0 != "." && $0 != ".." }.sorted()
        }

        func connect(_ change: (inout FuseboxClient.Configuration) -> Void = { _ in }) throws -> FuseboxClient {
            try server.connect {
                $0.spool = .folder(folder)
                $0.failurePolicy = .failOpen(queueLimit: 100)
                change(&$0)
            }
        }

        /// A worker reports these and ends while the server is down. Then the server starts again.
        func leave(_ names: [String]) throws {
            let client = try connect()
            server.stop()
            for name in names { try client.breakers.success(Candidate(route: name)) }
            client.close()
            #expect(client.spooling.reports == names.count && client.droppedReports == 0)
            server.start()
        }

        func deliver() -> SpoolRound {
            var configuration = FuseboxClient.Configuration()
            configuration.connectTimeoutMilliseconds = 20_000
            configuration.spool = .folder(folder)
            var round = SpoolRound(server.path, configuration)
            round.run()
            return round
        }

        var listed: [SpoolListing.File] { SpoolListing(.folder(folder)).files }
    }

    private func reported(_ server: FakeServer) -> [String] {
        server.requests.filter { $0.command == Self.success }.map { ($0.decoded() as BreakerSuccess).name.text }
    }

    // MARK: Left and delivered

    @Test func whatAWorkerLeavesTheNextClientDeliversInOrderAndOnce() throws {
        let place = Place(FakeServer())
        try place.leave(["a", "b", "c"])
        #expect(place.names.count == 1)
        var status = stat()
        #expect(stat(place.folder, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(stat("\(place.folder)/\(place.names[0])", &status) == 0 && status.st_mode & 0o777 == 0o600)

        let next = try place.connect()
        next.waitForSpool(atMost: .seconds(60))
        #expect(reported(place.server) == ["a", "b", "c"])
        #expect(place.server.requests.compactMap(\.sequence?.sequence) == [1, 2, 3])
        #expect(place.names.isEmpty)
        // They are delivered as the worker that left them, which is then forgotten.
        #expect(place.server.hellos.map(\.worker)[0] == place.server.hellos.map(\.worker)[2])
        #expect(place.server.requests.last?.command == Goodbye.declaration.number)
        next.close()
        let third = try place.connect()
        third.waitForSpool(atMost: .seconds(60))
        #expect(place.server.carriedOut == 3)
    }

    /// A report that was carried out and whose reply was lost gets its reply, and counts once.
    @Test(arguments: [true, false])
    func whatMayHaveCountedIsSentAgainWithItsNumber(isCarriedOut: Bool) throws {
        let stop = Lock<@Sendable () -> Void>({})
        let server = FakeServer { request in
            guard request.sequence?.sequence == 2, request.peer.number == 0 else { return request.replySample() }
            if isCarriedOut { request.carryOut(Done()) }
            stop.withLock { $0 }()
        }
        stop.withLock { $0 = { [weak server] in server?.stop() } }
        let place = Place(server)
        let client = try place.connect()
        for name in ["a", "b", "c"] as [Candidate] { try client.breakers.success(name) }
        client.close()
        #expect(client.spooling.reports == 2)
        server.start()
        #expect(place.deliver().delivered == 2)
        #expect(server.requests.compactMap(\.sequence?.sequence) == [1, 2, 2, 3])
        #expect(server.carriedOut == 3)
        #expect(!server.requests.dropLast(3).contains { $0.command == Goodbye.declaration.number })
    }

    /// Its caller was told that it counts at most once. A closed client ensures that.
    @Test func aReportThatTimedOutIsLeftToo() throws {
        let place = Place(FakeServer { if $0.peer.number > 0 { $0.replySample() } })
        let client = try place.connect {
            $0.failurePolicy = .failClosed
            $0.requestTimeoutMilliseconds = 50
        }
        #expect(clientError { () throws(ClientError) in _ = try client.breakers.success("a") } == .timedOut)
        client.close()
        #expect(client.spooling.reports == 1)
        #expect(place.deliver().delivered == 1)
        // A slow daemon must not be told to forget a request that it has yet to answer.
        let goodbyes = place.server.requests.filter { $0.command == Goodbye.declaration.number }
        #expect(goodbyes.map(\.peer.number) == [1])
    }

    @Test func withoutASpoolItIsGivenUp() throws {
        let server = FakeServer()
        for spool in [FuseboxClient.SpoolPlace.none, .folder("/dev/null/spool")] {
            let client = try server.connect {
                $0.failurePolicy = .failOpen(queueLimit: 3)
                $0.spool = spool
            }
            server.stop()
            try client.breakers.success("a")
            client.close()
            #expect(client.droppedReports == 1 && client.spooling.reports == 0)
            #expect((client.spooling.failure != nil) == (spool != .none))
            server.start()
        }
    }

    // MARK: Never twice

    /// The daemon had to forget the worker, or its state was replaced. Reports that may have counted are undecided,
    /// the others count.
    @Test(arguments: [true, false])
    func whatAForgottenWorkerSentIsNeverSentBlindly(isAnotherEpoch: Bool) throws {
        let stop = Lock<@Sendable () -> Void>({})
        let server = FakeServer { request in
            if request.sequence?.sequence == 2 { return stop.withLock { $0 }() }
            request.replySample()
        }
        stop.withLock { $0 = { [weak server] in server?.stop() } }
        let place = Place(server)
        let client = try place.connect()
        for name in ["a", "may have counted", "never left"] as [Candidate] { try client.breakers.success(name) }
        client.close()
        if isAnotherEpoch {
            server.hello.withLock { $0.epoch += 1 }
        } else {
            server.standing.withLock { $0 = .forgotten }
        }
        server.start()
        let round = place.deliver()
        #expect(round.delivered == 1 && round.undecided == 1)
        #expect(reported(server) == ["a", "may have counted", "never left"])
        let file = try #require(place.listed.first)
        #expect(file.reports.map(\.state) == [.inDoubt, .delivered])
        #expect(place.deliver().delivered == 0)
        #expect(server.requests.count { $0.sequence?.sequence == 2 } == 1)
        // A person decides otherwise.
        #expect(try SpoolDecision.renew(file.name, in: file.folder) == .done)
        server.standing.withLock { $0 = nil }
        stop.withLock { $0 = {} }
        #expect(place.deliver().delivered == 1)
        #expect(reported(server).last == "may have counted" && place.names.isEmpty)
    }

    /// The daemon had accepted some and then forgot the worker. None of them is sent again.
    @Test func aDeliveryThatHadBegunIsNotBegunAgainWithADaemonThatForgot() throws {
        let isLost = Atomic(true)
        let server = FakeServer { request in
            if isLost.load(ordering: .relaxed), request.sequence?.sequence == 2 {
                request.peer.close()
            } else {
                request.replySample()
            }
        }
        let place = Place(server)
        try place.leave(["a", "b", "c"])
        #expect(place.deliver().delivered == 1)
        isLost.store(false, ordering: .relaxed)
        // The daemon has forgotten a worker since. It may have been this one.
        server.standing.withLock { $0 = .new }
        server.hello.withLock { $0.forgottenWorkers += 1 }
        let round = place.deliver()
        #expect(round.delivered == 0 && round.undecided == 2)
        #expect(server.carriedOut == 1)
    }

    /// The deliverer or its connection may end after any request, whether it was carried out or not. Each counts once.
    @Test(arguments: 1...8, [true, false])
    func aDeliveryThatEndsAnywhereGoesOnAndEachCountsOnce(end: Int, isCarriedOut: Bool) throws {
        let count = Atomic(0)
        let server = FakeServer { request in
            guard request.sequence != nil else { return request.replySample() }
            guard count.add(1, ordering: .relaxed).newValue == end else { return request.replySample() }
            if isCarriedOut { request.carryOut(Done()) }
            request.peer.close()
        }
        let place = Place(server)
        let names = (1...8).map { "provider-\($0)" }
        try place.leave(names)
        var rounds = 0
        while !place.names.isEmpty, rounds < 10 {
            _ = place.deliver()
            rounds += 1
        }
        #expect(place.names.isEmpty && rounds == 2)
        #expect(server.carriedOut == 8)
        #expect(place.listed.isEmpty)
    }

    /// The daemon carries them out, and the deliverer dies before it has recorded any result. When they are sent again,
    /// the daemon still has every reply.
    @Test(arguments: [1, 5, 8])
    func repliesThatWereNeverWrittenDownAreStillThere(end: Int) throws {
        let count = Atomic(0)
        let server = FakeServer { request in
            guard request.sequence != nil, count.add(1, ordering: .relaxed).newValue <= end else {
                return request.replySample()
            }
            request.carryOut(Done())
            if count.load(ordering: .relaxed) == end { request.peer.close() }
        }
        let place = Place(server)
        try place.leave((1...8).map { "provider-\($0)" })
        #expect(place.deliver().delivered == 0)
        #expect(place.deliver().delivered == 8)
        #expect(server.carriedOut == 8 && place.names.isEmpty)
        // No report was sent with another number.
        #expect(Set(server.requests.compactMap(\.sequence?.sequence)) == Set(1...8))
    }

    @Test func whoFindsAFileInTheHandsOfAnotherLeavesItAlone() throws {
        let place = Place(FakeServer())
        try place.leave(["a"])
        let folder = try SpoolFolder(opening: place.folder)
        do {
            let held = try SpoolFile.open(place.names[0], in: folder)
            #expect(place.deliver().delivered == 0)
            #expect(try SpoolDecision.discard(place.names[0], in: place.folder, evenPending: true) == .notFound)
            _ = consume held
        }
        #expect(place.deliver().delivered == 1)
    }

    // MARK: Refusals

    /// A report that the daemon refuses for good is left undecided. One that it cannot accept now is sent again with
    /// another number.
    @Test func refusalsAreLeftUndecidedOrTriedAgain() throws {
        let isFull = Atomic(true)
        let server = FakeServer { request in
            guard request.command == Self.success else { return request.replySample() }
            switch (request.decoded() as BreakerSuccess).name.text {
            case "never": request.refuse(.overflow, "it is too much")
            case "perhaps": request.refuse(.outcomeUnknown, "nobody knows")
            case "later" where isFull.load(ordering: .relaxed): request.refuse(.limitReached, "no room")
            default: request.replySample()
            }
        }
        let place = Place(server)
        try place.leave(["never", "later", "perhaps", "now"])
        let round = place.deliver()
        #expect(round.delivered == 1 && round.undecided == 2 && round.failure == "no room")
        isFull.store(false, ordering: .relaxed)
        #expect(place.deliver().delivered == 1)
        #expect(
            server.requests.filter { $0.command == Self.success }.compactMap(\.sequence?.sequence) == [1, 2, 3, 4, 5])
        let file = try #require(place.listed.first)
        #expect(file.undecided == 2 && file.pending == 0)
        #expect(file.reports.first { $0.state == .refused }?.reason == "it is too much")
        #expect(file.reports.first { $0.state == .inDoubt }?.reason == "nobody knows")
        #expect(try SpoolDecision.discard(file.name, in: file.folder, evenPending: false) == .done)
        #expect(place.names.isEmpty)
    }

    /// A report that cannot be accepted now does not block the others.
    @Test func manyThatHaveToWaitHoldNobodyUp() throws {
        let server = FakeServer { request in
            guard request.command == Self.success, (request.decoded() as BreakerSuccess).name.text == "later" else {
                return request.replySample()
            }
            request.refuse(.limitReached, "no room")
        }
        let place = Place(server)
        server.stop()
        for name in ["later", "later", "later", "later", "later", "now"] as [Candidate] {
            let client = try place.connect()
            try client.breakers.success(name)
            client.close()
        }
        #expect(place.names.count == 6)
        server.start()
        #expect(place.deliver().delivered == 1)
        #expect(place.names.count == 5)
    }

    /// A settle whose permit the daemon does not know is sent as a report, so that its cost counts.
    @Test func aSettleOfAnUnknownPermitIsToldAsAReport() throws {
        let server = FakeServer { request in
            if request.command == Admit.declaration.number {
                var reply = Admit.Reply()
                reply.permit = 7
                reply.decision.candidate = 0
                return request.reply(reply)
            }
            if request.command == Settle.declaration.number { return request.refuse(.notFound, "no such permit") }
            request.replySample()
        }
        let place = Place(server)
        let client = try place.connect()
        let permit = try client.admission.admit(["a"]).get()
        server.stop()
        try client.admission.settle(permit, .success(usage: Usage(cost: .dollars("0.5"))))
        client.close()
        server.start()
        #expect(place.deliver().delivered == 1)
        let report: Report = try #require(server.requests.last { $0.command == Report.declaration.number }).decoded()
        #expect(report.usage?.cost == .dollars("0.5"))
    }

    // MARK: The folder

    @Test func foreignFilesAreLeftAlone() throws {
        let place = Place(FakeServer())
        try place.leave(["a"])
        let own = place.names[0]
        let link = "1795634878088-3cd41c7fa6ab5d09.spool"
        #expect(symlink("/etc/passwd", "\(place.folder)/\(link)") == 0)
        let damaged = "1795634878089-3cd41c7fa6ab5d09.spool"
        for name in ["notes", damaged] {
            let file = open("\(place.folder)/\(name)", O_WRONLY | O_CREAT, 0o600)
            #expect(write(file, "hello", 5) == 5)
            close(file)
        }
        #expect(place.deliver().delivered == 1)
        #expect(place.names == [link, damaged, "notes"].sorted())
        #expect(place.listed.map(\.name) == [damaged] && place.listed[0].damage != nil)
        #expect(!place.names.contains(own))
    }

    /// A writer that died before the rename has told no caller that its reports are kept. Complete reports count
    /// nevertheless.
    @Test(arguments: [true, false])
    func aFileWithoutANameIsAdoptedIfItIsWhole(isWhole: Bool) throws {
        let place = Place(FakeServer())
        try place.leave(["a"])
        let name = place.names[0]
        let part = "\(place.folder)/\(name.dropLast(SpoolFolder.suffix.count))\(SpoolFolder.partSuffix)"
        #expect(rename("\(place.folder)/\(name)", part) == 0)
        if !isWhole { #expect(truncate(part, 100) == 0) }
        // A file that is being written is not touched.
        #expect(place.deliver().delivered == 0 && place.names.count == 1)
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, part, &times, 0) == 0)
        _ = place.deliver()
        #expect(place.deliver().delivered == (isWhole ? 1 : 0))
        #expect(place.names.isEmpty)
    }

    /// The entries of many deliveries without success do not prevent a later one.
    @Test func aFileThatDeliveriesHaveMadeLongIsDeliveredAndGetsShort() throws {
        let isFull = Atomic(true)
        let server = FakeServer { request in
            guard request.command == Self.success, isFull.load(ordering: .relaxed) else { return request.replySample() }
            request.refuse(.limitReached, "no room")
        }
        let place = Place(server)
        try place.leave(["a"])
        let path = "\(place.folder)/\(place.names[0])"
        var writer = ByteWriter()
        var sequence = try #require(place.listed.first?.reports.first?.sequence)
        while writer.count < 25 << 20 {
            var result = SpoolResult(sequence, .renumbered, newSequence: sequence + 1)
            result.reason = String(repeating: "r", count: WireLimits.textLength)
            writer.writeSpool(.result, result)
            sequence += 1
        }
        let file = open(path, O_WRONLY | O_APPEND)
        let bytes = writer.bytes
        #expect(write(file, bytes, bytes.count) == bytes.count)
        close(file)
        let round = place.deliver()
        #expect(round.failure == "no room")
        let listed = try #require(place.listed.first)
        #expect(listed.damage == nil && listed.pending == 1 && listed.length < 1_000)
        isFull.store(false, ordering: .relaxed)
        #expect(place.deliver().delivered == 1)
        #expect(place.names.isEmpty)
        #expect(
            server.requests.filter { $0.command == Self.success }.compactMap(\.sequence?.sequence) == [
                sequence, sequence + 1,
            ])
    }

    /// A file that is too long to be read is listed, and does not block the others.
    @Test func aFileThatIsTooLongIsToldAndStays() throws {
        let place = Place(FakeServer())
        let names = (0..<4).map { "179563487808\($0)-3cd41c7fa6ab5d09.spool" }
        try place.leave(["a"])
        for name in names {
            let file = open("\(place.folder)/\(name)", O_WRONLY | O_CREAT, 0o600)
            #expect(ftruncate(file, ClientLimits.spoolReadBytes + 1) == 0)
            close(file)
        }
        let round = place.deliver()
        #expect(round.delivered == 1 && round.failure == nil)
        #expect(place.listed.map(\.name) == names)
        #expect(
            place.listed.allSatisfy { $0.damage?.contains("longer than \(ClientLimits.spoolReadBytes) bytes") == true })
        #expect(place.listed.allSatisfy { $0.length == ClientLimits.spoolReadBytes + 1 })
        #expect(try SpoolDecision.discard(names[0], in: place.folder, evenPending: false) == .done)
    }

    @Test func aFolderThatOthersMayUseIsNotUsed() throws {
        let server = FakeServer()
        let place = Place(server)
        #expect(mkdir(place.folder, 0o755) == 0)
        let client = try place.connect()
        server.stop()
        try client.breakers.success("a")
        client.close()
        #expect(client.spooling.failure != nil && client.droppedReports == 1)
        chmod(place.folder, 0o700)
        #expect(place.names.isEmpty)
    }

    @Test func aFullSpoolTakesNoMore() throws {
        let place = Place(FakeServer())
        try place.leave(["a"])
        let big = "\(place.folder)/1795634878088-3cd41c7fa6ab5d09.spool"
        let file = open(big, O_WRONLY | O_CREAT, 0o600)
        #expect(ftruncate(file, ClientLimits.spoolBytes) == 0)
        close(file)
        let client = try place.connect()
        client.waitForSpool(atMost: .seconds(60))
        place.server.stop()
        try client.breakers.success("b")
        client.close()
        #expect(client.droppedReports == 1 && client.spooling.failure?.contains("quota") == true)
    }

    @Test func whereItIs() {
        setenv("FUSEBOX_SPOOL", "/some/where", 1)
        #expect(SpoolFolder.paths(.standard) == ["/some/where"])
        unsetenv("FUSEBOX_SPOOL")
        #expect(SpoolFolder.paths(.standard).last == "/var/tmp/fusebox-spool-\(geteuid())")
        #expect(SpoolFolder.paths(.folder("/x")) == ["/x"] && SpoolFolder.paths(.none).isEmpty)
    }
}
