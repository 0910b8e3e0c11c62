import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// One client: its socket, its input and output buffers, and its session.
final class Connection {
    let stream: Stream
    /// The session and the buffers of input and output.
    private var channel: Channel
    var session: Session { _read { yield channel.session } }
    /// The number of the client's user in `UserQuotas` and `TurnSchedule`.
    let user: Int
    /// The process that connected; nil if it cannot be watched.
    let peerProcess: PeerProcess?
    /// Whether the process that connected has ended, and another process has the other end.
    var outlivesProcess = false
    private unowned let server: Server
    /// Whether the connection is on the server's list of connections with output to send.
    var isDirty = false
    /// Whether the connection waits in the schedule with requests for the next turn.
    var isContinuing = false
    /// Whether the next request waits for room in the journal.
    private var isWaitingForRoom = false
    /// Whether the connection closes once its output is sent.
    private var isFinishing = false
    /// Whether the peer has shut down its sending side.
    private var hasEnded = false
    /// Whether hello was accepted.
    private var hasOpened = false
    /// Whether the socket has room again and nothing was sent since.
    private var hasDrained = false
    /// The memory of this connection that is counted for its user, in bytes.
    private(set) var countedBytes = 0
    /// The length of unsent output, in bytes, at which no further request is handled.
    private var softLimit: Int
    /// The number of replies that come in a later turn than their requests and have not come yet.
    private var deferred = 0
    /// The turn that `budget` belongs to, and the number of requests that may still be handled in it.
    private var turn: UInt64 = 0
    private var budget = 0
    private let openedAt: Timestamp
    private var lastByteAt: Timestamp
    /// The time since which the peer has read nothing although output waits for it.
    private var stalledSince: Timestamp?

    init(_ stream: Stream, _ session: Session, _ user: Int, _ process: PeerProcess?, _ server: Server) {
        self.stream = stream
        channel = Channel(session)
        self.user = user
        self.peerProcess = process
        self.server = server
        softLimit = server.bounds.outputSoftLimit
        openedAt = server.moment.now
        lastByteAt = server.moment.now
        stream.delegate = self
    }

    // MARK: Input

    /// Handles the complete frames that were received, within the limits of fairness and output.
    func process() {
        guard stream.isOpen else { return }
        if turn != server.turn {
            turn = server.turn
            budget = server.bounds.requestsPerTurn
        }
        setSoftLimit()
        while mayHandle, channel.input.isReady {
            guard budget > 0, server.mayGoOn(user) else {
                server.continueLater(self)
                break
            }
            handleSome()
        }
        // A peer that has shut down its sending side still gets the replies to its requests.
        if hasEnded, deferred == 0, !channel.input.isReady { finish() }
        if !channel.output.isEmpty || hasDrained { server.markDirty(self) }
        chooseReading()
        countMemory()
    }

    /// Handles a few requests, after which the clock is read again. Reading it costs a noticeable part of a request.
    private func handleSome() {
        // What hello allows holds for the next frame.
        let limit = hasOpened ? min(budget, Bounds.requestsPerLook) : 1
        let run = channel.handle(
            atMost: limit, below: softLimit, with: &server.keeper.engine, at: server.moment)
        budget -= run.count
        switch run.end {
        case .answered: if !hasOpened { open() }
        case .noRoom:
            isWaitingForRoom = true
            server.keeper.waitForRoom(session.id, frameLength: channel.input.nextLength)
        case .close: finish()
        case .deferred(let ticket, let work):
            deferred += 1
            server.keeper.perform(work, for: ticket)
        case .refused(let refusal): finish(session.state == .opening ? refusal.beforeHello : refusal)
        }
    }

    /// Whether further requests may be handled. They may not while the peer does not read its replies, while its
    /// replies wait for the disk, or while its next request waits for room in the journal.
    private var mayHandle: Bool {
        !isFinishing && !isWaitingForRoom && server.isServing && deferred < Bounds.deferredReplies
            && channel.output.count + session.delayedBytes < softLimit
    }

    /// Sets the soft limit. If the user's connections take much memory, only those whose output is sent are served.
    private func setSoftLimit() {
        softLimit = server.quotas.isTight(user) ? (stream.hasPendingChunk ? 0 : 1) : server.bounds.outputSoftLimit
    }

    /// Continues with the requests in the next turn. Called when there may be room in the journal again.
    func roomHasCome() {
        isWaitingForRoom = false
        server.continueLater(self)
    }

    /// Reads only while requests can be handled soon. Otherwise the peer waits, and the daemon's memory does not grow.
    private func chooseReading() {
        guard stream.isOpen else { return }
        guard mayHandle, !isContinuing, !hasEnded else { return stream.stopReading() }
        do throws(LoopError) { try stream.startReading() } catch { server.drop(self, "\(error)") }
    }

    /// Hello was accepted.
    private func open() {
        hasOpened = true
        channel.input.frameLimit = WireLimits.frameLength
        server.quotas.opened(session.id, of: user)
        server.endFenced()
    }

    /// Handles no more requests, sends the output, then closes.
    func finish() {
        isFinishing = true
        stream.stopReading()
        server.markDirty(self)
    }

    /// Sends the peer a refusal, then closes.
    func finish(_ refusal: Refusal) {
        guard !isFinishing else { return }
        channel.output.writeRefusal(refusal, command: 0, correlation: 0)
        finish()
    }

    /// Sends the peer a refusal at once, if its socket has room and no other output waits.
    func sendNow(_ refusal: Refusal) {
        guard stream.isOpen, isFlushed else { return }
        var frame = ByteWriter()
        frame.writeRefusal(refusal, command: 0, correlation: 0)
        _ = try? unsafe frame.withBytes { try unsafe stream.tryWrite($0) }
    }

