import FuseboxSimulation
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

@testable import FuseboxStore

/// A real directory: its owner, its path, and the files that are read.
@Suite struct DirectoryStorageTests {
    private let temporary = TemporaryFolder()
    private var folder: String { temporary.path }
    private var data: String { "\(folder)/data" }

    private func failure(_ body: () throws(StorageError) -> Void) -> StorageError? {
        do throws(StorageError) { try body() } catch { return error }
        return nil
    }

    private func put(_ bytes: [UInt8], as name: String, in files: DirectoryStorage) throws {
        let file = try files.create(name)
        let result: Result<Void, StorageError> = bytes.withUnsafeBytes { bytes in
            do throws(StorageError) { return .success(try file.write(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }

    // MARK: The lock

    /// Whatever file is deleted, the first process keeps the directory.
    @Test func twoOwnersAreOneTooManyWhateverIsDeleted() throws {
        let first = try DirectoryStorage(data, .owning)
        try put([1], as: "snapshot-00000000000000000001.fusebox", in: first)
        #expect(throws: DirectoryError.alreadyLocked(data)) { _ = try DirectoryStorage(self.data, .owning) }
        for name in try first.list() { try first.remove(name) }
        #expect(throws: DirectoryError.alreadyLocked(data)) { _ = try DirectoryStorage(self.data, .owning) }
        #expect(throws: DirectoryError.alreadyLocked("\(data)/.")) {
            _ = try DirectoryStorage("\(self.data)/.", .owning)
        }
        #expect(try DirectoryStorage(data, .looking).list() == [])
    }

    @Test func theLockGoesWithItsOwner() throws {
        for _ in 0..<3 { _ = try DirectoryStorage(data, .owning) }
    }

    // MARK: The place

    enum Loss: CaseIterable { case deleted, moved, replaced }

    private func lose(_ loss: Loss, _ path: String, remake: () -> Void) {
        switch loss {
        case .deleted: if unlink(path) != 0 { removeTree(path) }
        case .moved: rename(path, "\(folder)/elsewhere")
        case .replaced:
            rename(path, "\(folder)/elsewhere")
            remake()
        }
    }

    @Test(arguments: Loss.allCases) func aDirectoryThatIsGoneIsNoticed(_ loss: Loss) throws {
        let files = try DirectoryStorage(data, .owning)
        #expect(failure { () throws(StorageError) in try files.checkPlace() } == nil)
        lose(loss, data) { mkdir(data, 0o700) }
        #expect(failure { () throws(StorageError) in try files.checkPlace() } == .gone(data))
    }

    /// A sync that reached the disk in a directory that was moved away has failed.
    @Test(arguments: Loss.allCases, [true, false])
    func aSyncOfAJournalThatIsGoneFails(_ loss: Loss, isDirectory: Bool) throws {
        let files = try DirectoryStorage(data, .owning)
        let journal = try Journal(files, epoch: 7, segmentLength: 64 * 1024, after: 0)
        journal.add(try journal.spareTask()().get())
        try journal.rotate(next: 1, synced: 0)
        try journal.append(WrittenDirectory.batch(1))
        try journal.syncNow(marking: 1)
        let segment = "\(data)/\(WrittenDirectory.journal(1))"
        lose(loss, isDirectory ? data : segment) {
            if isDirectory { mkdir(data, 0o700) } else { close(creat(segment, 0o600)) }
        }
        try journal.append(WrittenDirectory.batch(2))
        #expect(failure { () throws(StorageError) in try journal.syncNow(marking: 2) } == .gone(segment))
        #expect(try SyncMark.all(in: files).highest(epoch: 7) == (loss == .deleted && isDirectory ? 0 : 1))
    }

    // MARK: What is read

    enum Odd: CaseIterable { case pipe, directory, link, brokenLink, socket }

    private func make(_ odd: Odd, _ name: String) {
        let path = "\(data)/\(name)"
        switch odd {
        case .pipe: mkfifo(path, 0o600)
        case .directory: mkdir(path, 0o700)
        case .link:
            close(creat("\(folder)/target", 0o600))
            symlink("\(folder)/target", path)
        case .brokenLink: symlink("\(folder)/nowhere", path)
        case .socket:
            let socket = unixSocket()
            let status = withUnixAddress(path) { bind(socket, $0, $1) }
            precondition(status == 0)
            close(socket)
        }
    }

    /// No process writes to the pipe, so a read would block for ever.
    @Test(arguments: Odd.allCases) func onlyRegularFilesAreRead(_ odd: Odd) throws {
        let files = try DirectoryStorage(data, .owning)
        let name = "snapshot-00000000000000000001.fusebox"
        make(odd, name)
        let expected = StorageError.notRegular("\(data)/\(name)")
        #expect(failure { () throws(StorageError) in _ = try files.read(name) } == expected)
        #expect(failure { () throws(StorageError) in _ = try files.read(name, at: 0, length: 256) } == expected)
        #expect(failure { () throws(StorageError) in _ = try files.length(of: name) } == expected)
        #expect(failure { () throws(StorageError) in _ = try files.openSegment(name) } == expected)
        #expect(access("\(folder)/nowhere", F_OK) != 0, "nothing was made at the end of a link")
    }

    // MARK: Whose it is

    @Test(
        arguments: [
            (0o700, true), (0o750, true), (0o755, true), (0o777, false), (0o770, false), (0o702, false),
            (0o1777, false),
        ]
            as [(mode_t, Bool)])
    func othersMayNotWriteToIt(_ mode: mode_t, isFine: Bool) throws {
        let files = try DirectoryStorage(data, .owning)
        chmod(data, mode)
        do throws(DirectoryError) {
            try files.checkPermissions()
            #expect(isFine)
        } catch {
            #expect(!isFine)
            #expect(error.description.contains("chmod 700 \(data)"))
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func itIsTheDaemonsOwn() throws {
        let files = try DirectoryStorage(data, .owning)
        chown(data, 65534, 65534)
        #expect(throws: DirectoryError.self) { try files.checkPermissions() }
    }

    // MARK: Segments

    private func blocks(_ path: String) -> Int {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
    }

    /// A copy of a segment may have holes in place of zeros. They are filled before the segment is used.
    @Test func theHolesOfACopiedSegmentAreFilledAtTheStart() throws {
        let length = 1 << 20
        let files = try DirectoryStorage(data, .owning)
        do {
            let journal = try Journal(files, epoch: 7, segmentLength: length, after: 0)
            journal.add(try journal.spareTask()().get())
            try journal.rotate(next: 1, synced: 0)
            try journal.append(WrittenDirectory.batch(1))
            try journal.syncNow(marking: 1)
        }
        let name = JournalName(firstSequence: 1)
        let path = "\(data)/\(name.file)"
        let bytes = try files.read(name.file)
        let end = JournalHeader.bytes + WrittenDirectory.batch(1).count
        try files.remove(name.file)
        try put(Array(bytes[..<end]), as: name.file, in: files)
        try #require(truncate(path, off_t(length)) == 0 && blocks(path) < length / 2)
        let journal = try Journal(files, epoch: 7, segmentLength: length, after: 1, clearing: (name, end))
        #expect(journal.isOpen)
        #expect(blocks(path) >= length)
        #expect(try files.read(name.file) == bytes)
    }
}
