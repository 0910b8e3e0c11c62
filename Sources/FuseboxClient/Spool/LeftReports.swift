import FuseboxWire
import Glibc

/// The reports that a worker leaves when it ends.
struct LeftReports: Sendable {
    var header: SpoolHeader
    var reports: [SpoolReport]

    /// As a file holds them.
    var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 4096)
        writer.write(contentsOf: SpoolHeader.magic)
        writer.writeSpool(.header, header)
        for report in reports { writer.writeSpool(.report, report) }
        return writer.bytes
    }

    /// Writes them to the first folder of the spool that can be used. When it returns they are on the disk.
    ///
    /// - Returns: the file's path; or why there is none
    func write(to place: FuseboxClient.SpoolPlace) -> Result<String, SystemFailure> {
        var dated = self
        dated.header.at = Self.wallClock
        dated.header.processID = UInt32(bitPattern: getpid())
        let bytes = dated.bytes
        var failure = SystemFailure("spool", ENOENT)
        for path in SpoolFolder.paths(place) {
            do throws(SystemFailure) {
                let folder = try SpoolFolder.make(path)
                try folder.checkRoom(for: bytes.count)
                return .success("\(path)/\(try SpoolFile.write(bytes, to: folder))")
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
