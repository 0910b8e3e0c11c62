import FuseboxWire

// Numbers as JavaScript programs write them. JSON has no NaN, so they write null, and JavaScript calculates with null
// as 0. Counters and milliseconds may have fractions, because JavaScript has one type of number.

extension JSONPlace {
    /// A number; 0 for null.
    ///
    /// - Parameter missing: the result if the member is missing; nil: an error
    func looseDouble(missing: Double? = nil) throws(JSONFieldError) -> Double {
        if value == nil, let missing { return missing }
        return value?.isNull == true ? 0 : try double()
    }

    /// A whole number. A fraction is rounded by the rule.
    func looseInt64(_ rule: FloatingPointRoundingRule = .toNearestOrAwayFromZero) throws(JSONFieldError) -> Int64 {
        if value?.isNull == true { return 0 }
        guard let number = value?.double, value?.int64 == nil, let whole = Int64(exactly: number.rounded(rule)) else {
            return try int64()
        }
        return whole
    }

    /// A whole number from 0 to the type's maximum. A fraction is rounded up: a limit of 2.5 is reached by the third
    /// call, as a limit of 3 is.
    func looseCount<Count: FixedWidthInteger>(_ type: Count.Type = Count.self) throws(JSONFieldError) -> Count {
        try count(try looseInt64(.up))
    }

    /// A time. A fraction of a millisecond is rounded by the rule.
    func looseTimestamp(_ rule: FloatingPointRoundingRule) throws(JSONFieldError) -> Timestamp {
        try timestamp(try looseInt64(rule))
    }

    /// An amount in dollars; 0 for null.
    func looseMoney() throws(JSONFieldError) -> Money { value?.isNull == true ? .zero : try money() }

    /// If this is a text, the JSON document in it. Otherwise this place itself.
    func unwrapped() throws(JSONFieldError) -> JSONPlace {
        guard let value else { return self }
        do throws(JSONError) { return replacing(try value.unwrapped) } catch {
            throw self.error("the text is not JSON: \(error)")
        }
    }

    /// The members of an object except the known ones; nil if there are none.
    func members(except known: Set<String>) -> JSONValue? {
        let members = (value?.members ?? []).filter { !known.contains($0.key) }
        return members.isEmpty ? nil : .object(members)
    }
}