    // MARK: Memory

    /// Counts the connection's present memory for its user. The server may drop the connection.
    private func countMemory() {
        guard stream.isOpen else { return }
        let now =
            channel.input.footprint + channel.output.footprint + session.delayedFootprint
            + (stream.hasPendingChunk ? stream.pendingBytes : 0)
        guard now != countedBytes else { return }
        let change = now - countedBytes
        countedBytes = now
        server.countMemory(change, of: self)
    }

    /// Takes the connection's memory off its user's count. It is called before the connection is closed.
    func uncountMemory() {
        _ = server.quotas.countMemory(-countedBytes, of: user)
        countedBytes = 0
    }

    // MARK: Output

    /// Appends a deferred reply, then continues with the requests that came after.
    func complete(_ write: (inout ByteWriter) -> Void) {
        guard stream.isOpen else { return }
        deferred -= 1
        write(&channel.output)
        process()
    }

    /// Appends a reply that waited for the journal, or a push.
    ///
    /// The engine must not change during this call. So the reply's memory is not counted here, because that could drop
    /// a connection. The flush that follows counts it.
    func append(_ frame: UnsafeRawBufferPointer, _ target: OutputTarget) {
        guard stream.isOpen else { return }
        unsafe channel.session.wasHanded(frame, target)
        unsafe channel.output.write(contentsOf: frame)
        server.markDirty(self)
    }

    /// Sends the events that the peer has subscribed to. The journal entries of the turn are written by now.
    func deliverEvents() {
        guard stream.isOpen else { return }
        channel.deliverEvents(of: server.keeper.engine)
        if !channel.output.isEmpty { flush() }
    }

    /// Sends as much output as the socket takes.
    func flush() {
        sendOutput()
        countMemory()
    }

    private func sendOutput() {
        hasDrained = false
        guard stream.isOpen else { return }
        do throws(LoopError) {
            let sent = try send()
            channel.output.removeFirst(sent)
        } catch {
            // A peer that has said goodbye may disconnect before it gets the reply.
            return isFinishing ? server.remove(self) : server.drop(self, "\(error)")
        }
        guard channel.output.count <= server.bounds.outputHardLimit else {
            return server.drop(
                self,
                "the peer does not read: \(channel.output.count) bytes of output wait, and \(server.bounds.outputHardLimit) may wait"
            )
        }
        if isFlushed {
            stalledSince = nil
            channel.output.shrink(to: server.quotas.isTight(user) ? Bounds.restingOutput : Bounds.workingOutput)
            // Its last replies may still wait for the disk.
            if isFinishing, session.delayedReplies == 0 { return server.remove(self) }
        } else if stalledSince == nil {
            stalledSince = server.moment.now
        }
        setSoftLimit()
        // The stream has its own copy of the pending chunk.
        if channel.output.isEmpty, softLimit == 0 { channel.output.shrink(to: Bounds.restingOutput) }
        // Requests may have waited for room in the output.
        if mayHandle, channel.input.isReady { server.continueLater(self) }
        chooseReading()
    }

    private func send() throws(LoopError) -> Int {
        let result: Result<Int, LoopError> = unsafe channel.output.withBytes { bytes in
            do throws(LoopError) { return .success(try unsafe stream.write(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Whether the socket has taken all output.
    var isFlushed: Bool { channel.output.isEmpty && !stream.hasPendingChunk }

    // MARK: Deadlines

    /// Whether no deadline is near and no output is left to send.
    var isQuiet: Bool { session.state != .opening && stalledSince == nil && channel.output.isEmpty }

    /// Ends the connection if the peer has been silent or has not read for too long. Called in every round.
    func checkDeadlines(at now: Timestamp) {
        if let stalledSince, now - stalledSince > Bounds.stallMilliseconds {
            return server.drop(self, "the peer has not read its output for \(Bounds.stallMilliseconds / 1000) s")
        }
        if session.state == .opening, now - openedAt > server.bounds.helloMilliseconds {
            finish(
                Refusal(
                    .helloTimeout, "the first request must be hello, within \(server.bounds.helloMilliseconds) ms"))
        } else if session.topics.isEmpty, now - lastByteAt > server.bounds.idleMilliseconds,
            !server.keeper.engine.awaitsTurn(session)
        {
            finish(
                Refusal(
                    .idleTimeout,
                    "the connection was idle for \(server.bounds.idleMilliseconds / 1000) s; connect again when needed")
            )
        } else if channel.output.isEmpty, now > lastByteAt {
            channel.output.shrink(to: Bounds.restingOutput)
        }
    }
}

extension Connection: StreamDelegate {
    func spareRoom(for stream: Stream) -> UnsafeMutableRawBufferPointer { unsafe channel.input.spare() }

    func stream(_ stream: Stream, didFill count: Int) { channel.input.commit(count) }

    func streamDidRead(_ stream: Stream) {
        lastByteAt = server.moment.now
        server.bytesArrived()
        process()
    }

    func streamDidEnd(_ stream: Stream) {
        hasEnded = true
        process()
    }

    func streamDidDrain(_ stream: Stream) {
        stalledSince = nil
        // Filling sockets takes time too, so it is scheduled by user like the handling of requests.
        hasDrained = true
        guard server.mayGoOn(user) else { return server.continueLater(self) }
        flush()
    }

    func stream(_ stream: Stream, didFail error: LoopError) {
        server.remove(self)
    }

    func startReading() throws(LoopError) { try stream.startReading() }
}

extension Refusal {
    /// The refusal for a peer whose first bytes are not a valid frame. It probably speaks another protocol.
    fileprivate var beforeHello: Refusal {
        Refusal(status, "\(message); this socket speaks the Fusebox protocol, whose first frame is hello")
    }
}
