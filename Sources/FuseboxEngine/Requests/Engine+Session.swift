import FuseboxCore
import FuseboxStore
import FuseboxWire

extension Engine {
    /// Handles hello.
    mutating func open(
        _ session: inout Session, _ header: FrameHeader, _ reader: inout ByteReader, at moment: Moment
    ) throws(Refusal) -> Verdict {
        var hello = Hello()
        // The magic is checked first, so that bytes of another protocol get a better answer than "malformed".
        var peek = reader
        guard (try? peek.read(UInt32.self)) == Hello.magic else {
            throw Refusal(.badMagic, "this socket speaks the Fusebox protocol; the first bytes are not its hello")
        }
        try hello.decode(from: &reader)
        try reader.finish()
        guard let version = hello.commonVersion else {
            throw Refusal(
                .unsupportedVersion,
                "this server speaks protocol versions \(ProtocolVersion.lowest) to \(ProtocolVersion.highest), the client \(hello.lowestVersion) to \(hello.highestVersion)"
            )
        }
        let (standing, lastSequence) = try greet(hello, session)
        session.state = .open
        session.version = version
        session.worker = hello.worker
        session.client = String(hello.client.prefix(64))
        var welcome = helloReply(session)
        welcome.worker = standing
        welcome.forgottenWorkers = state.workers.evictions
        welcome.lastSequence = lastSequence
        reply(welcome, to: header)
        return .proceed
    }

    private func helloReply(_ session: borrowing Session) -> Hello.Reply {
        var reply = Hello.Reply()
        reply.version = session.version
        reply.epoch = identity.epoch
        reply.profile = machine.profile
        reply.isOperator = session.peer.isOperator
        reply.frameLimit = UInt32(WireLimits.frameLength)
        reply.keptReplies = UInt32(machine.bounds.keptReplies)
        reply.idleMilliseconds = machine.bounds.idleMilliseconds
        reply.graceMilliseconds = machine.bounds.workerGraceMilliseconds
        reply.server = identity.server
        return reply
    }

    /// Handles a command that concerns the connection, the daemon or its files.
    mutating func answerOwn(
        _ number: CommandNumber, _ header: FrameHeader, _ reader: inout ByteReader, _ session: inout Session,
        at moment: Moment
    ) throws(Refusal) -> Verdict {
        let ticket = Ticket(session: session.id, command: header.command, correlation: header.correlation)
        switch number {
        case .goodbye:
            _ = try decode(Goodbye.self, &reader)
            queue.forget(session.worker, &state.machine)
            lose(session.worker, after: 0, since: session.id)
            try? forget(session.worker, isEvicted: false)
            leave(session)
            reply(Done(), to: header)
            return .close
        case .ping:
            _ = try decode(Ping.self, &reader)
            var pong = Ping.Reply()
            pong.now = moment.now
            pong.wall = moment.wall
            reply(pong, to: header)
            return .proceed
        case .serverStatus:
            _ = try decode(ServerStatus.self, &reader)
            reply(status(at: moment), to: header)
            return .proceed
        case .subscribe:
            let command = try decode(Subscribe.self, &reader)
            let unknown = command.topics & ~Topics.all.rawValue
            guard unknown == 0 else {
                throw Refusal(
                    .outOfRange, "topics: no topic has the bits \(unknown); all of them are \(Topics.all.rawValue)")
            }
            subscribe(&session, command, header)
            return .proceed
        case .snapshotNow:
            _ = try decode(SnapshotNow.self, &reader)
            commit.snapshots.request(ticket)
            return .deferred(ticket, .awaitSnapshot)
        case .snapshotList:
            _ = try decode(SnapshotList.self, &reader)
            return .deferred(ticket, .listSnapshots)
        case .snapshotRead:
            let command = try decode(SnapshotRead.self, &reader)
            return .deferred(ticket, .readSnapshot(sequence: command.sequence, offset: command.offset))
        case .ledgerHistory:
            let command = try decode(LedgerHistory.self, &reader)
            return .deferred(ticket, try history(command))
        case .historyFiles:
            _ = try decode(HistoryFiles.self, &reader)
            return .deferred(ticket, .listHistory)
        case .historyRead:
            let command = try decode(HistoryRead.self, &reader)
            guard let month = HistoryMonth(file: command.file) else {
                throw Refusal(.notFound, "\(command.file) is no file of the history")
            }
            return .deferred(ticket, .readHistoryFile(month, offset: command.offset))
        case .importChunk:
            try upload.add(try decode(ImportChunk.self, &reader), from: session.id, limit: machine.bounds.importLength)
            reply(Done(), to: header)
            return .proceed
        case .importCommit:
            let command = try decode(ImportCommit.self, &reader)
            let parts = StateParts(rawValue: command.parts)
            guard !parts.isEmpty, StateParts.all.isSuperset(of: parts) else {
                throw Refusal(.outOfRange, "parts \(command.parts) must be a sum of 1, 2 and 4")
            }
            return .deferred(ticket, .decodeImport(try upload.finish(length: command.length, from: session.id), parts))
        case .tickets:
            reply(try answer(try decode(Tickets.self, &reader), of: session.worker), to: header)
            return .proceed
        case .withdraw:
            reply(answer(try decode(Withdraw.self, &reader), of: session.worker), to: header)
            return .proceed
        case .waitingList:
            let command = try decode(WaitingList.self, &reader)
            let peer = session.peer
            let page = queue.page(after: command.cursor, of: peer.isReader ? nil : peer.user, at: moment)
            reply(page, to: header)
            return .proceed
        case .hello:
            throw Refusal(.helloRequired, "this connection has had its hello already")
        case .breakerAcquire, .breakerSuccess, .breakerFailure, .breakerGet, .breakerList, .breakerForceOpen,
            .breakerReset, .breakerResetAll, .breakerRemove, .breakerConfigure, .breakerConfigurationGet,
            .breakerConfigureDefault,
            .breakerDefault, .breakerSerialize, .breakerDeserialize, .exhaustionMark, .exhaustionClear,
            .exhaustionGet, .exhaustionList, .exhaustionReset, .exhaustionSetDefault, .exhaustionDefault,
            .exhaustionPause, .exhaustionResume, .exhaustionPauses,
            .ledgerRecord, .ledgerReset, .ledgerAdjust, .ledgerAccount, .ledgerAccounts, .ledgerProvider, .ledgerModel,
            .ledgerProviders, .ledgerModels, .ledgerTotal,
            .ledgerBurnRate, .ledgerDepletion, .ledgerSummary, .ledgerSummaries, .overview, .forget, .admit, .settle,
            .report, .renew, .admitPreview, .permitList, .revoke, .latencyList, .advance, .evictIdleBreakers,
            .forgetWorker, .reclaimPermits, .beginPermitNumbers, .grantTurn, .drawShare, .takeClockBack, .beginWindow,
            .beginDay, .recordClock, .limitSet,
            .limitRemove, .limitRaise, .limitList, .limitGet, .limitTopUp, .policyApply, .policyPreview, .policyGet,
            .namePolicy, .namesSetStrict,
            .namesRequireTags, .aliasSet, .aliasRemove, .aliasList, .ledgerForget, .ledgerReconcile, .priceSet,
            .priceRemove, .priceList:
            preconditionFailure("the state machine answers \(number), or the engine alone gives it")
        }
    }

