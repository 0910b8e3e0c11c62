import FuseboxTestSupport
import Glibc

/// The source files of the package.
enum Package {
    static let folder = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    static func bytes(_ path: String) -> [UInt8] { contents(of: "\(folder)/\(path)") }
    static func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }
    /// Whether a file or a folder exists at the path.
    static func has(_ path: String) -> Bool { access("\(folder)/\(path)", F_OK) == 0 }
}

/// The paths of a folder's entries, sorted.
func entries(of folder: String) -> [String] { fileNames(in: folder).map { "\(folder)/\($0)" } }
