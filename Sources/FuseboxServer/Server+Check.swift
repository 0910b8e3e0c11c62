import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire

extension Server {
    /// Checks the data directory and the socket without changing anything.
    ///
    /// The socket comes last: beside a running daemon it is the one thing that stands in the way.
    ///
    /// - Parameter tell: takes what there is to say, a line each
    /// - Throws: what the daemon would refuse to start with, that it would start without room for its journal, or what
    ///   `tell` throws
    public static func check(
        _ configuration: ServerConfiguration, _ tell: (String) throws(ServerFailure) -> Void
    ) throws(ServerFailure) {
        try tell(try checkData(configuration))
        if try ServiceManager.inheritedListener() != nil {
            return try tell("the socket is the service manager's")
        }
        do throws(LoopError) { try Listener.check(path: configuration.socketPath) } catch {
            throw ServerFailure(error, on: configuration.socketPath)
        }
        try tell("\(configuration.socketPath): can be listened on")
    }

    private static func checkData(_ configuration: ServerConfiguration) throws(ServerFailure) -> String {
        let directory: DirectoryStorage
        do throws(DirectoryError) {
            directory = try DirectoryStorage(configuration.dataDirectory, .looking)
            try directory.checkPermissions()
        } catch {
            if case .failed(let failure) = error, failure.isNotFound {
                return "\(configuration.dataDirectory): not there yet; it will be created, and the state begins empty"
            }
            throw ServerFailure(error)
        }
        let moment = Moment(milliseconds: SystemClock.wallMilliseconds)
        let report: String
        do throws(RecoveryRefusal) {
            let found = try Recovered.find(
                in: SnapshotStore(directory), profile: configuration.profile, limits: configuration.limits,
                newEpoch: 0, at: moment)
            report = found.report(of: configuration.dataDirectory)
        } catch { throw ServerFailure(error) }
        guard configuration.durability != .snapshot else { return report }
        let shortage: String?
        do throws(StorageError) {
            shortage = try directory.shortage(forSegment: configuration.journalSegmentLength)
        } catch { throw .storage(error.description) }
        if let shortage { throw .storage("\(report); \(shortage)") }
        return report
    }
}
