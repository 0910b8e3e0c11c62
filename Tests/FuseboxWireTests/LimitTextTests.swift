import FuseboxWire
import Testing

/// Limits and routes as people write them.
@Suite struct LimitTextTests {
    static let dollar: Int64 = 1_000_000_000

    static let berlin = try? Name("Europe/Berlin")

    static let understood: [(text: String, limit: Limit)] = [
        ("$50 per month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("50 USD/month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("50 dollars a month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("50$ monthly", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("$ 50 each month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("$1,500.25 per year", Limit(.cost, 1_500_250_000_000, .calendar(.year))),
        ("$.5 per hour", Limit(.cost, 500_000_000, .sliding(milliseconds: 3_600_000))),
        ("$1k per quarter", Limit(.cost, 1_000 * dollar, .calendar(.quarter))),
        ("$2 per day in Europe/Berlin", Limit(.cost, 2 * dollar, .calendar(.day, zone: berlin))),
        ("$100 per month from the 15th", Limit(.cost, 100 * dollar, .calendar(.month, anchorDay: 15))),
        ("$100 per month from 31", Limit(.cost, 100 * dollar, .calendar(.month, anchorDay: 31))),
        (
            "$100/month in Europe/Berlin from the 2nd",
            Limit(.cost, 100 * dollar, .calendar(.month, anchorDay: 2, zone: berlin))
        ),
        (
            "$100/month from the 2nd in Europe/Berlin",
            Limit(.cost, 100 * dollar, .calendar(.month, anchorDay: 2, zone: berlin))
        ),
        ("$7 per week from Sunday", Limit(.cost, 7 * dollar, .calendar(.week, anchorDay: 7))),
        ("$7 weekly from wed", Limit(.cost, 7 * dollar, .calendar(.week, anchorDay: 3))),
        ("$9 per year from April 6", Limit(.cost, 9 * dollar, .calendar(.year, anchorDay: 6, anchorMonth: 4))),
        ("$9 per year from the 6th of April", Limit(.cost, 9 * dollar, .calendar(.year, anchorDay: 6, anchorMonth: 4))),
        ("$9 per year from July", Limit(.cost, 9 * dollar, .calendar(.year, anchorMonth: 7))),
        ("$200 prepaid", Limit(.cost, 200 * dollar, .prepaid)),
        ("$200 until reset", Limit(.cost, 200 * dollar, .manual)),
        ("$3 per calendar hour", Limit(.cost, 3 * dollar, .calendar(.hour))),
        ("600 requests per minute", Limit(.requests, 600, .sliding(milliseconds: 60_000))),
        ("600 req/min", Limit(.requests, 600, .sliding(milliseconds: 60_000))),
        ("600req/min", Limit(.requests, 600, .sliding(milliseconds: 60_000))),
        ("600 rpm", Limit(.requests, 600, .sliding(milliseconds: 60_000))),
        ("600rpm", Limit(.requests, 600, .sliding(milliseconds: 60_000))),
        ("1 call per second", Limit(.requests, 1, .sliding(milliseconds: 1_000))),
        ("10 requests per 10s", Limit(.requests, 10, .sliding(milliseconds: 10_000))),
        ("10 requests every 10 seconds", Limit(.requests, 10, .sliding(milliseconds: 10_000))),
        ("10 requests per 1h30m", Limit(.requests, 10, .sliding(milliseconds: 5_400_000))),
        ("1500 requests per day", Limit(.requests, 1_500, .calendar(.day))),
        ("1,500 requests daily", Limit(.requests, 1_500, .calendar(.day))),
        ("1500 rpd", Limit(.requests, 1_500, .calendar(.day))),
        ("1500 requests per 24h", Limit(.requests, 1_500, .sliding(milliseconds: 86_400_000))),
        ("1500 requests per 7 days", Limit(.requests, 1_500, .sliding(milliseconds: 604_800_000))),
        ("600 requests per minute fixed", Limit(.requests, 600, .fixed(milliseconds: 60_000))),
        ("600 requests per day fixed", Limit(.requests, 600, .fixed(milliseconds: 86_400_000))),
        ("600 requests per day sliding", Limit(.requests, 600, .sliding(milliseconds: 86_400_000))),
        ("200k tokens per minute", Limit(.tokens, 200_000, .sliding(milliseconds: 60_000))),
        ("200_000 tokens/min", Limit(.tokens, 200_000, .sliding(milliseconds: 60_000))),
        ("1.5M tokens per hour", Limit(.tokens, 1_500_000, .sliding(milliseconds: 3_600_000))),
        ("200K TPM", Limit(.tokens, 200_000, .sliding(milliseconds: 60_000))),
        ("1M input tokens per day", Limit(.inputTokens, 1_000_000, .calendar(.day))),
        ("500k output tokens per hour", Limit(.outputTokens, 500_000, .sliding(milliseconds: 3_600_000))),
        ("8 in flight", Limit(.inFlight, 8, LimitWindow())),
        ("8 requests in flight", Limit(.inFlight, 8, LimitWindow())),
        ("8 in-flight", Limit(.inFlight, 8, LimitWindow())),
        ("8 calls at once", Limit(.inFlight, 8, LimitWindow())),
        ("8 concurrent requests", Limit(.inFlight, 8, LimitWindow())),
        ("8 parallel requests", Limit(.inFlight, 8, LimitWindow())),
        ("8 requests in parallel", Limit(.inFlight, 8, LimitWindow())),
        ("8 in flight requests", Limit(.inFlight, 8, LimitWindow())),
        ("8 at a time", Limit(.inFlight, 8, LimitWindow())),
        ("max 8 in_flight", Limit(.inFlight, 8, LimitWindow())),
        ("USD 50 per month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("US$50/month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("up to $50 per month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("at most $50 USD per month", Limit(.cost, 50 * dollar, .calendar(.month))),
        ("50 cents per hour", Limit(.cost, 500_000_000, .sliding(milliseconds: 3_600_000))),
        ("50¢/hour", Limit(.cost, 500_000_000, .sliding(milliseconds: 3_600_000))),
        ("$1.5k per month, in Europe/Berlin", Limit(.cost, 1_500 * dollar, .calendar(.month, zone: berlin))),
        ("$2 per sliding day", Limit(.cost, 2 * dollar, .sliding(milliseconds: 86_400_000))),
        ("$2 per rolling 24h", Limit(.cost, 2 * dollar, .sliding(milliseconds: 86_400_000))),
        ("$2 per day rolling", Limit(.cost, 2 * dollar, .sliding(milliseconds: 86_400_000))),
        ("600 requests per fixed minute", Limit(.requests, 600, .fixed(milliseconds: 60_000))),
        ("600 rph", Limit(.requests, 600, .sliding(milliseconds: 3_600_000))),
        ("200k tph", Limit(.tokens, 200_000, .sliding(milliseconds: 3_600_000))),
        ("1.5 million tokens per hour", Limit(.tokens, 1_500_000, .sliding(milliseconds: 3_600_000))),
        ("200 thousand tokens per minute", Limit(.tokens, 200_000, .sliding(milliseconds: 60_000))),
        ("1.5 M tokens per hour", Limit(.tokens, 1_500_000, .sliding(milliseconds: 3_600_000))),
        ("1.5e6 tokens per hour", Limit(.tokens, 1_500_000, .sliding(milliseconds: 3_600_000))),
        ("1M prompt tokens per day", Limit(.inputTokens, 1_000_000, .calendar(.day))),
        ("1M input-tokens per day", Limit(.inputTokens, 1_000_000, .calendar(.day))),
        ("1M completion tokens per day", Limit(.outputTokens, 1_000_000, .calendar(.day))),
        ("1M output_tokens per day", Limit(.outputTokens, 1_000_000, .calendar(.day))),
        ("$200 pre-paid", Limit(.cost, 200 * dollar, .prepaid)),
        ("0 requests per minute", Limit(.requests, 0, .sliding(milliseconds: 60_000))),
        ("$0 per month", Limit(.cost, 0, .calendar(.month))),
    ]

    @Test(arguments: understood)
    func isUnderstood(text: String, limit: Limit) throws {
        #expect(try LimitText.limit(text) == limit)
    }

    static let refused: [(text: String, reason: String)] = [
        ("", "it is empty"),
        ("lots of money", "must begin with an amount"),
        ("€50 per month", "in US dollars"),
        ("-5 requests per minute", "must not be negative"),
        ("5,00 requests per minute", "must begin with an amount"),
        ("1.5 requests per minute", "must be a whole number"),
        ("$0.0000000001 per day", "at most nine decimals"),
        ("$10B per day", "at most $9,223,372,036"),
        ("600", "say what it counts"),
        ("600 bananas per minute", "'bananas' cannot be counted"),
        ("600 input per minute", "'input' must be followed by 'tokens'"),
        ("600 requests", "it needs a window"),
        ("$50", "it needs a window"),
        ("max", "it is empty"),
        ("$", "must begin with an amount"),
        ("200.000 tokens per minute", "'200.000' has a decimal point; write a count without one, as in 200 or 200,000"),
        ("1e99999999999999999999k tokens per day", "a whole number below 2⁶³"),
        ("$1e99999999999999999999 per day", "at most $9,223,372,036"),
        ("5 € per month", "in US dollars"),
        ("5 EUR per month", "in US dollars"),
        // What is left of "$50 per month" and "$5 per month" in double quotes.
        ("0 per month", "write '$50 per month' in single quotes, because a shell reads"),
        (" per month", "not with 'per'; write '$50 per month' in single quotes, because a shell reads"),
        ("$200 in total", "or is 'prepaid' or 'until reset'"),
        (
            "$5 per month, 600 requests per minute",
            "'600' is not understood after the window; give each limit in quotes"
        ),
        ("$5 per day (Europe)", "'(Europe)' is not understood"),
        ("600 requests minute", "begins with 'per'"),
        ("600 requests per", "must be followed by a unit or a length"),
        ("600 requests per fortnight", "'fortnight' is neither a unit nor a length"),
        ("600 requests per 10", "must be followed by its unit"),
        ("600 requests per 2 months", "has no length of its own"),
        ("600 requests per month fixed", "needs a constant length"),
        ("600 requests per 10ms", "lasts from 1 second to 366 days"),
        ("600 requests per 400 days", "lasts from 1 second to 366 days"),
        ("8 in flight per minute", "without a window"),
        ("600 rpm per day", "nothing can follow 'rpm'"),
        ("$5 per minute in Europe/Berlin", "only calendar windows have a zone"),
        ("$5 per day from the 3rd", "a day has no other beginning"),
        ("$5 per week from the 3rd", "a week begins from a weekday"),
        ("$5 per month from the 32nd", "it takes the 1st to the 31st"),
        ("$5 per year from the 3rd", "from a month and a day"),
        ("$5 per month in", "must be followed by a zone"),
        ("$5 per month please", "'please' is not understood"),
        ("$5 prepaid per month", "'per' is not understood"),
        ("$5 per calendar minute", "must be followed by hour, day"),
    ]

    @Test(arguments: refused)
    func isRefusedWithTheReason(text: String, reason: String) {
        let failure = #expect(throws: LimitText.Failure.self) { try LimitText.limit(text) }
        #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.contains("'\(text)'") == true)
    }

    @Test func whatIsWrittenIsRead() throws {
        let windows: [LimitWindow] = [
            .sliding(milliseconds: 1_000), .sliding(milliseconds: 90_000), .sliding(milliseconds: 86_400_000),
            .sliding(milliseconds: 1_001), .fixed(milliseconds: 60_000), .fixed(milliseconds: 86_400_000),
            .calendar(.hour), .calendar(.day, zone: Self.berlin), .calendar(.week, anchorDay: 7),
            .calendar(.month, anchorDay: 22, zone: Self.berlin), .calendar(.quarter, anchorDay: 11),
            .calendar(.year, anchorDay: 29, anchorMonth: 2), .manual, .prepaid,
        ]
        for dimension in LimitDimension.allCases where dimension != .inFlight {
            for window in windows {
                for amount: Int64 in [0, 1, 999, 10_000, 1_234_567, .max] {
                    let limit = Limit(dimension, amount, window)
                    #expect(try LimitText.limit(limit.description) == limit, "\(limit)")
                }
            }
        }
        let limit = Limit(.inFlight, 12_345, LimitWindow())
        #expect(limit.description == "12,345 in flight")
        #expect(try LimitText.limit(limit.description) == limit)
    }

    @Test(arguments: LimitText.examples)
    func everyExampleIsALimit(text: String) throws {
        try LimitText.limit(text).validate()
    }

    /// Two limits are the same by what their windows have, so a stray part would make another limit of one.
    @Test func aWindowHasThePartsOfItsKindAndNoOthers() throws {
        let windows: [(LimitDimension, LimitWindow)] = [
            (.cost, .prepaid), (.cost, .manual), (.inFlight, LimitWindow()), (.tokens, .calendar(.day)),
            (.requests, .sliding(milliseconds: 60_000)), (.requests, .fixed(milliseconds: 60_000)),
        ]
        for (dimension, window) in windows {
            try Limit(dimension, 1, window).validate()
            func expectRefused(_ change: (inout LimitWindow) -> Void) {
                var odd = window
                change(&odd)
                let refusal = #expect(throws: Refusal.self) { try Limit(dimension, 1, odd).validate() }
                #expect(refusal?.status == .outOfRange, "\(odd.kind)")
            }
            if window.lengthMilliseconds == 0 { expectRefused { $0.lengthMilliseconds = 60_000 } }
            guard window.kind != .calendar else { continue }
            expectRefused { $0.unit = .month }
            expectRefused { $0.anchorDay = 3 }
            expectRefused { $0.anchorMonth = 4 }
            expectRefused { $0.zone = Self.berlin }
        }
    }

    // MARK: Routes

    static let routes: [(text: String, provider: String, deployment: String?, model: String?)] = [
        ("openai", "openai", nil, nil),
        ("openai/gpt-4o", "openai", nil, "gpt-4o"),
        ("openai@eu", "openai", "eu", nil),
        ("openai@eu/gpt-4o", "openai", "eu", "gpt-4o"),
        ("vertex/claude-sonnet-4@20250514", "vertex", nil, "claude-sonnet-4@20250514"),
        ("openrouter/openai/gpt-4o", "openrouter", nil, "openai/gpt-4o"),
        ("a@b@c/d", "a", "b@c", "d"),
    ]

    @Test(arguments: routes)
    func routeIsCut(text: String, provider: String, deployment: String?, model: String?) throws {
        let route = try RouteText(text)
        #expect(route.provider.text == provider)
        #expect(route.deployment?.text == deployment)
        #expect(route.model?.text == model)
    }

    @Test(arguments: [
        ("", "provider"), ("/x", "provider"), ("x/", "model"), ("x@", "deployment"), ("x@/y", "deployment"),
    ])
    func routeWithoutAPartIsRefused(text: String, part: String) {
        let refusal = #expect(throws: Refusal.self) { try RouteText(text) }
        #expect(refusal?.message.contains("the \(part) of the route '\(text)'") == true, "\(refusal?.message ?? "")")
    }

    // MARK: Scopes

    @Test func scopesAreNamed() throws {
        let (openai, eu, model, tag) = (try Name("openai"), try Name("eu"), try Name("gpt-4o"), try Name("team:a"))
        #expect(Scope.host.description == "host")
        #expect(Scope(provider: openai, deployment: eu, model: model).description == "openai@eu/gpt-4o")
        #expect(Scope(provider: openai, model: model, tag: tag).description == "team:a on openai/gpt-4o")
        #expect(Scope(tag: tag).description == "team:a")
        for scope in [Scope(deployment: eu), Scope(model: model), Scope(provider: openai, deployment: eu, tag: tag)] {
            #expect(throws: Refusal.self) { try scope.validate() }
        }
    }
}
