/// What has changed of the providers that calls wait for: marks, breakers, calls in flight.
///
/// The queue tells here what reads of the state show of it. It is not part of the state. A replay, which has no queue,
/// notes nothing.
struct WaitNews: Sendable {
    /// How many calls wait.
    var waiting = 0
    /// The candidates of the preview that is applied next that waiting calls come first for.
    private var passed = PassedCandidates()
    /// Whether calls wait for a name, by its index.
    private var isAwaited: [Bool] = []
    /// The names with changes.
    private(set) var changed: [NameID] = []

    /// Notes a change of a name. The queue looks at it if calls wait for it.
    @inline(__always)
    mutating func note(_ name: NameID) {
        guard name.index < isAwaited.count, isAwaited[name.index] else { return }
        changed.append(name)
    }

    /// Begins or ends to note changes of a name.
    mutating func watch(_ name: NameID, _ isAwaited: Bool) {
        if isAwaited {
            let missing = name.index + 1 - self.isAwaited.count
            if missing > 0 { self.isAwaited.append(contentsOf: repeatElement(false, count: missing)) }
        }
        if name.index < self.isAwaited.count { self.isAwaited[name.index] = isAwaited }
    }

    /// Notes the candidates of the next preview that waiting calls come first for.
    mutating func pass(_ candidates: PassedCandidates) { passed = candidates }

    /// Takes the candidates of this preview that waiting calls come first for.
    mutating func takePassed() -> PassedCandidates {
        defer { passed = PassedCandidates() }
        return passed
    }

    /// Takes the names with changes.
    mutating func take() -> [NameID] {
        guard !changed.isEmpty else { return [] }
        defer { changed.removeAll(keepingCapacity: true) }
        return changed
    }
}
