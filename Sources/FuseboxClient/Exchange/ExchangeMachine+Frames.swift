import FuseboxWire

/// Requests written, replies received.
extension ExchangeMachine {
    // MARK: Out

    /// Writes a new request, after those that wait.
    mutating func send(_ id: RequestID) {
        guard backlog.isEmpty, case .open(let link) = phase,
            requests[id].mayLeave(identity.window, link.keptReplies)
        else {
            enqueue(id)
            return drain()
        }
        write(id)
        sendWritten(since: link.written)
    }

    /// Writes the requests of the backlog that may be written now.
    mutating func drain() {
        guard !backlog.isEmpty, case .open(let link) = phase else { return }
        let before = link.written
        while let id = backlog.first, requests[id].mayLeave(identity.window, link.keptReplies) {
            backlog.removeFirst()
            write(id)
        }
        sendWritten(since: before)
    }

    private mutating func sendWritten(since before: UInt64) {
        if let link, link.written > before, link.output != .failed { actions.append(.send) }
    }

    /// Writes the request's frame. Issues its sequence number here, so that numbers are sent in their order.
    private mutating func write(_ id: RequestID) {
        if let substitute = requests[id].substitute, substitute.epoch != epoch { becomeSubstitute(id) }
        guard case .open(var link) = phase else { return }
        var request = requests[id]
        let length = request.frameLength
        guard link.frameLimit == 0 || length <= Int(link.frameLimit) else {
            return end(id, .failed(.frameTooLong(length, limit: link.frameLimit)))
        }
        if request.isSequenced, request.sequence == 0 { request.sequence = identity.window.issue() }
        link.written += UInt64(length + FrameHeader.lengthBytes)
        phase = .open(link)
        requests.change(id) {
            $0.sequence = request.sequence
            $0.delivery = .sent(frameEnd: link.written, mayHaveArrived: request.mayHaveArrived)
        }
        let numbers = RequestSequence(
            sequence: request.sequence, oldestUnacknowledged: identity.window.oldestUnacknowledged)
        actions.append(.write(id, request.isSequenced ? numbers : nil))
    }

    /// Replaces a settle by its substitute.
    mutating func becomeSubstitute(_ id: RequestID) {
        guard let substitute = requests[id].substitute else { return }
        requests.change(id) {
            $0.substitute = nil
            $0.command = Report.declaration.number
            $0.effect = Report.declaration.effect
            $0.length = substitute.length
        }
        actions.append(.substitute(id))
    }

    /// The socket has taken this number of bytes of the output.
    mutating func sent(_ bytes: Int) -> ExchangeActions {
        changeLink { $0.sent += UInt64(bytes) }
        if let link, link.sent == link.written { wakeSenders() }
        return actions.take()
    }

    /// Sending has failed. The connection is not closed yet, because replies may still wait to be read. The reader
    /// finds its end behind them.
    mutating func sendFailed() -> ExchangeActions {
        changeLink { $0.output = .failed }
        wakeSenders()
        return actions.take()
    }

    /// The socket of this connection may take more output.
    mutating func writable(_ number: UInt64) -> ExchangeActions {
        if let link, link.number == number, link.sent < link.written { actions.append(.send) }
        return actions.take()
    }

    // MARK: In

    /// A frame was received on the present connection. A refusal with correlation 0 answers no request and says why the
    /// daemon closes the connection.
    ///
    /// - Parameters:
    ///   - refusal: the refusal in the frame's payload
    ///   - announcement: what the payload says of a waiting call; nil if it says nothing that makes sense
    mutating func receive(
        _ header: FrameHeader, refusal: () -> Refusal, announcement: () -> Announcement? = { nil }, now: Deadline
    ) -> ExchangeActions {
        if header.kind == FrameKind.reply.rawValue {
            takeReply(header, refusal, announcement, now)
        } else if header.kind == FrameKind.push.rawValue {
            if let said = announcement() { takePush(said) }
        } else if header.kind != FrameKind.event.rawValue {
            // Events use connections of their own. A program that subscribes through `call` gets no events.
            loseTo("a frame of the unknown kind \(header.kind) came", now)
        }
        return actions.take()
    }

    private mutating func takeReply(
        _ header: FrameHeader, _ refusal: () -> Refusal, _ announcement: () -> Announcement?, _ now: Deadline
    ) {
        let id = RequestID(correlation: header.correlation)
        guard let request = requests.find(id), case .sent = request.delivery else {
            guard header.detail != Status.ok.rawValue else {
                return loseTo("a reply came that answers no request", now)
            }
            words.farewell = refusal()
            return
        }
        guard request.command == header.command else {
            return loseTo(
                "a reply to command \(header.command) came for a request with command \(request.command)", now)
        }
        if request.sequence != 0, header.detail == Status.ok.rawValue { identity.acquaintance?.isKnown = true }
        switch Status(rawValue: header.detail) {
        case .sequenceOutOfOrder where request.mayHaveArrived: beginAnew(id)
        case .notFound where request.substitute != nil: sendSubstitute(id)
        case .ok where request.mayWait:
            if let said = announcement(), takeTicket(id, said) { break }
            end(id, .answered(status: header.detail))
        default: end(id, .answered(status: header.detail))
        }
        drain()
    }

    /// Gives the connection up, because the peer violated the protocol.
    private mutating func loseTo(_ violation: String, _ now: Deadline) {
        lose(Connection.Interruption.garbled(violation).description, now)
    }

    /// Sends a request again under a new number. The daemon keeps no reply to its number, although it was not
    /// acknowledged, and has seen a higher one. So the daemon refused the request when it first came, and nothing has
    /// changed.
    private mutating func beginAnew(_ id: RequestID) {
        closeNumber(id)
        if requests[id].interest == .none { return end(id, .failed(.cancelled)) }
        enqueue(id)
    }

    /// Sends the substitute of a settle whose permit the daemon does not know, as a new request. It is sent even if
    /// nobody waits for it any more, because it reports money that was spent.
    private mutating func sendSubstitute(_ id: RequestID) {
        closeNumber(id)
        becomeSubstitute(id)
        if requests[id].interest == .none { requests.change(id) { $0.interest = .kept } }
        enqueue(id)
    }
}

extension Request {
    /// Whether the request may be written to a daemon that keeps this number of replies.
    fileprivate func mayLeave(_ window: borrowing SequenceWindow, _ keptReplies: UInt32) -> Bool {
        // The daemon forgets the worker at goodbye. So no request may be left that might have to be sent again.
        if command == Goodbye.declaration.number { return window.isQuiet }
        return !isSequenced || window.hasRoom(for: sequence != 0 ? sequence : window.next, kept: keptReplies)
    }

    /// The bytes of a `RequestSequence`.
    private static let sequenceBytes = 16

    /// The bytes of the request's frame after the length field.
    var frameLength: Int { FrameHeader.bytes + (isSequenced ? Self.sequenceBytes : 0) + length }
}
