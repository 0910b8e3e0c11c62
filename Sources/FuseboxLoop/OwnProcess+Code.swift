internal import Glibc

/// The program's code in this process.
extension OwnProcess {
    /// Takes the pages of the program's code that were used so far out of the process. What is used again comes back
    /// from the cache of the file.
    ///
    /// Most of what a start uses is not used later: the tables of the dynamic linker, the command line, the recovery. It
    /// would stay resident as long as the process lives. Under a debugger nothing happens, because its breakpoints are
    /// in these pages.
    package static func releaseCode() {
        let isTraced = lines(of: "/proc/self/status").contains { $0.hasPrefix("TracerPid:") && $0 != "TracerPid:\t0" }
        guard !isTraced, let program else { return }
        for line in lines(of: "/proc/self/maps") {
            // Addresses, permissions, offset, device, inode, path. No page of a mapping that is never written is a copy.
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count == 6, fields[1] == "r-xp", fields[5].drop(while: { $0 == " " }) == program else {
                continue
            }
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, bounds[0] < bounds[1] else { continue }
            _ = unsafe madvise(
                UnsafeMutableRawPointer(bitPattern: bounds[0]), Int(bounds[1] - bounds[0]), MADV_DONTNEED)
        }
    }

    /// The path of the program's file. Nil if the system does not tell.
    private static var program: String? {
        let path = unsafe [CChar](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            count = max(0, unsafe readlink("/proc/self/exe", start, buffer.count))
        }
        return path.isEmpty ? nil : String(decoding: path.lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The lines of a file of the kernel. None if it cannot be read.
    private static func lines(of path: String) -> [Substring] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var text: [UInt8] = []
        while true {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
                count = max(0, unsafe read(file, buffer.baseAddress, buffer.count))
            }
            guard !piece.isEmpty else { break }
            text += piece
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }
}
