import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// One client: its socket, the bytes on their way in and out, and its session.
final class Connection {
    let stream: Stream
    var session: Session
    /// Its user's number.
    let user: Int
    private unowned let server: Server
    private var input = FrameReader(frameLimit: WireLimits.helloFrameLength)
    private var output = ByteWriter()
    /// Whether it is on the server's list of connections with something to send.
    var isDirty = false
    /// Whether it is on the server's list of connections with requests left over for the next turn.
    var isContinuing = false
    /// Whether everything is to be sent and then the connection closed.
    private var isFinishing = false
    /// Whether the peer sends no more.
    private var hasEnded = false
    /// Whether hello has been said.
    private var hasOpened = false
    /// Whether the socket has room again and nothing was sent since.
    private var hasDrained = false
    /// Memory that is put down to its user, in bytes.
    private(set) var held = 0
    /// Unsent output at which no more requests are handled.
    private var softLimit: Int
    /// Replies that come after their request's turn and have not come yet.
    private var deferred = 0
    /// The turn that `budget` is for, and the requests that may still be handled in it.
    private var turn: UInt64 = 0
    private var budget = 0
    private let openedAt: Timestamp
    private var lastByteAt: Timestamp
    /// Since when the peer has taken nothing although there is something for it.
    private var stalledSince: Timestamp?

    init(_ stream: Stream, _ session: Session, _ user: Int, _ server: Server) {
        self.stream = stream
        self.session = session
        self.user = user
        self.server = server
        softLimit = server.limits.outputSoftLimit
        openedAt = server.moment.now
        lastByteAt = server.moment.now
        stream.delegate = self
    }

    // MARK: Input

    /// Handles the complete frames that are there, within the limits of fairness and output.
    func process() {
        guard stream.isOpen else { return }
        if turn != server.turn {
            turn = server.turn
            budget = server.limits.requestsPerTurn
        }
        setSoftLimit()
        var nextLook = budget
        var outputAtLook = output.count
        while mayHandle, input.isReady {
            // Looking at the clock costs as much as a part of a request.
            let looksAtClock = budget <= nextLook || output.count - outputAtLook > Limits.outputPerLook
            if looksAtClock {
                nextLook = budget - Limits.requestsPerLook
                outputAtLook = output.count
            }
            guard budget > 0, !looksAtClock || server.mayGoOn(user) else {
                server.continueLater(self)
                break
            }
            guard
                server.keeper.engine.canTake(frameLength: input.nextLength)
                    || !server.keeper.engine.needsRoom(input.nextCommand)
            else {
                server.keeper.waitForRoom(session.id, frameLength: input.nextLength)
                break
            }
            budget -= 1
            handleNext()
        }
        // The peer may have shut down only its sending side: it still gets the replies to what it sent.
        if hasEnded, deferred == 0, !input.isReady { finish() }
        if !output.isEmpty || hasDrained { server.markDirty(self) }
        chooseReading()
        noteMemory()
    }

    /// Whether requests may be handled: a peer that does not take its replies is not asked for more, and neither is one
    /// whose replies wait for the disk.
    private var mayHandle: Bool {
        !isFinishing && server.isServing && deferred < Limits.deferredReplies
            && output.count + session.heldBytes < softLimit
    }

    /// Of a user who holds much, only those are served who have taken their replies.
    private func setSoftLimit() {
        softLimit = server.quotas.isTight(user) ? (stream.isHoldingBack ? 0 : 1) : server.limits.outputSoftLimit
    }

    /// Reads while what comes can be handled soon, so that the peer waits and not the daemon's memory grows.
    private func chooseReading() {
        guard stream.isOpen else { return }
        guard mayHandle, !isContinuing, !hasEnded else { return stream.stopReading() }
        do throws(LoopError) { try stream.startReading() } catch { server.drop(self, "reading failed: \(error)") }
    }

    private func handleNext() {
        let verdict: Verdict?
        do throws(Refusal) {
            verdict = try unsafe input.next { header, payload in
                unsafe server.keeper.engine.handle(header, payload, &session, &output, at: server.moment)
            }
        } catch {
            return finish(session.state == .opening ? error.beforeHello : error)
        }
        switch verdict {
        case nil: return
        case .proceed:
            if !hasOpened { open() }
            server.endFenced()
        case .close: finish()
        case .deferred(let ticket, let work):
            deferred += 1
            server.keeper.perform(work, for: ticket)
        }
    }

    /// Hello has been said.
    private func open() {
        hasOpened = true
        input.frameLimit = WireLimits.frameLength
        server.quotas.opened(session.id, of: user)
    }

    /// Takes no more requests, sends what there is, and closes.
    func finish() {
        isFinishing = true
        stream.stopReading()
        server.markDirty(self)
    }

    /// Tells the peer why, and closes.
    func finish(_ refusal: Refusal) {
        guard !isFinishing else { return }
        output.writeRefusal(refusal, command: 0, correlation: 0)
        finish()
    }

