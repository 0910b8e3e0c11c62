import FuseboxCore
import FuseboxWire

extension TraceStep {
    mutating func configureBreaker() throws(JSONFieldError) -> JSONValue {
        try carryOut(
            BreakerConfigure(name: try name(), change: try BreakerConfigurationChange(request["config"])))
    }

    mutating func acquire() throws(JSONFieldError) -> JSONValue {
        let draw = try request["draw"].ifPresent?.double()
        let reply = try apply(BreakerAcquire(name: try name(), draw: draw))
        // The library returns whole seconds, rounded up, so that no caller retries too early.
        let seconds = (reply.retryAfterMilliseconds + 999) / 1000
        return LLMProvidersJSON.object([
            "admitted": JSONValue(reply.admitted),
            "retryAfterSec": reply.admitted ? .null : JSONValue(seconds),
            "consecutiveFailures": JSONValue(reply.consecutiveFailures),
            "primaryTrafficPct": JSONValue(reply.share),
        ])
    }

    mutating func breakerStatus() throws(JSONFieldError) -> BreakerStatus {
        try apply(BreakerGet(name: try name())).status
    }

    mutating func breakerConfiguration() throws(JSONFieldError) -> JSONValue {
        ["config": LLMProvidersJSON.configuration(try apply(BreakerConfigurationGet(name: try name())))]
    }

    mutating func breakerStates() throws(JSONFieldError) -> JSONValue {
        var states: [(name: Name, value: JSONValue)] = []
        var cursor: UInt64 = 0
        repeat {
            let page = try apply(BreakerList(cursor: cursor))
            for entry in page.entries { states.append((entry.name, LLMProvidersJSON.state(entry.status))) }
            cursor = page.next
        } while cursor != 0
        return ["states": LLMProvidersJSON.object(byName: states)]
    }
}

// MARK: Exhaustion

extension TraceStep {
    mutating func markExhausted() throws(JSONFieldError) -> JSONValue {
        try carryOut(
            ExhaustionMark(provider: try provider(), resetAfterMilliseconds: try milliseconds("resetAfterMs")))
    }

    mutating func exhaustionEntry() throws(JSONFieldError) -> JSONValue {
        let entry = try apply(ExhaustionGet(provider: try provider())).entry
        guard let entry else { return ["entry": .null] }
        return ["entry": LLMProvidersJSON.mark(entry, foreign: machine.foreignMembers(ofMark: entry.provider))]
    }

    mutating func exhaustedProviders() throws(JSONFieldError) -> JSONValue {
        var providers: [Name] = []
        var cursor = Page.end
        repeat {
            let page = try apply(ExhaustionList(cursor: cursor))
            providers += page.entries.map(\.provider)
            cursor = page.next
        } while cursor != Page.end
        providers.sort(by: LLMProvidersJSON.sortsBefore)
        return ["providers": .array(providers.map(LLMProvidersJSON.name))]
    }
}
