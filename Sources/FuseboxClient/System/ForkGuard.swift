import Glibc
import Synchronization

/// What happens to this module when the process forks.
///
/// A child shares nothing with its parent's daemon connection: neither may answer for the other. In the child, first
/// of all, every descriptor of this module is closed (only its copy: the parent's connection stays open, and ends
/// with the parent even if the child lives on), and the generation is raised, by which every client sees at its next
/// call that its state was the parent's. That state is left alone, locks and all, because a thread that does not
/// exist here may have held them; it is never freed.
///
/// The handler runs between fork and everything else in the child, so it only uses atomics and `close`.
enum ForkGuard {
    private static let generations = Atomic<UInt64>(1)
    private static let list = List()

    /// How often this process and its ancestors have forked since they began to use this module.
    static var generation: UInt64 { generations.load(ordering: .relaxed) }

    /// A place for one descriptor in the list of those to close. Places are used again and never freed.
    @safe struct Entry: ~Copyable {
        let descriptor: Atomic<Int32>
        fileprivate let next: UnsafeMutablePointer<Entry>?
    }

    /// Where the list of places begins.
    @safe private struct List: ~Copyable, @unchecked Sendable {
        let first = unsafe Atomic<UnsafeMutablePointer<Entry>?>(nil)
    }

    private static let isInstalled: Bool =
        pthread_atfork(
            nil, nil,
            {
                generations.add(1, ordering: .relaxed)
                var place = unsafe list.first.load(ordering: .acquiring)
                while let entry = unsafe place {
                    let descriptor = unsafe entry.pointee.descriptor.exchange(-1, ordering: .relaxed)
                    if descriptor >= 0 { close(descriptor) }
                    unsafe place = unsafe entry.pointee.next
                }
            }) == 0

    /// Puts a descriptor on the list of those that a forked child closes.
    static func enter(_ descriptor: Int32) -> Place {
        precondition(isInstalled, "pthread_atfork fails only without memory")
        var place = unsafe list.first.load(ordering: .acquiring)
        while let entry = unsafe place {
            let claimed = unsafe entry.pointee.descriptor.compareExchange(
                expected: -1, desired: descriptor, ordering: .relaxed)
            if claimed.exchanged { return unsafe Place(entry: entry, descriptor: descriptor, generation: generation) }
            unsafe place = unsafe entry.pointee.next
        }
        return add(descriptor)
    }

    private static func add(_ descriptor: Int32) -> Place {
        let entry = UnsafeMutablePointer<Entry>.allocate(capacity: 1)
        var next = unsafe list.first.load(ordering: .acquiring)
        while true {
            unsafe entry.initialize(to: Entry(descriptor: Atomic(descriptor), next: next))
            let (exchanged, original) = unsafe list.first.compareExchange(
                expected: next, desired: entry, ordering: .acquiringAndReleasing)
            if exchanged { return unsafe Place(entry: entry, descriptor: descriptor, generation: generation) }
            unsafe next = unsafe original
        }
    }

    /// A descriptor's place on the list. It owns the descriptor: when it goes, the descriptor is closed.
    @safe struct Place: ~Copyable, @unchecked Sendable {
        // Entries are never freed, so the pointer is always valid.
        private let entry: UnsafeMutablePointer<Entry>
        let descriptor: Int32
        /// The generation whose descriptor it is: in a later one it has been closed, and its number may be another's.
        let generation: UInt64

        fileprivate init(entry: UnsafeMutablePointer<Entry>, descriptor: Int32, generation: UInt64) {
            unsafe self.entry = entry
            self.descriptor = descriptor
            self.generation = generation
        }

        deinit {
            guard generation == ForkGuard.generation else { return }
            // Off the list first: a fork in between must not close a number that has become somebody else's.
            unsafe entry.pointee.descriptor.store(-1, ordering: .releasing)
            close(descriptor)
        }
    }
}
