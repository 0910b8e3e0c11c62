import FuseboxClient
import FuseboxWire
import Glibc

/// The policy's file, which each start and each reload of the service applies, and whether it is in force.
struct PolicyFileFindings {
    let path: String

    private static let subject = "policy file"

    /// Reads the file and compares it with the state.
    ///
    /// - Parameter client: nil if no daemon answers; then it is only read
    func finding(comparedBy client: FuseboxClient?) -> Finding {
        guard unsafe access(path, F_OK) == 0 || errno != ENOENT else {
            return .ok(Self.subject, "\(path) does not exist: a start applies none")
        }
        guard unsafe access(path, R_OK) == 0 else {
            return .note(Self.subject, "\(path) cannot be read by this user: run this as root")
        }
        do {
            let file = try PolicyFile.read(path)
            guard let client else {
                return .note(
                    Self.subject, "\(path) is well-formed; without a daemon nothing tells whether it is in force")
            }
            return compare(file, by: client)
        } catch let faults as PolicyFaults {
            return refused("\(faults.lines.first ?? path); `fusebox policy check \(path)` tells every error")
        } catch { return refused(Failure(of: error)?.message ?? "\(path): \(error)") }
    }

    private func refused(_ reason: String) -> Finding {
        .todo(Self.subject, "it is refused at each start and reload, and the policy in force stays: \(reason)")
    }

    private func compare(_ file: PolicyFile, by client: FuseboxClient) -> Finding {
        guard client.hello?.isOperator ?? false else {
            return .note(Self.subject, "only an operator may compare \(path) with the state")
        }
        do throws(ClientError) {
            let applied = PolicyDifference(report: try client.policy.preview(file.policy, prunes: false))
            guard applied.isEmpty else {
                return .todo(
                    Self.subject,
                    "\(path) is not in force as it stands; an apply would give \(applied.counts): see `fusebox apply -f \(path) --dry-run`, and apply it without --dry-run or by `systemctl reload fuseboxd`"
                )
            }
            let pruned = PolicyDifference(report: try client.policy.preview(file.policy, prunes: true))
            guard pruned.isEmpty else {
                return .note(
                    Self.subject,
                    "\(path) is in force, and what an earlier policy has set besides: `fusebox apply -f \(path) --prune --dry-run` tells what"
                )
            }
            return .ok(Self.subject, "\(path) is in force")
        } catch {
            if case .refused(let refusal) = error, let fault = file.fault(for: refusal) {
                return refused("\(path):\(fault.place): \(fault.message)")
            }
            return refused(Failure(error).message)
        }
    }
}
