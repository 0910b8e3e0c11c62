import FuseboxWire

// Conversions from a program's arguments to the fields of commands.

extension Name {
    /// A name from a text.
    ///
    /// - Throws: `invalidArgument` if the text is not a valid name
    init(checking text: String) throws(ClientError) {
        do throws(Refusal) { try self.init(text) } catch { throw .invalidArgument(error) }
    }

    /// A name from a text. Nil for nil.
    ///
    /// - Throws: `invalidArgument` if the text is not a valid name
    static func optional(_ text: String?) throws(ClientError) -> Name? {
        guard let text else { return nil }
        return try Name(checking: text)
    }
}

extension UInt32 {
    /// A number of this range.
    ///
    /// - Parameter field: the argument's name, for the error
    /// - Throws: `invalidArgument` if the number is below 0 or above 4,294,967,295
    init(checking number: Int, _ field: String) throws(ClientError) {
        guard let exact = UInt32(exactly: number) else {
            throw .invalidArgument(Refusal(.outOfRange, "\(field): \(number) is not between 0 and \(UInt32.max)"))
        }
        self = exact
    }

    /// A number of this range. Nil for nil.
    ///
    /// - Throws: `invalidArgument` if the number is below 0 or above 4,294,967,295
    static func optional(_ number: Int?, _ field: String) throws(ClientError) -> UInt32? {
        guard let number else { return nil }
        return try UInt32(checking: number, field)
    }
}

extension Duration {
    /// The duration in milliseconds, clamped to the range. It is rounded up, so that a short time does not become zero.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let rest = attoseconds > 0 ? (attoseconds - 1) / 1_000_000_000_000_000 + 1 : attoseconds / 1_000_000_000_000_000
        let (sum, carry) = milliseconds.addingReportingOverflow(rest)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }
}
