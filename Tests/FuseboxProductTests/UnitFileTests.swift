import FuseboxTestSupport
import Glibc
import Testing

/// The systemd units: the restarts that an operator relies on.
struct UnitFileTests {
    /// The settings of a unit, with continued lines joined. A key may occur several times.
    private static func settings(_ unit: String) -> [(key: String, value: String)] {
        Package.text("systemd/\(unit)").replacing("\\\n", with: " ").split(separator: "\n").compactMap { line in
            guard !line.hasPrefix("#"), let sign = line.firstIndex(of: "=") else { return nil }
            return (String(line[..<sign]), String(line[line.index(after: sign)...]))
        }
    }

    private static func values(_ key: String, _ unit: String) -> [String] {
        settings(unit).filter { $0.key == key }.map(\.value)
    }

    @Test func neitherUnitFailsForHavingBeenTriedTooOften() {
        #expect(Self.values("StartLimitIntervalSec", "fuseboxd.service") == ["0"])
        #expect(Self.values("StartLimitIntervalSec", "fuseboxd.socket") == ["0"])
    }

    @Test func theServiceIsTriedForAsLongAsItTakes() {
        #expect(Self.values("Restart", "fuseboxd.service") == ["on-failure"])
        #expect(Self.values("RestartPreventExitStatus", "fuseboxd.service") == ["64 65 77 203 216 217"])
    }

    @Test func theBackupNeedsTheSocketAndStartsNothingThatWasStopped() {
        #expect(Self.values("Requisite", "fusebox-backup.service") == ["fuseboxd.socket"])
        #expect(Self.values("After", "fusebox-backup.service") == ["fuseboxd.socket"])
        #expect(Self.values("Requires", "fusebox-backup.service") == [])
    }

    /// How a daemon ended, its age in seconds, and the wait that follows.
    @Test(arguments: [
        ("success", "0", 3, ""), ("exit-code", "64", 9_999, "10"), ("exit-code", "65", 0, "10"),
        ("exit-code", "74", 0, "2"), ("exit-code", "74", 8, "2"), ("exit-code", "74", 60, ""),
        ("signal", "KILL", 1, "2"),
        ("signal", "KILL", 60, ""), ("exit-code", "203", 0, "10"), ("exit-code", "217", 60, "10"),
        ("exit-code", "77", 60, "10"), ("watchdog", "ABRT", 60, ""),
    ])
    func whatDiesYoungIsWaitedFor(_ result: String, _ status: String, _ age: Int, _ wait: String) throws {
        let line = try #require(Self.values("ExecStopPost", "fuseboxd.service").first)
        let start = try #require(line.firstIndex(of: "'"))
        let script = line[line.index(after: start)...].dropLast()
            .replacing("$$", with: "$").replacing("%%", with: "%")
        // Programs with the same names return the time and do not wait.
        let stubs = "stat() { echo $((1000000 - \(age))); }; date() { echo 1000000; }; sleep() { echo $1; };"
        let pipe = try #require(
            popen("SERVICE_RESULT=\(result) EXIT_STATUS=\(status) /bin/sh -c '\(stubs) \(script)'", "r"))
        var bytes = [UInt8](repeating: 0, count: 100)
        let output = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, pipe)], as: UTF8.self)
        #expect(pclose(pipe) == 0)
        #expect(output == (wait.isEmpty ? "" : wait + "\n"))
    }

    @Test(.enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0))
    func systemdFindsNothingToComplainOf() throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let copy = folder.path
        let units = "fuseboxd.service fuseboxd.socket fusebox-backup.service fusebox-backup.timer"
        let command = """
            cd '\(Package.folder)/systemd' && for unit in \(units); do
              sed 's|@bindir@/fusebox[d]*|/bin/true|g; s|@sysconfdir@|/etc|g' $unit > '\(copy)'/$unit; done
            cd '\(copy)' && SYSTEMD_UNIT_PATH='\(copy)': systemd-analyze verify --man=no \(units) 2>&1 | grep -F fusebox
            """
        let pipe = try #require(popen(command, "r"))
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let output = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, pipe)], as: UTF8.self)
        pclose(pipe)
        #expect(output == "")
    }

    // PrivateUsers= would hide the uids of peers.
    @Test(arguments: ["fuseboxd.service", "fusebox-backup.service"])
    func theSandboxLeavesLittle(_ unit: String) throws {
        #expect(Self.values("PrivateUsers", unit) == [])
        guard access("/usr/bin/systemd-analyze", X_OK) == 0 else { return }
        let folder = TemporaryFolder()
        let text = String(decoding: Package.bytes("systemd/\(unit)"), as: UTF8.self)
        folder.write(unit, Array(text.replacing(/@\w+dir@/, with: "/usr/bin").utf8))
        let told = try Program.run(["/usr/bin/systemd-analyze", "security", "--offline=true", folder(unit)])
        let level = try #require(
            told.output.split(separator: ": ").last?.split(separator: " ").first.flatMap { Double($0) })
        #expect(level <= 0.5, "\(told.output)")
    }

    // Clients that connect during a restart wait in the socket's queue.
    @Test func theSocketHasTheNameThatTheDaemonLooksFor() {
        #expect(Self.values("FileDescriptorName", "fuseboxd.socket") == ["fusebox"])
        #expect(Self.values("SocketMode", "fuseboxd.socket") == ["0660"])
        #expect(Self.values("SocketGroup", "fuseboxd.socket") == ["fusebox"])
    }

    // A policy that is refused does not end the daemon (-). It fails a reload.
    @Test func thePolicyIsAppliedIfThereIsOne() throws {
        let start = try #require(Self.values("ExecStartPost", "fuseboxd.service").first)
        let reload = try #require(Self.values("ExecReload", "fuseboxd.service").first)
        #expect(start == "-" + reload)
        for (file, printed) in [("/nonexistent", ""), ("/etc/passwd", "apply -f /etc/passwd\n")] {
            let command = reload.replacing("@sysconfdir@/fusebox/policy.yaml", with: file)
                .replacing("@bindir@/fusebox", with: "/bin/echo").dropFirst("/bin/sh -c '".count).dropLast()
            let told = try Program.run(["/bin/sh", "-c", String(command)])
            #expect(told.output == printed)
            #expect(told.status == 0)
        }
    }
}
