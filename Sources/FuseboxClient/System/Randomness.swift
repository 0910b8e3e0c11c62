import FuseboxWire
import Glibc

extension WorkerID {
    /// A new worker id: 128 random bits from the kernel, so that no two processes have the same.
    static func random() -> WorkerID {
        // The standard generator reads the kernel's random bits (getrandom) and stores none, so a forked child gets
        // others.
        var generator = SystemRandomNumberGenerator()
        return WorkerID(high: generator.next(), low: generator.next())
    }
}

/// Lets another thread run first.
func yieldProcessor() { sched_yield() }
