import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire

/// The files in `Fixtures/`: the conformance traces with the replies of the reference library, and snapshots in its
/// format.
enum Fixtures {
    private static let folder =
        #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Fixtures"

    /// The bytes of a file; empty if it does not exist.
    static func bytes(_ name: String) -> [UInt8] { contents(of: "\(folder)/\(name)") }

    /// The lines of a file, without empty ones.
    static func lines(_ name: String) -> [[UInt8]] { bytes(name).split(separator: 0x0A).map(Array.init) }

    static func json(_ name: String) throws -> JSONValue { try JSONValue(parsing: bytes(name)) }

    /// The JSON documents in lines.
    static func documents(_ name: String) throws -> [JSONValue] { try lines(name).map { try JSONValue(parsing: $0) } }
}

/// The replies of a runner to lines. Each line must have a reply.
func replies(
    to lines: some Sequence<[UInt8]>, from runner: inout TraceRunner
) throws -> [JSONValue] {
    var replies: [JSONValue] = []
    for line in lines {
        guard let reply = try runner.reply(to: line) else { continue }
        replies.append(reply)
    }
    return replies
}
