import Glibc

/// Memory whose last byte is followed by a page that may not be read: bytes put at its end cannot be read beyond
/// without a crash.
struct GuardedBuffer: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    private let capacity: Int
    private static let page = 4_096

    init(capacity: Int) {
        self.capacity = (capacity + Self.page - 1) / Self.page * Self.page
        let mapped = mmap(
            nil, self.capacity + Self.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED, mprotect(mapped + self.capacity, Self.page, PROT_NONE) == 0 else {
            fatalError("no guarded memory")
        }
        memory = mapped
    }

    deinit { munmap(memory, capacity + Self.page) }

    /// The last bytes before the page that may not be read.
    func end(_ length: Int) -> UnsafeMutableRawBufferPointer {
        precondition(length <= capacity)
        return UnsafeMutableRawBufferPointer(start: memory + capacity - length, count: length)
    }
}
