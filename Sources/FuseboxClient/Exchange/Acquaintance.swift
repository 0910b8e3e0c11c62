import FuseboxWire

/// How the daemon knows a worker, as it has told it last: what decides whether what was sent and not answered is sent again.
///
/// A daemon that knows the worker counts each number once. One that does not know it has forgotten it, or has never carried
/// anything out for it. The latter is certain if it did not know the worker at the hello before, has carried nothing out
/// since as far as was told, and has had to forget no worker in between (`forgottenWorkers`, in the same epoch): then nothing that
/// was sent has counted, and it may be sent again. That holds after a crash too: the number of forgotten workers and the workers
/// are one state, so one that has lost a request has lost its effect.
struct Acquaintance: Equatable {
    /// The life of the state.
    var epoch: UInt64
    /// Workers that the daemon had to forget in this life.
    var forgottenWorkers: UInt64
    /// Whether it knew this worker, or has carried something out for it since.
    var isKnown: Bool
    /// How long a worker may be away before what it holds is taken back; 0: not told.
    var graceMilliseconds: Int64

    init(_ hello: Hello.Reply) {
        epoch = hello.epoch
        forgottenWorkers = hello.forgottenWorkers
        isKnown = hello.worker == .resumed
        graceMilliseconds = hello.graceMilliseconds
    }

    /// Whether what was sent and not answered may be sent again, with its numbers, to a daemon that says this.
    func allowsResending(to hello: Hello.Reply) -> Bool {
        guard hello.epoch == epoch else { return false }
        return hello.worker == .resumed || !isKnown && hello.forgottenWorkers == forgottenWorkers
    }
}
