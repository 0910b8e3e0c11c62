import FuseboxEngine
import FuseboxLoop
import FuseboxStore
import FuseboxWire

extension Server {
    /// Checks the data directory without changing anything; returns what there is to say of it.
    ///
    /// - Throws: what the daemon would refuse to start with, or that it would start without room for its journal
    public static func check(_ configuration: ServerConfiguration) throws(ServerFailure) -> [String] {
        let directory: DirectoryStorage
        do throws(DirectoryError) {
            directory = try DirectoryStorage(configuration.dataDirectory, .looking)
            try directory.checkPermissions()
        } catch {
            if case .failed(let failure) = error, failure.isNotFound {
                return ["\(configuration.dataDirectory): not there yet; it will be created, and the state begins empty"]
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
        guard configuration.durability != .snapshot else { return [report] }
        let shortage: String?
        do throws(StorageError) {
            shortage = try directory.shortage(forSegment: configuration.journalSegmentLength)
        } catch { throw .storage(error.description) }
        if let shortage { throw .storage("\(report); \(shortage)") }
        return [report]
    }
}
