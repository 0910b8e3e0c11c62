import FuseboxWire
import Testing

@testable import FuseboxClient

/// The contents of a spool file, whole, torn and damaged.
struct SpoolContentsTests {
    private static func report(_ sequence: UInt64) throws -> SpoolReport {
        var writer = ByteWriter()
        BreakerSuccess(name: try Name("provider-\(sequence)")).encode(into: &writer)
        var report = SpoolReport()
        report.sequence = sequence
        report.command = BreakerSuccess.declaration.number
        report.payload = Bytes(writer.bytes)
        return report
    }

    /// The reports of a worker.
    private static func left(_ count: Int = 3) throws -> [UInt8] {
        var header = SpoolHeader()
        (header.workerHigh, header.workerLow, header.lastSequence) = (1, 2, UInt64(count))
        header.socket = "/run/socket"
        header.reports = UInt32(count)
        return LeftReports(header: header, reports: try (1...count).map { try report(UInt64($0)) }).bytes
    }

    /// The entries that deliveries append: a beginning, and then the daemon accepts the first report, wants the second
    /// again and refuses the third.
    private static func appended() -> [[UInt8]] {
        var beginning = SpoolBeginning()
        beginning.acquaintance.epoch = 42
        var pieces: [[UInt8]] = []
        var writer = ByteWriter()
        writer.writeSpool(.beginning, beginning)
        pieces.append(writer.bytes)
        for result in [
            SpoolResult(1, .delivered), SpoolResult(2, .renumbered, newSequence: 4), SpoolResult(3, .refused, "no"),
        ] {
            writer.removeAll()
            writer.writeSpool(.result, result)
            pieces.append(writer.bytes)
        }
        return pieces
    }

    /// Omitted reports have counted. Reports that are sent again may have been sent before.
    @Test func shortenedItSaysTheSame() throws {
        let bytes = try Self.left(3) + Self.appended().joined()
        let before = try SpoolContents(bytes)
        let after = try SpoolContents(before.shortened)
        #expect(after.length < before.length)
        #expect(after.reports.map(\.record.sequence) == [3, 4])
        #expect(after.pending.map(\.sequence) == before.pending.map(\.sequence))
        #expect(after.pending.allSatisfy { $0.mayHaveLeft })
        #expect(after.undecided.map(\.record.sequence) == [3] && after.undecided[0].reason == "no")
        #expect(after.lastSequence == before.lastSequence && after.acquaintance?.epoch == 42)
        #expect(after.header.worker == before.header.worker)
        // A file whose delivery has not begun has only its writer's records.
        let untouched = try SpoolContents(try SpoolContents(Self.left(4)).shortened)
        #expect(untouched.pending.map(\.mayHaveLeft) == [false, false, false, false])
    }

    @Test func moreThanOneFileTakesIsLeftInSeveral() throws {
        var header = SpoolHeader()
        (header.workerHigh, header.workerLow, header.lastSequence) = (1, 2, 10)
        header.acquaintance = SpoolAcquaintance()
        var reports = try (1...10).map { try Self.report($0) }
        for place in [0, 7] { reports[place].mayHaveLeft = true }
        let left = LeftReports(header: header, reports: reports)
        let length = left.bytes.count
        for (files, counts) in [
            (left.divided(), [10]), (left.divided(reportsPerFile: 4), [4, 4, 2]),
            (left.divided(bytesPerFile: length - 1), [9, 1]), (left.divided(bytesPerFile: length), [10]),
        ] {
            #expect(files.map(\.reports.count) == counts)
            let contents = try files.map { try SpoolContents($0.bytes) }
            #expect(Set(contents.map(\.header.worker)).count == counts.count)
            // A report that may have been sent is sent again by the same worker, with its number.
            #expect(contents[0].header.worker == WorkerID(high: 1, low: 2) && contents[0].lastSequence == 10)
            #expect(contents[0].reports.filter(\.record.mayHaveLeft).map(\.record.sequence) == [1, 8])
            for other in contents.dropFirst() {
                #expect(other.acquaintance == nil && other.reports.allSatisfy { !$0.record.mayHaveLeft })
                #expect(other.lastSequence == UInt64(other.reports.count))
            }
            let payloads = contents.flatMap { $0.reports.map(\.record.payload.contents) }
            #expect(Set(payloads) == Set(reports.map(\.payload.contents)) && payloads.count == 10)
        }
    }

    @Test func whatWasWrittenIsRead() throws {
        let bytes = try Self.left() + Self.appended().joined()
        let contents = try SpoolContents(bytes)
        #expect(contents.length == bytes.count && contents.header.worker == WorkerID(high: 1, low: 2))
        #expect(contents.hasBegun && contents.acquaintance?.epoch == 42)
        #expect(contents.pending.map(\.sequence) == [4])
        #expect(contents.undecided.map(\.record.sequence) == [3] && contents.undecided[0].reason == "no")
        #expect(contents.lastSequence == 4)
    }

    /// A writer or a deliverer may die at any byte.
    @Test func cutAtAnyByteItIsWholeTornOrDamaged() throws {
        let left = try Self.left()
        let pieces = Self.appended()
        let bytes = left + pieces.joined()
        let ends = pieces.reduce(into: [left.count]) { $0.append($0[$0.count - 1] + $1.count) }
        for length in 0...bytes.count {
            let contents = try? SpoolContents(Array(bytes[..<length]))
            // Before the rename it is nothing. After that, all complete entries count.
            #expect(contents?.length == ends.last { $0 <= length }, "cut at \(length)")
            // Bytes that the system has not filled in yet.
            let zeros = [UInt8](repeating: 0, count: bytes.count - length)
            let filled = try? SpoolContents(Array(bytes[..<length]) + zeros)
            let end = ends.last { $0 <= length || bytes[length..<$0].allSatisfy { $0 == 0 } }
            #expect(filled?.length == end, "zeros from \(length)")
        }
    }

    /// A flipped bit never gives another state, except in the last record, which may never have been written.
    @Test func aTurnedBitIsDamage() throws {
        let bytes = try Self.left() + Self.appended().joined()
        let last = bytes.count - Self.appended()[3].count
        for place in bytes.indices {
            for bit in 0..<8 {
                var turned = bytes
                turned[place] ^= 1 << bit
                let contents = try? SpoolContents(turned)
                if place < last {
                    #expect(contents == nil, "bit \(bit) of byte \(place)")
                } else {
                    #expect(contents == nil || contents?.length == last)
                }
            }
        }
    }

    @Test func otherFilesAreNone() {
        for bytes in [[], Array("hello".utf8), SpoolHeader.magic, [UInt8](repeating: 0, count: 100)] as [[UInt8]] {
            #expect((try? SpoolContents(bytes)) == nil)
        }
        for name in [
            "notes.txt", ".spool", "1795634878088-3cd41c7fa6ab5d0.spool", "1795634878088-3CD41C7FA6AB5D09.spool",
        ] {
            #expect(!SpoolFolder.isOwn(name))
        }
        #expect(SpoolFolder.isOwn("1795634878088-3cd41c7fa6ab5d09.spool"))
    }
}
