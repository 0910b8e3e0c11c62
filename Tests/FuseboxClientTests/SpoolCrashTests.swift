import FuseboxWire
import Glibc
import Testing

@testable import FuseboxClient

/// What crashes leave in the spool, and what other processes do in it at the same time.
struct SpoolCrashTests {
    private let place = SpoolTests.Place(FakeServer())

    private func path(_ name: String) -> String { "\(place.folder)/\(name)" }

    private func bytes(of name: String) throws -> [UInt8] {
        try SpoolFile.look(at: name, in: try SpoolFolder(opening: place.folder))
    }

    private func write(_ bytes: [UInt8], to name: String, isOld: Bool = false) {
        let file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        #expect(Glibc.write(file, bytes, bytes.count) == bytes.count)
        close(file)
        guard isOld else { return }
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, path(name), &times, 0) == 0)
    }

    /// A process died after it had written the file anew, and before the new one replaced the old one.
    @Test(arguments: [true, false])
    func whatARewritingLeftIsNeverDeliveredBesideTheFile(isOld: Bool) throws {
        try place.leave(["a", "b"])
        let name = place.names[0]
        write(try bytes(of: name), to: SpoolFolder.part(of: name), isOld: isOld)
        #expect(place.deliver().delivered == 2)
        #expect(place.names.isEmpty && place.server.carriedOut == 2)
    }

    @Test func whatARewritingLeftDoesNotReplaceAFileThatAnotherProcessDelivers() throws {
        try place.leave(["a"])
        let name = place.names[0]
        write(try bytes(of: name), to: SpoolFolder.part(of: name), isOld: true)
        let folder = try SpoolFolder(opening: place.folder)
        guard let other = try SpoolFile.open(name, in: folder) else {
            Issue.record("the file cannot be locked")
            return
        }
        #expect(place.deliver().delivered == 0)
        #expect(place.names == [name])
        try other.remove(from: folder)
        #expect(place.names.isEmpty)
    }

    @Test func aRewritingTakesThePlaceOfOneThatACrashEnded() throws {
        try place.leave(["a"])
        let name = place.names[0]
        let bytes = try bytes(of: name)
        write(Array("FUSESPL".utf8), to: SpoolFolder.part(of: name))
        let folder = try SpoolFolder(opening: place.folder)
        guard let file = try SpoolFile.open(name, in: folder) else {
            Issue.record("the file cannot be locked")
            return
        }
        let rewritten = try SpoolFile.make(bytes, in: folder, replacing: file.name)
        #expect(rewritten.name == name && place.names == [name])
        #expect(try self.bytes(of: name) == bytes)
    }

    /// A process died after it had noted the last result, and before it removed the file.
    @Test func aFileWithoutAnythingToDoIsRemoved() throws {
        try place.leave(["a"])
        let name = place.names[0]
        var writer = ByteWriter()
        writer.write(contentsOf: try bytes(of: name))
        let sequence = try #require(place.listed.first?.reports.first?.sequence)
        writer.writeSpool(.result, SpoolResult(sequence, .delivered))
        write(writer.bytes, to: name)
        #expect(place.deliver().delivered == 0)
        #expect(place.names.isEmpty && place.server.carriedOut == 0)
    }

    @Test func filesThatCannotBeOpenedKeepNoOthersFromTheirDelivery() throws {
        try place.leave(["a"])
        for number in 0..<(ClientLimits.failedFiles + 2) {
            #expect(symlink("/etc/passwd", path("000000000000\(number)-3cd41c7fa6ab5d09.spool")) == 0)
        }
        let round = place.deliver()
        #expect(round.delivered == 1 && round.failure != nil)
        #expect(place.names.count == ClientLimits.failedFiles + 2)
    }

    /// A record with its checksum was written whole. One that means nothing is no torn one, even at the end.
    @Test func aWholeRecordThatMeansNothingIsDamage() throws {
        try place.leave(["a"])
        var writer = ByteWriter()
        writer.write(contentsOf: try bytes(of: place.names[0]))
        writer.writeSpool(.result, SpoolResult(99, .delivered))
        #expect(throws: SpoolContents.Damage.self) { try SpoolContents(writer.bytes) }
        #expect(throws: Never.self) { try SpoolContents(Array(writer.bytes.dropLast())) }
    }

    @Test func aReasonIsCutAtACharacter() {
        let reason = SpoolResult(1, .refused, "a" + String(repeating: "ö", count: 200)).reason
        #expect(reason == "a" + String(repeating: "ö", count: 127))
    }
}
