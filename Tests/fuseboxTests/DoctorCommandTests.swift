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

    /// The file was refused or not applied, its items were changed or removed, or it names less than before.
    @Test func itComparesThePolicysFileWithTheState() throws {
        let daemon = try Daemon()
        let path = "\(daemon.folder.path)/policy.yaml"
        func finding(_ text: String? = nil) throws -> (standing: String, text: String)? {
            if let text { daemon.folder.write("policy.yaml", text.utf8) }
            return try findings(daemon, "--policy", path).bySubject["policy file"]
        }
        let limit = "version: 1\nlimits: [{scope: openai, limits: 8 in flight}]\n"
        let whole = limit + "marks: {cooldown: 7s}\n"
        #expect(try finding()?.standing == "ok")

        let fresh = try finding(whole)
        #expect(
            fresh?.standing == "todo" && fresh?.text.contains("would give 2 added: ") == true, "\(fresh?.text ?? "")")
        _ = try daemon.fusebox("apply", "-f", path)
        #expect(try finding()?.standing == "ok")

        _ = try daemon.fusebox("limit", "remove", "--provider", "openai", "--all")
        let drifted = try findings(daemon, "--policy", path).bySubject
        #expect(drifted["policy file"]?.text.contains("would give 1 set back, 1 unchanged: ") == true)
        #expect(drifted["policy"]?.text.hasPrefix("1 item changed or removed by hand") == true)
        #expect(drifted["policy"]?.standing == "todo" && drifted["policy file"]?.standing == "todo")
        _ = try daemon.fusebox("apply", "-f", path)

        let less = try finding(limit)
        #expect(less?.standing == "note" && less?.text.contains("--prune") == true)

        let wrong = try finding("version: 1\nlimits:\n  - scope: host\n    limits: [5 rmp]\n")
        #expect(wrong?.standing == "todo" && wrong?.text.contains("\(path):4:14: ") == true, "\(wrong?.text ?? "")")

        // What only the daemon refuses.
        let refused = try finding(limit + "names: {require_tags: [\"*\"]}\n")
        #expect(refused?.standing == "todo" && refused?.text.contains("it is refused") == true)

        daemon.kill()
        #expect(try finding(whole)?.standing == "note")
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