    /// Tells the peer something at once, as far as its socket takes it and nothing else is on its way.
    func tell(_ refusal: Refusal) {
        guard stream.isOpen, isFlushed else { return }
        var frame = ByteWriter()
        frame.writeRefusal(refusal, command: 0, correlation: 0)
        _ = try? unsafe frame.withBytes { try unsafe stream.tryWrite($0) }
    }

    // MARK: Memory

    /// Puts down to its user what it holds now.
    private func noteMemory() {
        guard stream.isOpen else { return }
        let now =
            input.footprint + output.footprint + session.heldFootprint
            + (stream.isHoldingBack ? stream.heldBack : 0)
        guard now != held else { return }
        let change = now - held
        held = now
        server.hold(change, self)
    }

    /// Gives back what is put down to its user: it is about to be closed.
    func letGo() {
        _ = server.quotas.hold(-held, of: user)
        held = 0
    }

    // MARK: Output

    /// Appends a deferred reply, and goes on with the requests that came after.
    func complete(_ write: (inout ByteWriter) -> Void) {
        guard stream.isOpen else { return }
        deferred -= 1
        write(&output)
        process()
    }

    /// Appends a reply that waited for the journal.
    ///
    /// The engine hands it out and must not be changed meanwhile, as it would be where a connection is dropped: what the
    /// reply takes of memory is counted by the flush that follows.
    func append(_ frame: UnsafeRawBufferPointer) {
        guard stream.isOpen else { return }
        unsafe session.wasHanded(frame)
        unsafe output.write(contentsOf: frame)
        server.markDirty(self)
    }

    /// Sends the events that the peer has subscribed to. The turn's entries have been written.
    func deliverEvents() {
        guard stream.isOpen else { return }
        server.keeper.engine.deliverEvents(to: &session, &output)
        if !output.isEmpty { flush() }
    }

    /// Sends what the socket takes.
    func flush() {
        sendOutput()
        noteMemory()
    }

    private func sendOutput() {
        hasDrained = false
        guard stream.isOpen else { return }
        do throws(LoopError) {
            let sent = try send()
            output.removeFirst(sent)
        } catch {
            // A peer that has said goodbye need not wait for the answer.
            return isFinishing ? server.remove(self) : server.drop(self, "writing failed: \(error)")
        }
        guard output.count <= server.limits.outputHardLimit else {
            return server.drop(self, "\(output.count) bytes wait for a peer that does not read")
        }
        if isFlushed {
            stalledSince = nil
            output.shrink(to: server.quotas.isTight(user) ? Limits.restingOutput : Limits.workingOutput)
            // What it was told to do may still be on its way to the disk.
            if isFinishing, session.heldReplies == 0 { return server.remove(self) }
        } else if stalledSince == nil {
            stalledSince = server.moment.now
        }
        setSoftLimit()
        // What is held back is a copy.
        if output.isEmpty, softLimit == 0 { output.shrink(to: Limits.restingOutput) }
        // Requests that waited for room in the output have it now.
        if mayHandle, input.isReady { server.continueLater(self) }
        chooseReading()
    }

    private func send() throws(LoopError) -> Int {
        let result: Result<Int, LoopError> = unsafe output.withBytes { bytes in
            do throws(LoopError) { return .success(try unsafe stream.write(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Whether everything that was to be sent has been taken by the socket.
    var isFlushed: Bool { output.isEmpty && !stream.isHoldingBack }

    // MARK: Deadlines

    /// Ends the connection if it has kept the server waiting too long. Called now and then.
    func checkDeadlines(at now: Timestamp) {
        if let stalledSince, now - stalledSince > Limits.stallMilliseconds {
            return server.drop(self, "the peer has read nothing for \(Limits.stallMilliseconds / 1000) s")
        }
        if session.state == .opening, now - openedAt > server.limits.helloMilliseconds {
            finish(Refusal(.helloTimeout, "no hello came within \(server.limits.helloMilliseconds) ms"))
        } else if session.topics.isEmpty, now - lastByteAt > server.limits.idleMilliseconds {
            finish(Refusal(.idleTimeout, "nothing was sent for \(server.limits.idleMilliseconds / 1000) s"))
        } else if output.isEmpty, now > lastByteAt {
            output.shrink(to: Limits.restingOutput)
        }
    }
}

extension Connection: StreamDelegate {
    func spareRoom(for stream: Stream) -> UnsafeMutableRawBufferPointer { unsafe input.spare() }

    func stream(_ stream: Stream, didFill count: Int) { input.commit(count) }

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
        // Filling sockets takes time too, and those of one user wait for their turn as requests do.
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
    /// What a peer is told whose first bytes announce an impossible frame: most likely it speaks another protocol.
    fileprivate var beforeHello: Refusal {
        Refusal(status, "\(message); this socket speaks the Fusebox protocol, and its first frame is hello")
    }
}
