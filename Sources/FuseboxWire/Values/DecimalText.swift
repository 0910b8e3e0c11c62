/// A decimal number as programs print it: `12`, `-0.0012`, `.5`, `7.5e-05`, `0.30000000000000004`.
///
/// It is stored as decimal digits. No binary fraction is involved, so the value is exactly the one that is spelled.
package struct DecimalText {
    /// How a number between two units is rounded.
    package enum Rounding {
        case up
        case towardZero
    }

    package private(set) var isNegative = false
    /// The digits without leading and trailing zeros; empty if the number is zero.
    private var digits: [UInt8] = []
    /// The power of ten of the last digit.
    private var scale = 0

    /// Greater exponents are read as this one. Both are far beyond every range.
    private static let largestExponent = 1_000_000

    /// Nil if the text is not a number. A number consists of a sign, digits with at most one point, and an exponent;
    /// sign and exponent may be missing.
    package init?(_ text: some StringProtocol) {
        var rest = Array(text.utf8)[...]
        isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var isAfterPoint = false
        var hasDigits = false
        scan: while let character = rest.first {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                hasDigits = true
                digits.append(character - UInt8(ascii: "0"))
                if isAfterPoint { scale -= 1 }
            case UInt8(ascii: ".") where !isAfterPoint: isAfterPoint = true
            case UInt8(ascii: "e") where hasDigits, UInt8(ascii: "E") where hasDigits: break scan
            default: return nil
            }
            rest.removeFirst()
        }
        guard hasDigits else { return nil }
        if rest.popFirst() != nil {
            guard let exponent = Self.exponent(rest) else { return nil }
            scale += exponent
        }
        trim()
    }

    /// A number without its separators of groups, as in `1,500` and `200_000`; nil if a comma is not followed by exactly three
    /// digits.
    package static func ungrouped(_ number: Substring) -> String? {
        let groups = number.split(separator: ",", omittingEmptySubsequences: false)
        guard let first = groups.first else { return nil }
        for (place, group) in groups.enumerated().dropFirst() {
            let whole = place == groups.count - 1 ? group.prefix { $0 != "." } : group
            guard whole.count == 3, (1...3).contains(first.count) else { return nil }
        }
        return String(number.filter { $0 != "," && $0 != "_" })
    }

    private static func exponent(_ text: ArraySlice<UInt8>) -> Int? {
        var rest = text
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        var exponent = 0
        for character in rest {
            guard character >= UInt8(ascii: "0"), character <= UInt8(ascii: "9") else { return nil }
            exponent = min(exponent * 10 + Int(character - UInt8(ascii: "0")), largestExponent)
        }
        return isNegative ? -exponent : exponent
    }

    private mutating func trim() {
        digits.removeFirst(digits.prefix { $0 == 0 }.count)
        while digits.last == 0 {
            digits.removeLast()
            scale += 1
        }
        if digits.isEmpty { scale = 0 }
    }

    /// Multiplies it by 10 to the power of `exponent`.
    package mutating func shift(_ exponent: Int) { if !digits.isEmpty { scale += exponent } }

    /// Whether it has at most this many decimals.
    package func isWhole(decimals: Int = 0) -> Bool { scale + decimals >= 0 }

    /// Rounds it to this many significant digits, half to even.
    package mutating func round(toDigits count: Int) {
        guard digits.count > count else { return }
        let next = digits[count]
        // The last digit is not zero. A 5 with digits after it is therefore more than a half.
        let isMoreThanHalf = next > 5 || next == 5 && digits.count > count + 1
        let isHalf = next == 5 && digits.count == count + 1
        scale += digits.count - count
        digits.removeLast(digits.count - count)
        if isMoreThanHalf || isHalf && digits[count - 1] % 2 == 1 { carry() }
        trim()
    }

    /// Adds one at the last digit.
    private mutating func carry() {
        for place in digits.indices.reversed() {
            guard digits[place] == 9 else {
                digits[place] += 1
                return
            }
            digits[place] = 0
        }
        digits.insert(1, at: 0)
    }

    /// Its magnitude in units of 10 to the power of −`decimals`; nil if that may not fit.
    package func units(decimals: Int = 0, _ rounding: Rounding) -> UInt128? {
        let kept = digits.count + scale + decimals
        // Every number of 38 digits fits.
        guard kept <= 38 || digits.isEmpty else { return nil }
        var units: UInt128 = 0
        for place in 0..<max(0, digits.isEmpty ? 0 : kept) {
            units = units * 10 + UInt128(place < digits.count ? digits[place] : 0)
        }
        return digits.count > max(0, kept) && rounding == .up ? units + 1 : units
    }
}
