import FuseboxWire
import Glibc

extension WorkerID {
    /// 128 random bits from the kernel: no two processes have the same.
    static func random() -> WorkerID {
        // The standard generator reads the kernel's random bits (getrandom) and keeps none, so a fork repeats none.
        var generator = SystemRandomNumberGenerator()
        return WorkerID(high: generator.next(), low: generator.next())
    }
}

/// Lets another thread run first.
func yieldProcessor() { sched_yield() }
