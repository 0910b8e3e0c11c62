import FuseboxWire

/// Why a zone cannot be used.
package enum ZoneError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The database has no file of this name.
    case unknown(ZoneName, directory: String)
    /// There is no database.
    case noDatabase(directory: String)
    /// The file cannot be read.
    case unreadable(path: String, reason: String)
    /// The file is not a valid zone file.
    case broken(path: String, flaw: ZoneFileFlaw)

    package var description: String {
        switch self {
        case .unknown(let name, let directory): "there is no time zone '\(name)' in \(directory)"
        case .noDatabase(let directory):
            "there is no time zone database in \(directory); install the package tzdata, or set TZDIR to its folder"
        case .unreadable(let path, let reason): "the time zone file \(path) cannot be read: \(reason)"
        case .broken(let path, let flaw):
            "the time zone file \(path) is broken: \(flaw); install the package tzdata again"
        }
    }
}

/// A defect of a file of the tz database.
package enum ZoneFileFlaw: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file does not begin with the magic of the format.
    case noZoneFile
    /// The format's version is newer than this program. The version is an ASCII character.
    case newerVersion(UInt8)
    /// The file is larger than any zone file.
    case tooLarge(bytes: Int)
    /// The file ends before the data that its header announces.
    case truncated
    /// Numbers in the file contradict each other or are out of range.
    case invalid(String)
    /// The zone counts leap seconds, which the system's clock does not.
    case leapSeconds

    package var description: String {
        switch self {
        case .noZoneFile: "it is no time zone file (TZif)"
        case .newerVersion(let version):
            "its format has version '\(Character(UnicodeScalar(version)))'; 1 to 4 are known"
        case .tooLarge(let bytes): "it has more than \(bytes) bytes"
        case .truncated: "it ends too early"
        case .invalid(let what): what
        case .leapSeconds: "it counts leap seconds, which the system's clock does not"
        }
    }
}
