import FuseboxStore
import Glibc

/// A temporary file beside a target. It gets the target's name once it is complete and durable.
///
/// It is locked while it is written. A partial file without a lock belongs to a process that died. The next process
/// that writes there removes it.
struct PartialFile: ~Copyable {
    private static let infix = ".partial-"

    private let target: String
    private let path: String
    private let file: Descriptor

    /// Creates and locks a temporary file for a target.
    init(for target: String, mode: mode_t) throws(Failure) {
        self.target = target
        path = "\(target)\(Self.infix)\(getpid())"
        while true {
            Self.removeIfAbandoned(path)
            let file = try Descriptor(open: path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            // A process that looks for abandoned files may have the lock, and is about to remove the file. This waits
            // until it has. A file system without locks is accepted. No partial file counts as abandoned there.
            while flock(file.number, LOCK_EX) != 0, errno == EINTR {}
            if Self.isAt(path, file.number) {
                self.file = file
                return
            }
        }
    }

    /// Writes the contents and renames the file to the target, which is replaced if it exists.
    ///
    /// - Parameter verify: gets the bytes that were read back, before the rename. If it throws, the target is unchanged
    consuming func complete(
        _ bytes: [UInt8], verifying verify: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        do throws(Failure) {
            do throws(StorageError) { try Descriptor.writeAll(bytes, to: file.number, path) } catch {
                throw Failure(error)
            }
            guard fsync(file.number) == 0 else { throw .system("fsync", path) }
            try verify(LocalFile.read(path))
            guard unsafe rename(path, target) == 0 else { throw .system("rename", path) }
        } catch {
            _ = unsafe unlink(path)
            throw error
        }
    }

    /// Removes the partial files of dead processes in a directory.
    ///
    /// - Parameter isOurs: whether a target's name belongs to the caller
    static func removeAbandoned(in directory: String, where isOurs: (String) -> Bool) {
        guard let names = try? LocalFile.names(in: directory) else { return }
        for name in names {
            guard let target = target(of: name), isOurs(target) else { continue }
            removeIfAbandoned("\(directory)/\(name)")
        }
    }

    /// The name of a partial file's target; nil if it is not the name of a partial file.
    private static func target(of name: String) -> String? {
        guard let process = name.lastIndex(of: "-"), name[...process].hasSuffix(infix) else { return nil }
        let digits = name[name.index(after: process)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return String(name[...process].dropLast(infix.count))
    }

    private static func removeIfAbandoned(_ path: String) {
        guard let file = try? Descriptor(open: path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return }
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            flock(file.number, LOCK_EX | LOCK_NB) == 0, isAt(path, file.number)
        else { return }
        _ = unsafe unlink(path)
    }

    private static func isAt(_ path: String, _ descriptor: Int32) -> Bool {
        var (named, open) = (stat(), stat())
        return unsafe lstat(path, &named) == 0 && fstat(descriptor, &open) == 0 && named.st_dev == open.st_dev
            && named.st_ino == open.st_ino
    }
}
