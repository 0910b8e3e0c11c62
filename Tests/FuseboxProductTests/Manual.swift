import FuseboxTestSupport
import Testing

/// The manual pages and completions of the programs under test. `make manual` makes them beside the programs, unless they
/// are newer than these.
enum Manual {
    private static let made = Result {
        try Program.run([
            "/usr/bin/make", "-s", "-C", Package.folder, "manual", "PROGRAMS=\(Program.folder)",
            "MANUAL=\(Program.folder)/manual",
        ])
    }

    /// The folder with them.
    static func folder() throws -> String {
        let run = try made.get()
        try #require(run.status == 0, "\(run.errors)")
        return "\(Program.folder)/manual"
    }
}
