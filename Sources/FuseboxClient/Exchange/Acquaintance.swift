import FuseboxWire

/// What the daemon last told of how it knows this worker. It decides whether unanswered requests may be sent again.
///
/// A daemon that knows the worker counts each number once, so resending is safe. A daemon that does not know it has
/// either forgotten it or never carried anything out for it. The second is certain if all of these hold:
///
/// - The daemon did not know the worker at the previous hello.
/// - No reply since then said that it had carried anything out.
/// - It has forgotten no worker in between (`forgottenWorkers` is unchanged, in the same epoch).
///
/// Then nothing that was sent has counted, and it may be sent again. This also holds after a crash of the daemon: the
/// workers and the number of forgotten workers are one state, so a daemon that has lost a request has also lost its
/// effect.
struct Acquaintance: Equatable {
    /// The epoch of the daemon's state. A restart keeps it, a restored state has another.
    var epoch: UInt64
    /// The number of workers that the daemon had to forget in this epoch.
    var forgottenWorkers: UInt64
    /// Whether the daemon knew this worker, or has carried something out for it since.
    var isKnown: Bool
    /// How long a worker may be away before its permits are taken back. 0: not told.
    var graceMilliseconds: Int64

    init(_ hello: Hello.Reply) {
        epoch = hello.epoch
        forgottenWorkers = hello.forgottenWorkers
        isKnown = hello.worker == .resumed
        graceMilliseconds = hello.graceMilliseconds
    }

    /// Whether unanswered requests may be sent again, with their numbers, to a daemon that answered hello like this.
    func allowsResending(to hello: Hello.Reply) -> Bool {
        guard hello.epoch == epoch else { return false }
        return hello.worker == .resumed || !isKnown && hello.forgottenWorkers == forgottenWorkers
    }
}
