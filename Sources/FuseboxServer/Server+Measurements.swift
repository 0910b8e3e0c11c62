import FuseboxEngine
import FuseboxLoop
import Glibc

/// Measurements for `status`. They are taken once a second and not for each request, so that frequent requests cost
/// nothing.
extension Server {
    /// Measures the resident memory and the free space of the data directory's file system.
    func measure() {
        keeper.engine.census.residentBytes = OwnProcess.residentBytes() ?? 0
        keeper.engine.census.fileSystemRoom = keeper.store.files.room() ?? 0
    }

    /// The absolute path of the data directory, for operators in another working directory.
    static func absolute(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
