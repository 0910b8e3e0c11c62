import Glibc

/// The committed files of `proto-docs/`.
enum ProtocolDocuments {
    static let folder = String(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/proto-docs")

    /// The bytes of a file; nil if it does not exist.
    static func read(_ name: String) -> [UInt8]? {
        guard let file = fopen("\(folder)/\(name)", "r") else { return nil }
        defer { fclose(file) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return contents }
            contents += buffer[..<count]
        }
    }

    static func text(_ name: String) -> String? { read(name).map { String(decoding: $0, as: UTF8.self) } }

    /// Whether the committed files are written instead of compared. FUSEBOX_WRITE_VECTORS=1 in the environment of
    /// `swift test` sets it. `fusebox protocol` writes the same files.
    static var isRewriting: Bool { getenv("FUSEBOX_WRITE_VECTORS") != nil }

    static func write(_ name: String, _ contents: String) {
        mkdir(folder, 0o755)
        mkdir("\(folder)/vectors", 0o755)
        guard let file = fopen("\(folder)/\(name)", "w") else { fatalError("\(folder)/\(name) cannot be written") }
        defer { fclose(file) }
        fputs(contents, file)
    }

    /// The names of the committed vector files.
    static func vectorFiles() -> [String] {
        guard let directory = opendir("\(folder)/vectors") else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
