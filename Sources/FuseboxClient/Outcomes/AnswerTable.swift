import FuseboxWire

/// What an answer of a provider means for its call: the outcome, how much of the route it marks, and for how long the
/// provider takes no calls.
///
/// The table is data, so that every client of Fusebox, `fusebox run` and `fusebox report` read answers by one
/// description. `proto-docs/outcomes.md` shows it, `proto-docs/answers.json` has an example for each row.
package enum AnswerTable {
    /// A rule for the outcome. It applies if all of its conditions hold, and it has at least one.
    package struct Row: Sendable {
        /// Its name in the examples.
        package let name: String
        /// The outcome of the call.
        package let outcome: Outcome
        /// How much of the call's route the outcome marks. Nil: as the outcome does by itself.
        package let markScope: MarkScope?
        /// One of these statuses is told. Empty: no condition.
        package let statuses: [ClosedRange<Int>]
        /// The error is called by one of these words, in small letters. Empty: no condition.
        package let words: [String]
        /// One of these places of the body is there. Empty: no condition.
        package let places: [String]
        /// Where the rule comes from.
        package let source: String

        init(
            _ name: String, _ outcome: Outcome, marking markScope: MarkScope? = nil,
            statuses: [ClosedRange<Int>] = [], words: [String] = [], places: [String] = [], source: String
        ) {
            self.name = name
            self.outcome = outcome
            self.markScope = markScope
            self.statuses = statuses
            self.words = words
            self.places = places
            self.source = source
        }
    }

    /// A header that tells for how long the provider takes no calls.
    package struct RetryHeader: Sendable {
        /// Its name, in small letters.
        package let name: String
        /// The unit of a number in it.
        package let unit: Unit
        /// Where it is documented.
        package let source: String
    }

    /// How the text of a header is read.
    package enum Unit: String, Sendable {
        /// A number of milliseconds.
        case milliseconds
        /// Any form of `RetryTime`.
        case time
    }

    /// Two headers about one rate limit: what remains of it, and when it is full again.
    package struct LimitHeaders: Sendable {
        /// What the limit counts.
        package let name: String
        /// The header with what remains, in small letters.
        package let remaining: String
        /// The header with the time until the reset, or its moment, in a form of `RetryTime`.
        package let reset: String
        /// Where they are documented.
        package let source: String
    }

    // MARK: Outcomes

    /// The rules, in the order in which they are tried. The first that applies counts. If none does, the call counts as
    /// `failure`.
    package static let rows = [
        Row(
            "too large", .rejected, statuses: [413...413],
            source: "RFC 9110, 15.5.14. Groq also sends `rate_limit_exceeded` with it, for a request above the limit"),
        Row(
            "quota by word", .quotaExhausted,
            words: [
                "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error",
                "quota_exceeded", "insufficient_credits", "insufficient_balance", "insufficient_user_quota",
                "credit_balance_too_low", "exceeded_current_quota_error", "servicequotaexceededexception",
            ],
            source:
                "OpenAI, Error codes (429, billing); Anthropic, Errors; Moonshot, Errors; Amazon Bedrock, Common errors"
        ),
        Row(
            "moderated", .rejected,
            words: ["content_filter", "content_policy_violation", "responsibleaipolicyviolation"],
            places: [], source: "Azure OpenAI, Content filtering; OpenAI, Error codes"),
        Row(
            "moderated by a router", .rejected, statuses: [403...403], places: ["error.metadata.flagged_input"],
            source: "OpenRouter, Errors: 403 is the prompt's fault there, not that of the key"),
        Row(
            "throttled by word", .throttled,
            words: [
                "rate_limit_exceeded", "rate_limit_error", "rate_limit_reached_error", "resource_exhausted",
                "throttling", "throttlingexception", "throttledexception", "toomanyrequestsexception",
                "requestlimitexceeded", "capacity_exceeded",
            ],
            source:
                "OpenAI, Error codes; Anthropic, Errors; Gemini, Troubleshooting; Moonshot, Errors; Groq, Flex processing; AWS SDKs, Retry behavior"
        ),
        Row(
            "unauthorized by word", .unauthorized,
            words: [
                "invalid_api_key", "authentication_error", "account_deactivated", "api_key_invalid", "unauthenticated",
                "unrecognizedclientexception", "expiredtokenexception", "invalidsignatureexception",
            ],
            source:
                "OpenAI, Error codes; Anthropic, Errors; Gemini, Troubleshooting (a wrong key is a 400 there); Amazon Bedrock, Common errors"
        ),
        Row(
            "forbidden by word", .unauthorized, marking: .route,
            words: ["permission_error", "permission_denied", "accessdeniedexception"],
            source:
                "Anthropic, Errors; Gemini, Troubleshooting; Amazon Bedrock, InvokeModel: the key may not use what was asked for"
        ),
        Row(
            "failure by word", .failure,
            words: [
                "overloaded_error", "api_error", "server_error", "timeout_error", "unavailable", "internal",
                "deadline_exceeded", "serviceunavailableexception", "internalserverexception",
                "modelnotreadyexception", "modelerrorexception", "modelstreamerrorexception", "modeltimeoutexception",
            ],
            source:
                "Anthropic, Errors (also in the events of a stream that began with 200); OpenAI, Responses, `response.failed`; Gemini, Troubleshooting; Amazon Bedrock, InvokeModel"
        ),
        Row(
            "payment", .quotaExhausted, statuses: [402...402],
            source: "RFC 9110, 15.5.3; OpenRouter, Errors; DeepSeek, Error codes; Anthropic, Errors"),
        Row("unauthorized", .unauthorized, statuses: [401...401], source: "RFC 9110, 15.5.2"),
        Row(
            "forbidden", .unauthorized, marking: .route, statuses: [403...403],
            source: "RFC 9110, 15.5.4: the key is known, and may not use what was asked for"),
        Row(
            "timed out", .failure, statuses: [408...408],
            source: "RFC 9110, 15.5.9; OpenRouter, Errors; Amazon Bedrock, InvokeModel"),
        Row(
            "conflict", .failure, statuses: [409...409],
            source: "RFC 9110, 15.5.10. The SDKs of OpenAI and Anthropic try again, as after a lock that timed out"),
        Row("too early", .failure, statuses: [425...425], source: "RFC 8470, 5.2"),
        Row(
            "too many", .throttled, statuses: [429...429],
            source: "RFC 6585, 4; OpenAI, Error codes; Anthropic, Errors; Gemini, Troubleshooting"),
        Row("at capacity", .throttled, statuses: [498...498], source: "Groq, Flex processing"),
        Row("closed by the caller", .abandoned, statuses: [499...499], source: "Groq, Errors; nginx"),
        Row("answered", .success, statuses: [100...399], source: "RFC 9110, 15.3"),
        Row("rejected", .rejected, statuses: [400...499], source: "RFC 9110, 15.5"),
        Row(
            "failed", .failure, statuses: [500...599],
            source: "RFC 9110, 15.6; Anthropic, Errors (529, overloaded); Cloudflare, 5xx errors"),
    ]

    /// Where a body has the words by which its error is called, in this order, and as numbers statuses. Names are
    /// separated by points; a list stands for each of its elements.
    package static let wordPlaces = [
        "error.code", "error.type", "error.status", "error.details.reason", "error.error.code", "error.error.type",
        "response.error.code", "code", "type", "status", "__type",
    ]
    /// The header with the word of an error, up to the first colon. (Amazon Bedrock)
    package static let wordHeader = "x-amzn-errortype"
    /// Where a body tells that it is about an error: something other than null and false stands there. An answer with a
    /// status below 400 then counts as one without a status.
    package static let errorPlaces = ["error", "response.error"]

    // MARK: Times

    /// The headers that tell a time, in the order in which they are looked at. The first that is understood counts.
    package static let retryHeaders = [
        RetryHeader(
            name: "retry-after-ms", unit: .milliseconds, source: "Azure OpenAI; the SDKs of OpenAI and Anthropic"),
        RetryHeader(name: "x-ms-retry-after-ms", unit: .milliseconds, source: "Azure, Retry guidance"),
        RetryHeader(
            name: "retry-after", unit: .time, source: "RFC 9110, 10.2.3; Anthropic, Rate limits; Groq, Rate limits"),
    ]
    /// Where a body tells the time, if no header does: `google.rpc.RetryInfo`.
    package static let retryPlaces = ["error.details.retryDelay", "details.retryDelay"]

    /// The headers about rate limits.
    ///
    /// The reset of most is the moment at which the whole limit is back, and the next call is possible long before. So
    /// a reset counts for at most `longestReset`.
    package static let limits = [
        LimitHeaders(
            name: "requests", remaining: "x-ratelimit-remaining-requests", reset: "x-ratelimit-reset-requests",
            source: "OpenAI, Rate limits; Groq, Rate limits (of a day there)"),
        LimitHeaders(
            name: "tokens", remaining: "x-ratelimit-remaining-tokens", reset: "x-ratelimit-reset-tokens",
            source: "OpenAI, Rate limits; Groq, Rate limits (of a minute there)"),
        LimitHeaders(
            name: "project tokens", remaining: "x-ratelimit-remaining-project-tokens",
            reset: "x-ratelimit-reset-project-tokens", source: "OpenAI, Rate limits"),
        LimitHeaders(
            name: "requests of a day", remaining: "x-ratelimit-remaining-requests-day",
            reset: "x-ratelimit-reset-requests-day", source: "Cerebras, Rate limits"),
        LimitHeaders(
            name: "tokens of a minute", remaining: "x-ratelimit-remaining-tokens-minute",
            reset: "x-ratelimit-reset-tokens-minute", source: "Cerebras, Rate limits"),
        LimitHeaders(
            name: "requests", remaining: "anthropic-ratelimit-requests-remaining",
            reset: "anthropic-ratelimit-requests-reset", source: "Anthropic, Rate limits"),
        LimitHeaders(
            name: "tokens", remaining: "anthropic-ratelimit-tokens-remaining",
            reset: "anthropic-ratelimit-tokens-reset", source: "Anthropic, Rate limits"),
        LimitHeaders(
            name: "input tokens", remaining: "anthropic-ratelimit-input-tokens-remaining",
            reset: "anthropic-ratelimit-input-tokens-reset", source: "Anthropic, Rate limits"),
        LimitHeaders(
            name: "output tokens", remaining: "anthropic-ratelimit-output-tokens-remaining",
            reset: "anthropic-ratelimit-output-tokens-reset", source: "Anthropic, Rate limits"),
        LimitHeaders(
            name: "requests", remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset",
            source: "OpenRouter, Limits (milliseconds since 1970); GitHub, Rate limits (seconds since 1970)"),
        LimitHeaders(
            name: "requests", remaining: "ratelimit-remaining", reset: "ratelimit-reset",
            source: "IETF, draft-ietf-httpapi-ratelimit-headers-03 (seconds)"),
    ]
    /// The outcomes with which a used-up limit counts, if the answer tells no other time. A used-up quota and a wrong
    /// key last longer than the limits of a minute.
    package static let limitedOutcomes: [Outcome] = [.success, .failure, .throttled]
    /// How long a used-up limit counts at most, in milliseconds.
    package static let longestReset = WireLimits.longestResetMilliseconds
}
