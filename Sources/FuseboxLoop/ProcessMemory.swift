internal import CLibuv

/// The memory of this process.
package enum ProcessMemory {
    /// Returns free memory of the allocator to the system. It may take milliseconds, so do not call it on the loop's
    /// thread.
    package static func releaseFreeMemory() { malloc_trim(0) }
}
