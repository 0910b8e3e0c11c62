import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// Admission decisions as text for people and as JSON for programs.
enum AdmissionText {
    /// A line for each candidate: why it was denied, and when to try again.
    static func lines(_ denied: AdmissionDenied) -> [String] { denied.reasons.map(line) }

    /// A candidate, why it was denied, and when to try again.
    static func line(_ denial: AdmissionDenied.Reason) -> String {
        let limit = denial.limits.first.map(sentence)
        return Table.printable(
            "\(denial.candidate.route): \(limit ?? sentence(denial.reason, denial.openedBy)); \(advice(denial))")
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

    private static func sentence(_ reason: DenialReason, _ openedBy: BreakerRule?) -> String {
        switch reason {
        case .exhausted: "its quota is exhausted"
        case .breakerOpen: "its breaker is open" + (openedBy.map { ": \(BreakerText.sentence($0))" } ?? "")
        case .share:
            "its breaker lets only a share of the calls through"
                + (openedBy == nil ? "" : ", because it was open and recovers")
        case .probes: "its breaker was open and recovers, and all its probe calls are in flight"
        case .limit: "one of its limits has no room"
        case .waiting: "other calls wait for what it needs"
        case .unknown(let number): "it is denied for reason \(number), which this version does not know"
        }
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
                    "limits": .array(denial.limits.map(LimitReport.json)),
                ]
            })
    }

    static func json(_ duration: Duration?) -> JSONValue { duration.map { JSONValue(milliseconds($0)) } ?? .null }

    private static func milliseconds(_ duration: Duration) -> Int64 { Int64(duration / .milliseconds(1)) }
}
