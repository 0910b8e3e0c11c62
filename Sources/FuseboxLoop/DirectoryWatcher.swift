internal import CLibuv
internal import Glibc

/// Watches a directory, and calls back on the loop's thread when it or one entry of it is removed, renamed or
/// replaced. Dropping the watcher closes it.
///
/// It tells that something has happened, and not what: the owner looks for itself. A parent directory that is renamed is
/// not noticed.
package final class DirectoryWatcher {
    private let action: () -> Void
    private var box: HandleBox
    private var events: Descriptor?
    private let number: Int32
    /// The name of the watched entry. Nil: the directory itself is watched.
    private let entry: [UInt8]?

    /// Watches a directory.
    ///
    /// - Parameters:
    ///   - directory: its path
    ///   - entry: the name of an entry that is watched with it; nil: none
    ///   - action: called after each change, until the watcher is closed; retained by the watcher, so capture its owner
    ///     `unowned`
    /// - Throws: `watchDirectory`, with `EMFILE` if this user has as many watches as the system allows; `createHandle`
    package init(
        on loop: EventLoop, _ directory: String, entry: String? = nil, action: @escaping () -> Void
    ) throws(LoopError) {
        let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard number >= 0 else { throw LoopError.last(.watchDirectory, directory) }
        let events = Descriptor(owning: number)
        let own = UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
        let entries = UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO)
        guard unsafe inotify_add_watch(number, directory, entry == nil ? own : own | entries) >= 0 else {
            throw LoopError.last(.watchDirectory, directory)
        }
        self.action = action
        self.number = number
        self.entry = entry.map { Array($0.utf8) }
        box = try unsafe HandleBox(on: loop, uv_poll_t.self) { unsafe uv_poll_init($0, $1, number) }
        self.events = consume events
        box.setOwner(self)
        try LoopError.check(
            unsafe uv_poll_start(box.block(), Int32(UV_READABLE.rawValue), directoryChanged), .watchDirectory)
    }

    deinit { close() }

    /// The loop that the watcher was made on.
    package var loop: EventLoop { box.loop }

    /// Whether the watcher keeps `run` from returning. Initially true.
    package var keepsLoopRunning: Bool {
        get { box.keepsLoopRunning }
        set { box.keepsLoopRunning = newValue }
    }

    /// Stops watching. A second call has no effect.
    package func close() {
        // libuv stops using the descriptor at once. It must not be closed before that.
        box.close(then: nil)
        events = nil
    }

    fileprivate func fire() {
        // Other entries of the directory come and go without a turn.
        guard readEvents() else { return }
        loop.enter()
        // `turnBegins` may have closed the watcher.
        guard box.isOpen else { return }
        action()
    }

    /// Reads all events. Returns whether one of them is about the directory or the watched entry.
    private func readEvents() -> Bool {
        var isConcerned = false
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, $0.count) }
            guard count > 0 else { return isConcerned }
            var place = 0
            while place + MemoryLayout<EventHead>.size <= count {
                let event = unsafe buffer.withUnsafeBytes { bytes in
                    unsafe bytes.loadUnaligned(fromByteOffset: place, as: EventHead.self)
                }
                let start = place + MemoryLayout<EventHead>.size
                place = start + Int(event.length)
                let name = buffer[start..<min(place, count)].prefix { $0 != 0 }
                // An event without a name is about the directory, or about lost events.
                if name.isEmpty || entry.map(name.elementsEqual) ?? true { isConcerned = true }
            }
        }
    }

    /// `struct inotify_event` without the name, whose length it tells.
    private struct EventHead: BitwiseCopyable {
        var watch: Int32
        var mask: UInt32
        var cookie: UInt32
        var length: UInt32
    }
}

private func directoryChanged(_ handle: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
    unsafe owner(of: handle, as: DirectoryWatcher.self)?.fire()
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension DirectoryWatcher: Sendable {}
