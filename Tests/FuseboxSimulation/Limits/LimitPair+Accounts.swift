import FuseboxCore
import FuseboxWire

/// What new limits begin with, corrections, and the sums of accounts.
extension LimitPair {
    // MARK: New limits

    /// A new limit begins with what its scope has used before, as far as its account tells; so does a new template for
    /// each tag. What is told by the hour lies between two bounds. Within them the model takes over what the state machine
    /// says, where the window does not slide.
    mutating func noteSet(_ set: LimitSet, at now: Int64) {
        let before = model.instances
        let target = LimitModel.Target(set.scope)
        let new = set.limits.filter { model.find(target, $0) == nil }
        model.set(set.scope, set.limits, at: now)
        var machine = machine
        var effects: [Event] = []
        let moment = machine.lastMoment
        let entries = Self.entries(of: set.scope) { try? machine.apply($0, at: moment, effects: &effects) } ?? []
        for entry in entries {
            let target = LimitModel.Target(entry.scope)
            guard target.prefix == nil, set.limits.contains(where: { $0.isSame(as: entry.limit) }),
                !before.contains(where: { $0.key == target.key && $0.identity.isSame(as: entry.limit) })
            else { continue }
            begin(entry, target.key, at: now)
        }
        for limit in new { expectUses(of: set.scope, limit, entries) }
    }

    private mutating func begin(_ entry: LimitEntry, _ key: LimitModel.Key, at now: Int64) {
        let what = "'\(entry.limit)' on \(entry.scope)"
        let past = model.past(of: key, entry.limit)
        if model.find(key, entry.limit) == nil, past.map({ $0.upperBound == 0 }) ?? true {
            fail("\(what) counts from the start, and nothing was used")
        }
        let place = model.instance(key, entry.limit)
        guard let past else { return }
        model.countPast(place, at: now)
        guard entry.limit.window.kind != .sliding else { return }
        // What calls in force are estimated at; their requests are among those of the account.
        let counted = model.instances[place].used
        let bounds = (past.lowerBound + counted)...(past.upperBound + counted)
        if !bounds.contains(entry.used) { fail("\(what) begins with \(entry.used) used, not \(bounds)") }
        model.instances[place].used = entry.used
    }

    /// A new template has a use of each tag that is known to have used something in its window.
    private mutating func expectUses(of scope: Scope, _ limit: Limit, _ entries: [LimitEntry]) {
        let target = LimitModel.Target(scope)
        guard let prefix = target.prefix, target.key == LimitModel.Key() else { return }
        for key in model.accounts.keys where key.tag?.hasPrefix(prefix) == true {
            // A longer template may stand for the tag.
            guard
                model.standing(for: key).contains(where: {
                    model.rules[$0].prefix == prefix && model.rules[$0].limit.isSame(as: limit)
                })
            else { continue }
            guard let past = model.past(of: key, limit), past.lowerBound > 0, model.find(key, limit) == nil else {
                continue
            }
            fail("'\(limit)' on \(scope) does not count what \(key.tag ?? "") has used")
        }
    }

    // MARK: Accounts

    mutating func noteAdjust(_ adjust: LedgerAdjust, at now: Int64) {
        let key = LimitModel.Target(adjust.scope).key
        let keys = LimitModel.keys(key.provider, key.deployment, key.model, key.tag.map { [$0] } ?? [])
        model.adjust(keys, adjust.cost.nanodollars, at: now)
    }

    /// Where a listing of accounts is not what the model says; nil: nowhere.
    func accountDifference(_ list: (LedgerAccounts) -> LedgerAccounts.Reply?) -> String? {
        var missing = model.accounts
        for kind in AccountKind.allCases {
            var cursor = Page.end
            repeat {
                guard let page = list(LedgerAccounts(kind: kind, cursor: cursor)) else { return "no list of accounts" }
                for account in page.accounts {
                    let known = missing.removeValue(forKey: LimitModel.Target(account.scope).key)
                    let (told, sums) = (LimitModel.Sums(account.usage), known?.sums ?? LimitModel.Sums())
                    guard told == sums else { return "the account of \(account.scope): \(told), not \(sums)" }
                }
                cursor = page.next
            } while cursor != Page.end
        }
        return missing.first.map { "no account of \($0.key)" }
    }
}
