import Glibc
import Synchronization

/// Separates a forked child from its parent.
///
/// A child must not use its parent's connection to the daemon. When a process forks, the child does two things first:
///
/// - It closes its copies of all descriptors of this module. The parent's connection stays open, and ends with the
///   parent even if the child lives on.
/// - It raises the generation. At its next call every client sees by this that its state belonged to the parent. That
///   state is never touched or freed, because a thread of the parent, which does not exist in the child, may have held
///   its locks.
///
/// The handler runs in the child before all other code after the fork. It uses only atomics and `close`.
enum ForkGuard {
    private static let generations = Atomic<UInt64>(1)
    private static let list = List()

    /// How often this process and its ancestors have forked since they began to use this module.
    static var generation: UInt64 { generations.load(ordering: .relaxed) }

    /// A place for one descriptor in the list of those to close. Places are reused and never freed.
    @safe struct Entry: ~Copyable {
        let descriptor: Atomic<Int32>
        fileprivate let next: UnsafeMutablePointer<Entry>?
    }

    /// The beginning of the list of places.
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

    /// A descriptor's place on the list. It owns the descriptor and closes it when it is released.
    @safe struct Place: ~Copyable, @unchecked Sendable {
        // Entries are never freed, so the pointer is always valid.
        private let entry: UnsafeMutablePointer<Entry>
        let descriptor: Int32
        /// The generation that the descriptor belongs to. In a later one the descriptor is closed, and its number may
        /// be in use for another file.
        let generation: UInt64

        fileprivate init(entry: UnsafeMutablePointer<Entry>, descriptor: Int32, generation: UInt64) {
            unsafe self.entry = entry
            self.descriptor = descriptor
            self.generation = generation
        }

        deinit {
            guard generation == ForkGuard.generation else { return }
            // The descriptor is taken off the list before it is closed. Otherwise a fork in between could close a
            // number that is already in use for another file.
            unsafe entry.pointee.descriptor.store(-1, ordering: .releasing)
            close(descriptor)
        }
    }
}
