import FuseboxJSON

extension UsageForm {
    /// The forms as data, for the clients in other languages: what `all`, `places`, `models` and `calls` say.
    package static var reference: JSONValue {
        [
            "forms": .array(all.map(\.value)),
            "places": names(places),
            "models": names(models),
            "calls": names(calls),
        ]
    }

    private var value: JSONValue {
        [
            "name": .string(name),
            "marks": Self.names(marks),
            "foreign": Self.names(foreign),
            "parts": .array(parts.map(\.value)),
            "absent": Self.names(absent.map(\.rawValue)),
            "total": total.map { .string($0) } ?? .null,
            "cost": cost.map { .string($0) } ?? .null,
        ]
    }

    private static func names(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
}

extension UsageForm.Part {
    fileprivate var value: JSONValue {
        [
            "members": .array(members.map { .string($0) }),
            "counts": .string(kind.rawValue),
            "within": within.map { .string($0.rawValue) } ?? .null,
        ]
    }
}
