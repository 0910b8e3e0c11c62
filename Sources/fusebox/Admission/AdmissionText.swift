import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// Admission decisions as text for people and as JSON for programs.
enum AdmissionText {
    /// The provider, with its model if there is one: `openai/gpt-4o`.
    static func name(_ candidate: Candidate) -> String {
        candidate.provider.text + (candidate.model.map { "/\($0)" } ?? "")
    }

    /// A line for each candidate: why it was denied, and when to try again.
    static func lines(_ denied: AdmissionDenied) -> [String] { denied.reasons.map(line) }

    /// A candidate, why it was denied, and when to try again.
    static func line(_ denial: AdmissionDenied.Reason) -> String {
        Table.printable("\(name(denial.candidate)): \(sentence(denial.reason)); \(advice(denial))")
    }

    private static func sentence(_ reason: DenialReason) -> String {
        switch reason {
        case .exhausted: "its quota is exhausted"
        case .breakerOpen: "its breaker is open"
        case .share: "its breaker lets only a share of the calls through"
        case .probes: "its breaker is not closed, and all its probe calls are in flight"
        case .rpm: "its requests per minute are used up"
        case .rpd: "its requests per day are used up"
        case .tpm: "the estimate exceeds what is left of its tokens per minute"
        case .tpd: "the estimate exceeds what is left of its tokens per day"
        case .providerBudget: "the estimate exceeds what is left of its budget"
        case .modelBudget: "the estimate exceeds what is left of its model's budget"
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
                    "model": denial.candidate.model.map { .string($0.text) } ?? .null,
                    "reason": .string("\(denial.reason)"), "retryAfterMilliseconds": json(denial.retryAfter),
                ]
            })
    }

    static func json(_ duration: Duration?) -> JSONValue { duration.map { JSONValue(milliseconds($0)) } ?? .null }

    private static func milliseconds(_ duration: Duration) -> Int64 { Int64(duration / .milliseconds(1)) }
}
