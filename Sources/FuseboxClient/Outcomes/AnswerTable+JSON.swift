import FuseboxJSON
import FuseboxWire

extension AnswerTable {
    /// The names of all headers that are read, in small letters.
    package static let headerNames = Set(
        retryHeaders.map(\.name) + limits.flatMap { [$0.remaining, $0.reset] } + [wordHeader])

    /// The table as data, for the clients in other languages.
    package static var reference: JSONValue {
        [
            "rows": .array(rows.map(value)),
            "wordPlaces": names(wordPlaces),
            "wordHeader": .string(wordHeader),
            "errorPlaces": names(errorPlaces),
            "retryHeaders": .array(retryHeaders.map { ["name": .string($0.name), "unit": .string($0.unit.rawValue)] }),
            "retryPlaces": names(retryPlaces),
            "limits": .array(
                limits.map {
                    ["name": .string($0.name), "remaining": .string($0.remaining), "reset": .string($0.reset)]
                }),
            "limitedOutcomes": names(limitedOutcomes.map { "\($0)" }),
            "longestReset": JSONValue(longestReset),
        ]
    }

    private static func value(_ row: Row) -> JSONValue {
        [
            "name": .string(row.name),
            "outcome": .string("\(row.outcome)"),
            "markScope": row.markScope.map { .string("\($0)") } ?? .null,
            "statuses": .array(row.statuses.map { [JSONValue($0.lowerBound), JSONValue($0.upperBound)] }),
            "words": names(row.words),
            "places": names(row.places),
        ]
    }

    private static func names(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
}
