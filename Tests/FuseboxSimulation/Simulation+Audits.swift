import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// The comparison of the recovered state with the promises.
extension Simulation {
    /// Compares the recovered state with the promises after a restart.
    func audit(_ daemon: SimulatedDaemon) {
        result.audits += 1
        let floor = hasLostPower ? durableFloor : max(durableFloor, writtenFloor)
        if daemon.recoveredSequence < floor {
            fail("sequence \(floor) was safe, and the state is at \(daemon.recoveredSequence)")
        }
        images.removeAll { $0.sequence > daemon.recoveredSequence }
        if let past = images.last(where: { $0.sequence == daemon.recoveredSequence }), past.image != daemon.image {
            fail("the recovered state at \(past.sequence) is not what it was")
        }
        for client in clients { audit(client, daemon) }
        for index in retired.indices { auditRetired(index, daemon) }
        checkConservation(daemon)
        durableFloor = daemon.recoveredSequence
        writtenFloor = daemon.recoveredSequence
        hasLostPower = false
    }

    private func audit(_ client: SimulatedClient, _ daemon: SimulatedDaemon) {
        let promised = client.books.promised(durability, afterPowerLoss: hasLostPower)
        var hello = Hello(worker: client.worker, client: "auditor")
        hello.lastSequence = 0
        var session = newAuditSession(user: UInt32(1000 + client.index % 2))
        let welcome = ask(hello, &session, daemon)
        daemon.ended(session)
        let known = welcome?.lastSequence ?? 0
        if welcome?.worker == .resumed || !mayForget, known < promised {
            return fail("client \(client.index): request \(promised) was acknowledged, and only \(known) are known")
        }
        // A worker that was forgotten learns this when it connects. Its books cannot be compared by its sequence.
        guard welcome?.worker == .resumed || !mayForget else { return }
        let account = account(client.index, client.generation, daemon)
        guard client.books.explains(account, upTo: known) else {
            return fail(
                "client \(client.index) has \(account) after \(known) requests, which its books do not explain"
            )
        }
        client.books.restarted(knowing: known, resending: Set(client.unacknowledged.map(\.number)))
        // Requests that the client may send again stay open.
        let oldest = client.unacknowledged.first?.number ?? .max
        client.books.close(upTo: min(known, oldest - 1))
    }

    /// An earlier worker of a client: all its acknowledged changes must still be there.
    private func auditRetired(_ index: Int, _ daemon: SimulatedDaemon) {
        let (client, generation, _) = retired[index]
        let sums = account(client, generation, daemon).sums
        let mayLose = durability == .snapshot || (durability == .interval && hasLostPower)
        if mayLose ? retired[index].books.shorten(toExplain: sums) : retired[index].books.explains(sums: sums) {
            return
        }
        fail("a worker of the past, \(client).\(generation), has \(sums), which its books do not explain")
    }

    /// The daemon's state for a worker's names.
    func account(_ client: Int, _ generation: Int, _ daemon: SimulatedDaemon) -> Account {
        let names = Names(client: client, generation: generation)
        var session = openAuditSession(daemon)
        defer { daemon.ended(session) }
        var account = Account()
        for provider in 0..<Account.providers {
            let question = LedgerModel(provider: Names.provider(provider), model: names.model)
            guard let usage = ask(question, &session, daemon)?.account?.usage else { continue }
            account.sums[provider] = Account.Sum(usage)
        }
        if let breaker = ask(BreakerSerialize(name: names.breaker), &session, daemon) {
            account.successes = breaker.totalSuccesses
            account.failures = breaker.totalFailures
            account.threshold = breaker.configuration.failureThreshold
        }
        let limits = ask(LimitList(scope: Scope(provider: names.own)), &session, daemon)?.entries
        account.limit = limits?.first?.limit.amount
        return account
    }

    /// A provider's sums are those of its models.
    func checkConservation(_ daemon: SimulatedDaemon) {
        var session = openAuditSession(daemon)
        defer { daemon.ended(session) }
        for provider in ask(LedgerProviders(), &session, daemon)?.accounts ?? [] {
            var total = Account.Sum()
            var cursor = Page.end
            repeat {
                let page = ask(LedgerModels(provider: provider.provider, cursor: cursor), &session, daemon)
                for model in page?.accounts ?? [] { total.add(Account.Sum(model.usage)) }
                cursor = page?.next ?? Page.end
            } while cursor != Page.end
            if total != Account.Sum(provider.usage) { fail("the models of \(provider.provider) do not add up") }
        }
    }

    private func newAuditSession(user: UInt32) -> Session {
        defer { nextSession += 1 }
        return Session(id: nextSession, peer: Peer(processID: 1, user: user, isOperator: true))
    }

    func openAuditSession(_ daemon: SimulatedDaemon) -> Session {
        var session = newAuditSession(user: 0)
        _ = ask(Hello(worker: WorkerID(high: .max, low: session.id), client: "auditor"), &session, daemon)
        return session
    }

    func ask<C: Command>(_ command: C, _ session: inout Session, _ daemon: SimulatedDaemon) -> C.Reply? {
        audited = nil
        _ = daemon.handle(SimulatedClient.frame(command, 0), &session)
        guard let audited else { return nil }
        let (header, payload) = SimulatedClient.parse(audited)
        return header.detail == 0 ? SimulatedClient.decode(C.Reply.self, payload) : nil
    }
}

extension Account.Sum {
    fileprivate init(_ usage: AccountUsage) {
        cost = usage.spend.nanodollars
        inputTokens = usage.inputTokens
        outputTokens = usage.outputTokens
    }

    fileprivate mutating func add(_ other: Account.Sum) {
        cost += other.cost
        inputTokens += other.inputTokens
        outputTokens += other.outputTokens
    }
}
