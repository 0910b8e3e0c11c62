import FuseboxClient
import FuseboxWire
import Glibc
import Synchronization

/// An admission that waits for its turn, until a signal asks this process to end.
struct TurnWait {
    /// How a wait has ended.
    enum End {
        case decided(Result<Permit, AdmissionDenied>)
        /// A signal has ended it. A permit that was granted at the same moment is given back.
        case ended(by: Int32)
    }

    /// Set by the task, and read by the waiting thread.
    private final class Outcome: Sendable {
        let result = Mutex<Result<Result<Permit, AdmissionDenied>, ClientError>?>(nil)
    }

    let client: FuseboxClient
    let signals: PassedSignals

    /// Waits with these arguments of `Admissions.admit`.
    func admit(
        _ candidates: [Candidate], tags: [String], estimate: Estimate, ttl: Duration, waiting: Duration, priority: Int
    ) throws -> End {
        let outcome = Outcome()
        let client = client
        let task = Task.detached {
            let result: Result<Result<Permit, AdmissionDenied>, ClientError>
            do throws(ClientError) {
                result = .success(
                    try await client.admission.admit(
                        candidates, tags: tags, estimate: estimate, ttl: ttl, waiting: waiting, priority: priority))
            } catch { result = .failure(error) }
            outcome.result.withLock { $0 = result }
            // The thread sleeps for a signal.
            kill(getpid(), SIGCHLD)
        }
        var ending: Int32?
        while true {
            if let result = outcome.result.withLock({ $0 }) {
                guard let ending else { return .decided(try result.get()) }
                if case .success(.success(let permit)) = result { try client.admission.settle(permit, .cancelled) }
                return .ended(by: ending)
            }
            if let arrival = signals.next(until: nil), PassedSignals.tellingToEnd.contains(arrival.number) {
                ending = ending ?? arrival.number
                task.cancel()
            }
        }
    }
}
