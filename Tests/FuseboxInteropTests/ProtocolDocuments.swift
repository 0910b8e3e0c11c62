import FuseboxTestSupport
import Glibc

/// The committed files of `proto-docs/`.
enum ProtocolDocuments {
    static let folder = String(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/proto-docs")

    /// The bytes of a file; nil if it does not exist.
    static func read(_ name: String) -> [UInt8]? {
        let path = "\(folder)/\(name)"
        return access(path, R_OK) == 0 ? contents(of: path) : nil
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
    static func vectorFiles() -> [String] { fileNames(in: "\(folder)/vectors").filter { !$0.hasPrefix(".") } }
}
