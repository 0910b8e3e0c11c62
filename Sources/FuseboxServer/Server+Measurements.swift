import FuseboxEngine
import FuseboxLoop
import Glibc

/// What the system says of the daemon, for `status`: measured once a second, and not when somebody asks, so that asking
/// often costs nothing.
extension Server {
    func measure() {
        keeper.engine.census.residentBytes = OwnProcess.residentBytes() ?? 0
        keeper.engine.census.fileSystemRoom = keeper.store.files.room() ?? 0
    }

    /// The data directory as it can be found from anywhere.
    static func absolute(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
