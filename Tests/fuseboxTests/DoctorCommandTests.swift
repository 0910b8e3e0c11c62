import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

@testable import fusebox

/// `doctor` and `health`: what they find, and the status that they end with.
struct DoctorCommandTests {
    /// The findings by their subjects.
    private func findings(
        _ daemon: Daemon, _ arguments: String...
    ) throws -> (status: Int32, bySubject: [String: (standing: String, text: String)]) {
        let outcome = try Program.run(
            [Program.fusebox, "doctor", "--json", "--socket", daemon.socket] + arguments,
            environment: daemon.environment)
        var found: [String: (standing: String, text: String)] = [:]
        for finding in try outcome.json["findings"]?.list ?? [] {
            let subject = try #require(finding["subject"]?.text)
            found[subject] = (finding["standing"]?.text ?? "", finding["text"]?.text ?? "")
        }
        return (outcome.status, found)
    }

    @Test func aDaemonThatIsWellLeavesNothingToDo() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "1")
        let (_, found) = try findings(daemon)
        for subject in ["socket", "access", "daemon", "version", "role", "journal", "sync", "disk", "room", "spool"] {
            #expect(found[subject]?.standing == "ok", "\(subject): \(found[subject]?.text ?? "is missing")")
        }
        #expect(found["socket"]?.text.hasPrefix("\(daemon.socket), mode 0660") == true)
        #expect(found["sync"]?.text.hasPrefix("the last sync took ") == true)
        let lines = try daemon.fusebox("doctor").lines
        #expect(lines.contains { $0.wholeMatch(of: /ok +journal +it takes every change; durability commit/) != nil })
        #expect(lines.allSatisfy { $0.count <= 80 || !$0.contains(" ") })
    }

    @Test func withoutADaemonItSaysWhatToStart() throws {
        let daemon = try Daemon()
        daemon.kill()
        unlink(daemon.socket)
        let (status, found) = try findings(daemon)
        #expect(status == 69)
        #expect(found["socket"]?.standing == "todo")
        #expect(found["socket"]?.text.contains("does not exist: start the socket") == true)
        #expect(found["daemon"]?.standing == "todo" && found["journal"] == nil)
    }

    @Test func itTellsOfBackupsAndTheirAge() throws {
        let daemon = try Daemon()
        let folder = "\(daemon.folder.path)/backups"
        #expect(try findings(daemon, "--backups", folder).bySubject["backup"]?.standing == "note")
        mkdir(folder, 0o700)
        let (status, none) = try findings(daemon, "--backups", folder)
        #expect(status == 1 && none["backup"]?.standing == "todo")
        let backup = try daemon.json("backup", folder)
        let file = try #require(backup["file"]?.text)
        #expect(try findings(daemon, "--backups", folder).bySubject["backup"]?.standing == "ok")
        // Two days and an hour ago.
        let moment = timeval(tv_sec: time(nil) - 49 * 3_600, tv_usec: 0)
        #expect(utimes(file, [moment, moment]) == 0)
        let old = try findings(daemon, "--backups", folder).bySubject["backup"]
        #expect(old?.standing == "todo" && old?.text.contains("2d 1h old") == true)
    }

    @Test(.enabled(if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0))
    func aUserWithoutTheGroupIsToldToJoinIt() throws {
        let daemon = try Daemon()
        chmod(daemon.folder.path, 0o755)
        let outcome = try Program.run(
            [
                "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Program.fusebox, "doctor",
                "--socket", daemon.socket,
            ], environment: ["FUSEBOX_SPOOL": "/dev/null/spool"])
        #expect(outcome.status == 69)
        #expect(outcome.output.replacing(/\s+/, with: " ").contains("run `sudo usermod -aG root nobody`"))
        #expect(outcome.output.contains("no permission to connect"))
    }

    @Test func healthIsAnExitStatus() throws {
        let daemon = try Daemon()
        let well = try daemon.fusebox("health")
        #expect(well.status == 0 && well.lines == ["it serves"])
        #expect(try daemon.fusebox("health", "--live").lines == ["it answers"])
        #expect(try daemon.json("health")["state"] == "serving")
        daemon.stop()
        #expect(try daemon.fusebox("health", "--live", "--timeout", "200ms").status == 69)
    }

    @Test func aTimeoutBoundsTheWait() throws {
        let daemon = try Daemon()
        // It accepts, and never answers.
        let mute = try listeningSocket(at: "\(daemon.folder.path)/mute")
        defer { close(mute) }
        let watch = Stopwatch()
        let outcome = try Program.run(
            [Program.fusebox, "status", "--timeout", "100ms", "--socket", "\(daemon.folder.path)/mute"],
            environment: daemon.environment)
        #expect(outcome.status == 69)
        #expect(watch.milliseconds < 4_000, "the usual wait is five seconds")
        let wrong = try daemon.fusebox("status", "--timeout", "soon")
        #expect(wrong.status == 64 && wrong.errors.contains("from 1ms to 1h"))
    }
}
