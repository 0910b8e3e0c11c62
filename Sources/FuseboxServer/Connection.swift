import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// One client: its socket, the bytes on their way in and out, and its session.
final class Connection {
    let stream: Stream
    var session: Session
    private unowned let server: Server
    private var input = FrameReader(frameLimit: Limits.helloFrameLength)
    private var output = ByteWriter()
    /// Whether it is on the server's list of connections with something to send.
    var isDirty = false
    /// Whether it is on the server's list of connections with requests left over from this turn.
    var isContinuing = false
    /// Whether everything is to be sent and then the connection closed.
    private var isFinishing = false
    /// Whether requests are left alone until the peer has taken what it was sent.
    private var isThrottled = false
    /// Whether the peer sends no more.
    private var hasEnded = false
    private let openedAt: Timestamp
    private var lastByteAt: Timestamp
    /// Since when the peer has taken nothing although there is something for it.
    private var stalledSince: Timestamp?

    /// How long a peer may take nothing before it is dropped.
    private static let stallMilliseconds: Int64 = 30_000
    /// Output memory that an idle connection keeps.
    private static let restingOutput = 4096

    init(_ stream: Stream, _ session: Session, _ server: Server) {
        self.stream = stream
        self.session = session
        self.server = server
        openedAt = server.moment.now
        lastByteAt = server.moment.now
        stream.delegate = self
    }

    // MARK: Input

    /// Handles the complete frames that are there, within the fairness and output limits.
    func process() {
        var budget = server.limits.requestsPerTurn
        while !isFinishing, input.isReady, output.count < server.limits.outputSoftLimit {
            guard budget > 0 else {
                server.continueLater(self)
                break
            }
            budget -= 1
            guard handleNext() else { break }
        }
        if output.count >= server.limits.outputSoftLimit {
            // A peer that does not take its replies is not asked for more.
            isThrottled = true
            stream.stopReading()
        }
        if hasEnded, !isContinuing, !isThrottled { finish() }
        if !output.isEmpty { server.markDirty(self) }
    }

    private func handleNext() -> Bool {
        let verdict: Verdict?
        do throws(Refusal) {
            verdict = try unsafe input.next { header, payload in
                unsafe server.engine.handle(header, payload, &session, &output, at: server.moment)
            }
        } catch {
            output.writeRefusal(session.state == .opening ? error.beforeHello : error, command: 0, correlation: 0)
            finish()
            return false
        }
        switch verdict {
        case nil: return false
        case .proceed:
            if session.state == .open { input.frameLimit = Limits.frameLength }
            return true
        case .close:
            finish()
            return false
        case .deferred(let ticket, let work):
            server.perform(work, for: ticket)
            return true
        }
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

    // MARK: Output

    /// Appends a reply that comes after its request's turn.
    func append(_ write: (inout ByteWriter) -> Void) {
        guard stream.isOpen else { return }
        write(&output)
        server.markDirty(self)
    }

    /// Appends the events that the peer has subscribed to.
    func deliverEvents() {
        server.engine.deliverEvents(to: &session, &output)
        if !output.isEmpty { server.markDirty(self) }
    }

    /// Sends what the socket takes.
    func flush() {
        guard stream.isOpen else { return }
        do throws(LoopError) {
            let sent = try send()
            output.removeFirst(sent)
        } catch {
            return server.drop(self, "writing failed: \(error)")
        }
        guard output.count <= server.limits.outputHardLimit else {
            return server.drop(self, "\(output.count) bytes wait for a peer that does not read")
        }
        if isFlushed {
            stalledSince = nil
            output.shrink(to: Self.restingOutput)
            if isFinishing { return server.remove(self) }
        } else if stalledSince == nil {
            stalledSince = server.moment.now
        }
        if isThrottled, !isFinishing, output.count < server.limits.outputSoftLimit { unthrottle() }
    }

    private func unthrottle() {
        isThrottled = false
        server.continueLater(self)
        guard !hasEnded, server.isServing else { return }
        do throws(LoopError) { try stream.startReading() } catch { server.drop(self, "reading failed: \(error)") }
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

    /// Ends the connection if it has kept the server waiting too long.
    func checkDeadlines(at now: Timestamp) {
        if let stalledSince, now - stalledSince > Self.stallMilliseconds {
            return server.drop(self, "the peer has read nothing for \(Self.stallMilliseconds / 1000) s")
        }
        if session.state == .opening, now - openedAt > server.limits.helloMilliseconds {
            finish(Refusal(.helloTimeout, "no hello came within \(server.limits.helloMilliseconds) ms"))
        } else if session.topics.isEmpty, now - lastByteAt > server.limits.idleMilliseconds {
            finish(Refusal(.idleTimeout, "nothing was sent for \(server.limits.idleMilliseconds / 1000) s"))
        }
    }
}

extension Connection: StreamDelegate {
    func spareRoom(for stream: Stream) -> UnsafeMutableRawBufferPointer { unsafe input.spare() }

    func stream(_ stream: Stream, didRead count: Int) {
        input.commit(count)
        lastByteAt = server.moment.now
        server.bytesArrived()
        process()
    }

    func streamDidEnd(_ stream: Stream) {
        // The peer may have shut down only its sending side: it still gets the replies to what it sent.
        hasEnded = true
        process()
    }

    func streamDidDrain(_ stream: Stream) {
        stalledSince = nil
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
        Refusal(.badMagic, "this socket speaks the Fusebox protocol; the first bytes are not its hello (\(message))")
    }
}
