import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// Admission decisions as text for people and as JSON for programs.
enum AdmissionText {
    /// A line for each candidate: why it was denied, and when to try again; then one if the queue is full.
    static func lines(_ denied: AdmissionDenied) -> [String] {
        denied.reasons.map(line) + (denied.fullQueue.map { [sentence($0)] } ?? [])
    }

    private static func sentence(_ queue: FullQueue) -> String {
        switch queue {
        case .user:
            "the call does not wait: the queue is full for this user (fusebox permits --waiting shows how many may wait)"
        case .everybody:
            "the call does not wait: the queue is full for all users (fusebox permits --waiting shows how many may wait)"
        case .unknown(let number):
            "the call does not wait: the queue is full in the way \(number), which this version does not know"
        }
    }

    /// A candidate, why it was denied, and when to try again.
    static func line(_ denial: AdmissionDenied.Reason) -> String {
        let limit = denial.limits.first.map(sentence)
        return Table.printable(
            "\(denial.candidate.route): \(limit ?? sentence(denial)); \(advice(denial))")
    }

    /// A limit that stands against a call.
    private static func sentence(_ objection: LimitObjection) -> String {
        let dimension = objection.limit.dimension
        func text(_ amount: Int64) -> String {
            dimension == .cost ? Formatting.dollars(Money(nanodollars: amount)) : dimension.text(of: amount)
        }
        let raise = LimitReport.raise(objection.limit, to: objection.amount)
        let held = objection.held > 0 ? ", \(text(objection.held)) held" : ""
        let standing =
            dimension == .inFlight
            ? "\(text(objection.held)) in flight"
            : "\(text(objection.used)) used\(held), \(text(objection.left)) left"
        return
            "the limit of \(objection.limit) on \(objection.scope)\(raise) has no room: \(standing), \(text(objection.needed)) needed"
    }

    /// What an admitted call holds, and why; empty if the caller told it, or if it is nothing.
    static func held(_ preview: AdmissionPreview) -> String {
        guard let cost = preview.heldCost else { return "" }
        let basis =
            switch preview.costBasis {
            case .priced: "by the price of its tokens"
            case .percentile: "no more than 95 % of the last calls of its route have cost"
            case .dearest: "the most that a call of its route has cost"
            case .nothing, .told, .unknown: ""
            }
        return basis.isEmpty ? "" : "; \(Formatting.dollars(cost)) held: \(basis)"
    }

    private static func sentence(_ denial: AdmissionDenied.Reason) -> String {
        let rule = denial.openedBy.map { ": \(BreakerText.sentence($0))\(recoveries(denial))" } ?? ""
        switch denial.reason {
        case .exhausted: return "it is marked as exhausted"
        case .breakerOpen: return "its breaker is open\(rule)"
        case .share:
            return "its breaker lets only a share of the calls through"
                + (denial.openedBy == nil ? "" : ", because it was open and recovers\(rule)")
        case .probes: return "its breaker was open and recovers, and all its probe calls are in flight\(rule)"
        case .paused: return "an operator has paused it"
        case .limit: return "one of its limits has no room"
        case .waiting: return "other calls wait for what it needs"
        case .unknown(let number): return "it is denied for reason \(number), which this version does not know"
        }
    }

    /// How many recoveries of the breaker have failed, and how long a step of the next one takes; empty if none has.
    private static func recoveries(_ denial: AdmissionDenied.Reason) -> String {
        guard denial.failedRecoveries > 0 else { return "" }
        let count = Quantity.count(UInt64(denial.failedRecoveries), "recovery", plural: "recoveries")
        let timeout = denial.resetTimeout.map { ", reset timeout \(Quantity.text(milliseconds: milliseconds($0)))" }
        return " (\(count) failed since\(timeout ?? ""))"
    }

    private static func advice(_ denial: AdmissionDenied.Reason) -> String {
        guard let wait = denial.retryAfter else { return "waiting alone does not help" }
        if wait > .zero { return "try again in \(Formatting.span(milliseconds: milliseconds(wait)))" }
        return denial.reason == .share ? "the next call may be admitted" : "try again when another call has ended"
    }

    /// The reasons of a denial, for programs.
    static func json(_ reasons: [AdmissionDenied.Reason]) -> JSONValue {
        .array(
            reasons.map { denial in
                [
                    "provider": .string(denial.candidate.provider.text),
                    "deployment": denial.candidate.deployment.map { .string($0.text) } ?? .null,
                    "model": denial.candidate.model.map { .string($0.text) } ?? .null,
                    "reason": .string("\(denial.reason)"), "retryAfterMilliseconds": json(denial.retryAfter),
                    "openedBy": denial.openedBy.map { .string("\($0)") } ?? .null,
                    "failedRecoveries": JSONValue(denial.failedRecoveries),
                    "resetTimeoutMilliseconds": json(denial.resetTimeout),
                    "limits": .array(denial.limits.map(LimitReport.json)),
                ]
            })
    }

    static func json(_ duration: Duration?) -> JSONValue { duration.map { JSONValue(milliseconds($0)) } ?? .null }

    private static func milliseconds(_ duration: Duration) -> Int64 { Int64(duration / .milliseconds(1)) }
}
