import FuseboxTestSupport
import Glibc
import Testing

@testable import FuseboxLoop

/// What happens to a directory and to one entry of it is told; what happens to others is not.
struct DirectoryWatcherTests {
    private let loop: EventLoop
    private let folder = TemporaryFolder()

    init() throws {
        loop = try EventLoop()
        mkdir(folder("watched"), 0o700)
        write([], to: folder("watched/entry"))
    }

    /// Whether a watcher tells of this.
    private func tells(entry: String?, of change: () -> Void) throws -> Bool {
        var calls = 0
        let watcher = try DirectoryWatcher(on: loop, folder("watched"), entry: entry) { calls += 1 }
        change()
        // The loop has one more turn than the watcher needs: events are there at once.
        watcher.keepsLoopRunning = false
        loop.runAgain()
        try loop.runWithinReason()
        watcher.close()
        return calls > 0
    }

    @Test func theEndOfAnEntryIsTold() throws {
        #expect(try tells(entry: "entry") { unlink(folder("watched/entry")) })
        #expect(try tells(entry: "entry") { write([], to: folder("watched/entry")) })
        #expect(try tells(entry: "entry") { rename(folder("watched/entry"), folder("watched/away")) })
        #expect(try tells(entry: "entry") { rename(folder("watched/away"), folder("watched/entry")) })
    }

    @Test func otherEntriesAndContentsAreNotToldOf() throws {
        #expect(try !tells(entry: "entry") { write([], to: folder("watched/entry2")) })
        #expect(try !tells(entry: "entry") { write([1, 2, 3], to: folder("watched/other")) })
        #expect(try !tells(entry: nil) { unlink(folder("watched/entry")) })
    }

    @Test func theEndOfTheDirectoryIsTold() throws {
        #expect(try tells(entry: nil) { rename(folder("watched"), folder("elsewhere")) })
        mkdir(folder("watched"), 0o700)
        #expect(try tells(entry: "entry") { rmdir(folder("watched")) })
    }

    @Test func aDirectoryThatIsNotThereIsRefused() throws {
        let error = #expect(throws: LoopError.self) {
            try DirectoryWatcher(on: loop, folder("nowhere")) {}
        }
        #expect(error?.operation == .watchDirectory && error?.code == ENOENT)
    }

    @Test func aWatcherMayBeDroppedInItsOwnCallback() throws {
        var watcher: DirectoryWatcher?
        watcher = try DirectoryWatcher(on: loop, folder("watched"), entry: "entry") { watcher = nil }
        unlink(folder("watched/entry"))
        try loop.runWithinReason()
        #expect(watcher == nil)
    }
}
