import FuseboxLoop
import Glibc
import Testing

/// Streams that are closed or released during reads and writes.
@Suite struct StreamLifetimeTests {
    let loop: EventLoop
    let log = Log()

    init() throws {
        SignalWatcher.ignore(SIGPIPE)
        loop = try EventLoop()
    }

    /// The only lasting reference to a connection, and the other end.
    private final class Owner {
        var connection: TestConnection?
        let client: BlockingClient
        var drainTimer: Timer?

        init(on loop: EventLoop) throws {
            var ends: [Int32] = [0, 0]
            precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            client = BlockingClient(adopting: ends[1])
            connection = TestConnection(try Stream(on: loop, adopting: Descriptor(owning: ends[0])))
        }

        /// Writes more to the stream than the socket takes.
        func fill() throws {
            connection?.output = pattern(1_000_000)
            try connection?.flush()
            #expect(connection?.stream.hasPendingChunk == true)
        }
    }

    /// How a stream ends.
    enum Ending: CaseIterable {
        case close
        /// The owner drops the connection and the stream with it.
        case drop
    }

    private func end(_ owner: Owner, _ ending: Ending) {
        if ending == .close { owner.connection?.stream.close() } else { owner.connection = nil }
    }

    @Test func afterTheCloseEverythingIsRefusedAndNothingIsCalled() throws {
        let pair = try ConnectedPair(on: loop)
        let stream = pair.stream
        let connection = TestConnection(stream)
        try stream.startReading()
        #expect(pair.client.send([1]))
        stream.close { log("closed") }
        stream.close { log("closed twice") }
        stream.stopReading()
        #expect(!stream.isOpen && !stream.isReading)
        #expect(stream.pendingBytes == 0)
        #expect(throws: LoopError(.read, code: EBADF)) { try stream.startReading() }
        #expect(throws: LoopError(.write, code: EBADF)) { try [1].withUnsafeBytes { try stream.tryWrite($0) } }
        #expect(throws: LoopError(.write, code: EBADF)) { try [1].withUnsafeBytes { try stream.write($0) } }
        #expect(throws: LoopError(.readCredentials, code: EBADF)) { try stream.peer }
        try loop.runWithinReason()
        #expect(log.entries == ["closed"])
        #expect(connection.log.entries == [])
    }

    @Test(arguments: Ending.allCases, ["read", "end of stream", "drained", "failed"])
    func anyCallbackMayEndItsStream(ending: Ending, event: String) throws {
        let owner = try Owner(on: loop)
        weak let stream = owner.connection?.stream
        owner.connection?.when = { [unowned owner] _, happened in
            log(happened)
            if happened == event { end(owner, ending) }
        }
        switch event {
        case "read":
            // More than the lent memory, so libuv would continue to read.
            #expect(owner.client.send(pattern(20_000)))
            try stream?.startReading()
        case "end of stream":
            owner.client.finishSending()
            try stream?.startReading()
        case "drained":
            try owner.fill()
            try drainInTheBackground(owner)
        default:
            try owner.fill()
            shutdown(owner.client.descriptor, Int32(SHUT_RDWR))
        }
        try loop.runWithinReason()
        #expect(log.entries == [event])
        if ending == .drop { #expect(stream == nil) }
    }

    /// Reads from the other end, on a timer of the loop, until the stream is gone.
    private func drainInTheBackground(_ owner: Owner) throws {
        let timer = try Timer(on: loop) { [unowned owner] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(owner.client.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count == 0 || owner.connection?.stream.isOpen != true { owner.drainTimer?.close() }
        }
        timer.start(afterMilliseconds: 0, repeatingMilliseconds: 1)
        owner.drainTimer = timer
    }

    @Test(arguments: Ending.allCases)
    func aStreamMayGoWhileItHoldsBytesBack(ending: Ending) throws {
        let owner = try Owner(on: loop)
        try owner.fill()
        owner.connection?.when = { _, event in Issue.record("\(event) was reported after the end") }
        end(owner, ending)
        try loop.runWithinReason()
    }

    @Test(arguments: Ending.allCases)
    func aStreamMayGoWithALoopThatNeverRuns(ending: Ending) throws {
        var completions = 0
        do {
            let loop = try EventLoop()
            let owner = try Owner(on: loop)
            try owner.connection?.stream.startReading()
            try owner.fill()
            if ending == .close { owner.connection?.stream.close { completions += 1 } }
        }
        #expect(completions == 0)
    }

    @Test func oneConnectionsCallbackMayEndAnother() throws {
        let first = try Owner(on: loop)
        let second = try Owner(on: loop)
        for (own, other) in [(first, second), (second, first)] {
            own.connection?.when = { [unowned own, unowned other] _, event in
                log(event)
                other.connection = nil
                own.connection = nil
            }
            #expect(own.client.send([1]))
            try own.connection?.stream.startReading()
        }
        try loop.runWithinReason()
        #expect(log.entries == ["read"])
    }

    /// The turn begins in the callback of a stream, and `turnBegins` may end that stream.
    @Test(arguments: Ending.allCases, ["read", "end of stream", "drained", "failed"])
    func theBeginningOfATurnMayEndTheStreamThatBeginsIt(ending: Ending, event: String) throws {
        let owner = try Owner(on: loop)
        weak let stream = owner.connection?.stream
        owner.connection?.when = { _, happened in
            // A dropped stream lives until the callback returns.
            if ending == .close { Issue.record("\(happened) was reported after the end") }
        }
        let turns = TurnLog(log)
        loop.delegate = turns
        switch event {
        case "read":
            #expect(owner.client.send(pattern(20_000)))
            try stream?.startReading()
        case "end of stream":
            owner.client.finishSending()
            try stream?.startReading()
        case "drained":
            try owner.fill()
            while !owner.client.receiveWhatIsThere().isEmpty {}
        default:
            try owner.fill()
            shutdown(owner.client.descriptor, Int32(SHUT_RDWR))
        }
        turns.whenBegun = { [unowned owner] _ in end(owner, ending) }
        try loop.runWithinReason()
        loop.delegate = nil
        #expect(log.entries.first == "begin")
        #expect(owner.connection?.stream.isOpen != true)
        if ending == .drop { #expect(stream == nil) }
    }

    @Test func theDescriptorIsClosedWhenTheCompletionIsCalled() throws {
        let owner = try Owner(on: loop)
        owner.connection?.stream.close {
            log("closed")
            #expect(owner.client.receive(1) == [])
        }
        try loop.runWithinReason()
        #expect(log.entries == ["closed"])
    }

    @Test func aCompletionIsReleasedWithItsHandle() throws {
        var token: Log? = Log()
        weak let trace = token
        let owner = try Owner(on: loop)
        owner.connection?.stream.close { [token] in token?("closed") }
        token = nil
        #expect(trace != nil)
        try loop.runWithinReason()
        #expect(trace == nil)
    }
}
