import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire
import Glibc

/// `fusebox doctor`
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Examine the daemon and its surroundings, and say what to do.",
        discussion: """
            Each line is one subject: ok, NOTE for what deserves a look or cannot be examined by this user, TODO for what must \
            be done. The socket, the permissions and the groups of this user, the units of systemd, the versions, the journal, \
            the disk, the snapshots and backups, the policy and its file, both clocks and the spool are examined. Nothing is \
            changed.

            EXIT STATUS
              0   nothing must be done
              1   something must be done
              69  no daemon answers

            EXAMPLE
              sudo fusebox doctor
            """)

    @Option(
        help: ArgumentHelp(
            "The directory of the backups. (default: /var/lib/fusebox-backup, that of the unit)", valueName: "path"),
        completion: .directory)
    var backups = "/var/lib/fusebox-backup"

    @Option(
        help: ArgumentHelp(
            "The policy's file. (default: /etc/fusebox/policy.yaml, that of the unit)", valueName: "file"),
        completion: .file())
    var policy = "/etc/fusebox/policy.yaml"

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let policyFile = PolicyFileFindings(path: policy)
        var findings = SocketFindings(path: connection.socket ?? FuseboxClient.defaultPath).all
        findings += UnitFindings.all
        let answered: Bool
        do throws(Failure) {
            let client = try connection.connect()
            defer { client.close() }
            findings += try DaemonFindings(client).all
            findings.append(policyFile.finding(comparedBy: client))
            answered = true
        } catch {
            findings.append(.todo("daemon", error.message))
            findings.append(policyFile.finding(comparedBy: nil))
            answered = false
        }
        findings += [BackupFindings(directory: backups).finding, Self.spool]
        let isWell = findings.allSatisfy { $0.standing != .todo }
        var output = Output()
        try output.write(
            line: connection.json
                ? (["isWell": .bool(isWell), "findings": .array(findings.map(\.json))] as JSONValue).text()
                : Finding.text(findings))
        try output.flush()
        guard isWell else { throw ExitCode(answered ? 1 : Failure.Status.unavailable.rawValue) }
    }

    /// The reports that workers of this user have left.
    private static var spool: Finding {
        let listing = SpoolListing(.standard)
        let pending = listing.files.reduce(0) { $0 + $1.pending }
        let undecided = listing.files.reduce(0) { $0 + $1.undecided }
        let damaged = listing.files.count { $0.damage != nil }
        guard undecided + damaged == 0 else {
            return .todo(
                "spool",
                "\(Quantity.count(undecided, "report")) and \(Quantity.count(damaged, "damaged file")) need your decision: see `fusebox spool list`"
            )
        }
        guard pending == 0 else {
            return .note(
                "spool", "\(Quantity.count(pending, "report")) will be delivered by the next client of this user")
        }
        return .ok("spool", "no report of this user waits")
    }
}
