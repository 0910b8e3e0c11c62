import FuseboxWire
import Glibc

/// The reports that a worker leaves in the spool when it ends.
struct LeftReports: Sendable {
    var header: SpoolHeader
    var reports: [SpoolReport]

    /// The bytes of a file with these reports.
    var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 4096)
        writer.write(contentsOf: SpoolHeader.prefix)
        writer.writeSpool(.header, header)
        for report in reports { writer.writeSpool(.report, report) }
        return writer.bytes
    }

    /// Divides the reports into files of a limited size, in the order of their delivery.
    ///
    /// Each file is delivered as a worker of its own. Reports that may have been sent stay with this worker, in the
    /// first file. The other files get new worker ids.
    func divided(
        bytesPerFile: Int = ClientLimits.spoolFileBytes, reportsPerFile: Int = ClientLimits.spoolFileReports
    ) -> [LeftReports] {
        var files = [LeftReports(header: header, reports: reports.filter(\.mayHaveLeft))]
        var bytes = files[0].bytes.count
        for report in reports where !report.mayHaveLeft {
            let length = report.spoolLength
            if files[files.count - 1].reports.count >= reportsPerFile || bytes + length > bytesPerFile {
                files.append(LeftReports(header: header, reports: []))
                bytes = files[files.count - 1].bytes.count
            }
            files[files.count - 1].reports.append(report)
            bytes += length
        }
        files[0].reports.sort { $0.sequence < $1.sequence }
        files[0].header.reports = UInt32(files[0].reports.count)
        for place in files.indices.dropFirst() { files[place].becomeNew() }
        return files
    }

    /// Gives the reports a new worker id, which no daemon knows, and new numbers from 1 on.
    mutating func becomeNew() {
        let worker = WorkerID.random()
        for place in reports.indices {
            reports[place].sequence = UInt64(place + 1)
            reports[place].mayHaveLeft = false
        }
        header.workerHigh = worker.high
        header.workerLow = worker.low
        header.acquaintance = nil
        header.lastSequence = UInt64(reports.count)
        header.reports = UInt32(reports.count)
    }

    /// Writes the reports to the first folder of the spool that can be used. They are on disk when this returns.
    ///
    /// - Parameter rank: the file's place among those that are written together; 0 is delivered first
    /// - Returns: the file's path, or why no file was written
    func write(to place: FuseboxClient.SpoolPlace, rank: Int = 0) -> Result<String, SystemFailure> {
        var dated = self
        dated.header.at = Self.wallClock
        dated.header.processID = UInt32(bitPattern: getpid())
        let bytes = dated.bytes
        var failure = SystemFailure("spool", ENOENT)
        for path in SpoolFolder.paths(place) {
            do throws(SystemFailure) {
                let folder = try SpoolFolder.make(path)
                try folder.checkRoom(for: bytes.count)
                let file = try SpoolFile.make(bytes, in: folder, rank: rank)
                return .success("\(path)/\(file.name)")
            } catch { failure = error }
        }
        return .failure(failure)
    }

    private static var wallClock: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

extension SpoolReport {
    /// The number of bytes of the report's record in a file.
    fileprivate var spoolLength: Int {
        var writer = ByteWriter()
        writer.writeSpool(.report, self)
        return writer.count
    }
}
