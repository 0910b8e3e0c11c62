internal import CLibuv

/// The memory of this process.
public enum ProcessMemory {
    /// Gives what is free in the allocator back to the system. It may take milliseconds: not on the loop's thread.
    public static func giveBack() { malloc_trim(0) }
}
