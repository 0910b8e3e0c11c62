import Glibc

/// The programs of the package. They are in the directory of the test program.
enum Product {
    static func path(_ name: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
        return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
    }
}

/// The source files of the package.
enum Package {
    static let folder = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    static func bytes(_ path: String) -> [UInt8] { contents(of: "\(folder)/\(path)") }
    static func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }
    /// Whether a file or a folder exists at the path.
    static func has(_ path: String) -> Bool { access("\(folder)/\(path)", F_OK) == 0 }
}

/// The bytes of a file; empty if it cannot be read.
func contents(of path: String) -> [UInt8] {
    guard let file = fopen(path, "re") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&piece, 1, piece.count, file)
        guard count > 0 else { return bytes }
        bytes += piece[..<count]
    }
}

/// The paths of a folder's entries, sorted.
func entries(of folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var paths: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { paths.append("\(folder)/\(name)") }
    }
    return paths.sorted()
}

/// Removes a folder with its contents.
func removeTree(_ path: String) {
    for entry in entries(of: path) where unlink(entry) != 0 { removeTree(entry) }
    rmdir(path)
}
