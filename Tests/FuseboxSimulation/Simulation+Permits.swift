import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// Permits: the clients' use of them, and their invariants.
extension Simulation {
    /// Settles after the end of their permits, by client.
    struct LateSettle: Hashable {
        var client: Int
        var generation: Int
        var number: UInt32
    }

    func admissionDeed(_ client: SimulatedClient) -> Deed {
        // No client uses the provider before its limits are final.
        let isLimited = durability == .commit && clients.contains(where: \.knowsLimits)
        let provider = isLimited ? random.pick([0, 1, Account.limited, Account.limited]) : random.below(2)
        if random.once(in: limitAudit == nil ? 40 : 15) { return limitDeed() }
        if random.once(in: 3) { return waitingDeed() }
        switch random.below(12) {
        case 0..<5:
            return .admit(admission(of: provider))
        case 5..<10 where !client.permits.isEmpty:
            let permit = client.takePermit(random.below(client.permits.count))
            let cost = Int64(random.below(Int(permit.cost) + 1))
            return .settle(
                permit: permit.number, provider: permit.provider,
                cost: options.bug == .underestimates ? permit.cost * 3 : cost, tokens: permit.tokens,
                isCancelled: random.once(in: 5))
        case 10 where !client.permits.isEmpty:
            return .renew(permit: client.permits[random.below(client.permits.count)].number)
        case 11: return .report(provider: random.below(3), cost: Int64(random.below(9_000)), tokens: 7)
        default: return isLimited ? .clear : .limit(costLimit)
        }
    }

    /// Records what a client is told.
    func noteAdmission(_ line: Line, _ header: FrameHeader, _ payload: ArraySlice<UInt8>) {
        guard header.command == Settle.declaration.number,
            let reply = SimulatedClient.decode(Settle.Reply.self, payload), reply.standing != .inForce
        else { return }
        let late = LateSettle(client: line.client, generation: line.generation, number: header.correlation)
        guard lateSettles.insert(late).inserted else { return }
        result.lateSettles += 1
    }

    // MARK: Invariants

    func permitTotals(_ daemon: SimulatedDaemon) -> PermitTotals {
        var session = openAuditSession(daemon)
        defer { daemon.ended(session) }
        return ask(PermitList(), &session, daemon)?.totals ?? PermitTotals()
    }

    /// Every granted permit is settled, expired, reclaimed or in force. What is held is the sum of the permits in
    /// force. What is used and held of a limit does not exceed it.
    func checkPermits(_ daemon: SimulatedDaemon) {
        var session = openAuditSession(daemon)
        defer { daemon.ended(session) }
        var held: [Name: Int64] = [:]
        var count: UInt64 = 0
        var totals = PermitTotals()
        var cursor: UInt64 = 0
        repeat {
            guard let page = ask(PermitList(cursor: cursor), &session, daemon) else {
                return fail("no list of permits")
            }
            for permit in page.permits { held[permit.provider, default: 0] += permit.estimate.cost?.nanodollars ?? 0 }
            count += UInt64(page.permits.count)
            totals = page.totals
            cursor = page.next
        } while cursor != 0
        let sum = totals.settled + totals.expired + totals.reclaimed + totals.outstanding
        if totals.granted != sum { fail("\(totals.granted) permits were granted, and \(sum) are accounted for") }
        if totals.outstanding != count { fail("\(count) permits are listed, and \(totals.outstanding) are in force") }
        if totals.held.nanodollars != held.values.reduce(0, +) { fail("what is held is not the sum of the permits") }
        for provider in ask(LedgerProviders(), &session, daemon)?.accounts ?? []
        where provider.held.nanodollars != held[provider.provider, default: 0] {
            fail("\(provider.held) are held of \(provider.provider), and its permits say otherwise")
        }
        checkLimits(daemon, &session)
    }

    private func checkLimits(_ daemon: SimulatedDaemon, _ session: inout Session) {
        let scope = Scope(provider: Names.provider(Account.limited))
        for entry in ask(LimitList(scope: scope), &session, daemon)?.entries ?? [] where durability == .commit {
            if entry.used + entry.held > entry.amount {
                fail("\(entry.used) used and \(entry.held) held are more than the limit of '\(entry.limit)'")
            }
        }
    }
}
