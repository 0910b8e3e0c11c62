import ArgumentParser
import FuseboxWire

/// Numbers on the command line. Errors name the form and the range.
enum NumberArgument {
    /// Reads a whole number that has 32 bits in the protocol.
    static let count = within(0...Int(UInt32.max))

    /// Reads a whole number within a range.
    static func within(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int {
        { text in
            guard let number = Int(text) ?? printed(text), range.contains(number) else {
                throw ValidationError("give a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
    }

    /// A whole number in a form that some programs print: `120.0`, `1.2e3`.
    private static func printed(_ text: String) -> Int? {
        guard let number = DecimalText(text), !number.isNegative, number.isWhole() else { return nil }
        return number.units(.up).flatMap { Int(exactly: $0) }
    }

    /// Reads the number of a permit.
    static func permit(_ text: String) throws -> UInt64 {
        guard let number = UInt64(text), number > 0 else {
            throw ValidationError("give the number of a permit, from 1 to \(UInt64.max): `fusebox permits` lists them")
        }
        return number
    }

    /// Reads a share: `50%` or `0.5`.
    static func share(_ text: String) throws -> Double {
        let isPercent = text.hasSuffix("%")
        guard let number = Double(isPercent ? String(text.dropLast()) : text),
            ValueRanges.share.contains(isPercent ? number / 100 : number)
        else {
            throw ValidationError("give a share from 0 to 1, or from 0% to 100%")
        }
        return isPercent ? number / 100 : number
    }

    /// Reads a degradation curve: shares that are separated by commas.
    static func curve(_ text: String) throws -> [Double] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let shares = parts.compactMap { Double($0) }
        guard shares.count == parts.count, ValueRanges.curveLength.contains(shares.count),
            shares.allSatisfy({ ValueRanges.share.contains($0) })
        else {
            throw ValidationError(
                "give up to \(WireLimits.curveLength) shares from 0 to 1, separated by commas, such as 1,0.5,0.1")
        }
        return shares
    }
}
