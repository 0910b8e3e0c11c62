/// What has changed of the providers that calls wait for: marks, breakers, calls in flight.
///
/// It is not part of the state. A replay, which has no queue, notes nothing.
struct WaitNews: Sendable {
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

    /// Takes the names with changes.
    mutating func take() -> [NameID] {
        guard !changed.isEmpty else { return [] }
        defer { changed.removeAll(keepingCapacity: true) }
        return changed
    }
}
