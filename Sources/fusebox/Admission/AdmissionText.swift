import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// How decisions of admission are told to people and to programs.
enum AdmissionText {
    /// A provider, and its model if it names one: `openai/gpt-4o`.
    static func name(_ candidate: Candidate) -> String {
        candidate.provider.text + (candidate.model.map { "/\($0)" } ?? "")
    }

    /// A line for each candidate: what stands against it, and when to try again.
    static func lines(_ denied: AdmissionDenied) -> [String] { denied.reasons.map(line) }

    /// One candidate, what stands against it, and when to try again.
    static func line(_ denial: AdmissionDenied.Reason) -> String {
        Table.printable("\(name(denial.candidate)): \(sentence(denial.reason)); \(hope(denial))")
    }

    private static func sentence(_ reason: DenialReason) -> String {
        switch reason {
        case .exhausted: "its quota is exhausted"
        case .breakerOpen: "its breaker is open"
        case .share: "its breaker lets only a share of the calls through"
        case .probes: "its breaker is not closed, and all its probes are in flight"
        case .rpm: "its requests per minute are used up"
        case .rpd: "its requests per day are used up"
        case .tpm: "its tokens per minute do not hold the estimate"
        case .tpd: "its tokens per day do not hold the estimate"
        case .providerBudget: "its budget does not hold the estimate"
        case .modelBudget: "its model's budget does not hold the estimate"
        case .unknown(let number): "it is denied for the reason \(number), which this version does not know"
        }
    }

    private static func hope(_ denial: AdmissionDenied.Reason) -> String {
        guard let wait = denial.retryAfter else { return "waiting alone does not help" }
        if wait > .zero { return "try again in \(Formatting.span(milliseconds: milliseconds(wait)))" }
        return denial.reason == .share ? "the next one may be" : "try again when another call has ended"
    }

    /// What stands against candidates, for programs.
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
