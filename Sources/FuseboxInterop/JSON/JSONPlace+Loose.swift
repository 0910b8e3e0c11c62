import FuseboxWire

// Numbers as JavaScript writes and reads them. Null stands for NaN, which JSON cannot spell; reckoned with, it is 0.
// Counters and milliseconds may have fractions, for nothing there says that they have none.

extension JSONPlace {
    /// A number, 0 for null.
    ///
    /// - Parameter missing: the number where there is none
    func looseDouble(missing: Double? = nil) throws(JSONFieldError) -> Double {
        if value == nil, let missing { return missing }
        return value?.isNull == true ? 0 : try double()
    }

    /// A whole number, one with a fraction rounded by a rule.
    func looseInt64(_ rule: FloatingPointRoundingRule = .toNearestOrAwayFromZero) throws(JSONFieldError) -> Int64 {
        if value?.isNull == true { return 0 }
        guard let number = value?.double, value?.int64 == nil, let whole = Int64(exactly: number.rounded(rule)) else {
            return try int64()
        }
        return whole
    }

    /// A whole number that is at least 0 and fits, a fraction rounded up: as many calls reach 2.5 as reach 3.
    func looseCount<Count: FixedWidthInteger>(_ type: Count.Type = Count.self) throws(JSONFieldError) -> Count {
        try count(try looseInt64(.up))
    }

    /// A moment, one with a fraction of a millisecond rounded by a rule.
    func looseTimestamp(_ rule: FloatingPointRoundingRule) throws(JSONFieldError) -> Timestamp {
        try timestamp(try looseInt64(rule))
    }

    /// An amount of dollars, 0 for null.
    func looseMoney() throws(JSONFieldError) -> Money { value?.isNull == true ? .zero : try money() }

    /// The document that a text at this place holds; of anything but a text, this place.
    func unwrapped() throws(JSONFieldError) -> JSONPlace {
        guard let value else { return self }
        do throws(JSONError) { return replacing(try value.unwrapped) } catch {
            throw self.error("the text is no JSON: \(error)")
        }
    }

    /// The members of an object but for some; nil if there are none.
    func members(except known: Set<String>) -> JSONValue? {
        let members = (value?.members ?? []).filter { !known.contains($0.key) }
        return members.isEmpty ? nil : .object(members)
    }
}