    private func history(_ command: LedgerHistory) throws(Refusal) -> DeferredWork {
        let days = ValueRanges.historyDays
        guard days.contains(command.since), days.contains(command.until) else {
            throw Refusal(.outOfRange, "days must lie between \(days.lowerBound) and \(days.upperBound)")
        }
        let waiting = max(state.history.records, state.machine.isClosingDays ? 1 : 0)
        return .readHistory(command, waiting: waiting, openDay: state.machine.openDay ?? 0)
    }

    private func decode<C: Command>(_: C.Type, _ reader: inout ByteReader) throws(Refusal) -> C {
        var command = C()
        do throws(Refusal) {
            try command.decode(from: &reader)
            try reader.finish()
        } catch { throw error.inside(C.declaration.name) }
        return command
    }

    private mutating func subscribe(_ session: inout Session, _ command: Subscribe, _ header: FrameHeader) {
        // Events of the present batch happened before this subscription.
        if session.topics.isEmpty { session.firstEvent = commit.outputs.events.nextNumber } else { subscribers -= 1 }
        session.topics = Topics(rawValue: command.topics)
        if !session.topics.isEmpty { subscribers += 1 }
        session.missedEvents = 0
        var subscribed = Subscribe.Reply()
        subscribed.nextNumber = commit.outputs.events.nextNumber
        reply(subscribed, to: header)
    }

    private func status(at moment: Moment) -> ServerStatus.Reply {
        var status = ServerStatus.Reply()
        status.server = identity.server
        status.processID = identity.processID
        status.epoch = identity.epoch
        status.profile = machine.profile
        status.startedAt = startedAt
        status.now = moment.now
        status.wall = moment.wall
        status.connections = census.connections
        status.connectionLimit = census.connectionLimit
        status.subscribers = subscribers
        status.requests = requests
        status.refusals = refusals
        status.breakers = UInt32(machine.breakers.count)
        status.exhausted = UInt32(machine.exhaustion.countInForce)
        status.paused = UInt32(machine.pauseCount)
        status.providers = UInt32(machine.ledger.providerCount)
        status.modelAccounts = UInt32(machine.ledger.modelAccountCount)
        status.names = UInt32(machine.names.count)
        status.nameLimit = UInt32(machine.bounds.names)
        status.permits = UInt32(machine.permits.outstandingCount)
        status.sequence = sequence
        status.snapshotSequence = commit.snapshots.newest?.sequence ?? 0
        status.snapshotAt = commit.snapshots.newest?.takenAt
        status.snapshotFailure = commit.snapshots.failure
        status.durability = commit.durability.rawValue
        status.dataDirectory = census.dataDirectory
        status.fileSystemRoom = census.fileSystemRoom
        status.residentBytes = census.residentBytes
        tellJournal(in: &status)
        status.systemWall = clock.system
        status.isClockSynchronised = clock.isSynchronised
        return status
    }
}
