import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire

extension Server {
    /// Checks the data directory and the socket. Changes nothing.
    ///
    /// The socket is checked last, because that check fails while a daemon runs.
    ///
    /// - Parameter tell: gets the results, one line each
    /// - Throws: the failure that a start would end with; `storage` if there is no room for the journal's next segment;
    ///   an error of `tell`
    package static func check(
        _ configuration: ServerConfiguration, _ tell: (String) throws(ServerFailure) -> Void
    ) throws(ServerFailure) {
        try tell(try checkData(configuration))
        if try ServiceManager.inheritedListener() != nil {
            return try tell("the socket comes from the service manager")
        }
        do throws(LoopError) { try Listener.check(path: configuration.socketPath) } catch {
            throw ServerFailure(error, on: configuration.socketPath)
        }
        try tell("\(configuration.socketPath): the daemon can listen here")
    }

    private static func checkData(_ configuration: ServerConfiguration) throws(ServerFailure) -> String {
        let directory: DirectoryStorage
        do throws(DirectoryError) {
            directory = try DirectoryStorage(configuration.dataDirectory, .looking)
            try directory.checkPermissions()
        } catch {
            if case .failed(let failure) = error, failure.isNotFound {
                return "\(configuration.dataDirectory): does not exist; a start creates it with an empty state"
            }
            throw ServerFailure(error)
        }
        let moment = Moment(milliseconds: SystemClock.wallMilliseconds)
        let report: String
        do throws(RecoveryRefusal) {
            let found = try Recovered.find(
                in: SnapshotStore(directory), profile: configuration.profile, bounds: configuration.bounds,
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
