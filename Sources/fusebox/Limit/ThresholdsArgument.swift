import ArgumentParser
import FuseboxWire

/// The thresholds of a limit on the command line: `50,80,95`, `none`.
struct ThresholdsArgument {
    let thresholds: Thresholds

    /// Reads one to three ascending percentages.
    static func read(_ text: String) throws -> ThresholdsArgument {
        if ["none", "never"].contains(text.lowercased()) { return ThresholdsArgument(thresholds: .never) }
        let parts = text.replacing(" %", with: "%").split { $0 == "," || $0 == " " }
        let shares = try parts.map(share)
        guard (1...3).contains(shares.count), zip(shares, shares.dropFirst()).allSatisfy(<) else {
            throw ValidationError("give \(forms)")
        }
        let all = shares + [.greatestFiniteMagnitude, .greatestFiniteMagnitude]
        return ThresholdsArgument(thresholds: Thresholds(warning: all[0], critical: all[1], emergency: all[2]))
    }

    private static func share(_ part: Substring) throws -> Double {
        let isMarked = part.last == "%"
        let digits = isMarked ? part.dropLast() : part
        guard let number = Double(digits), let share = share(percent: digits), number > 0, share.isFinite else {
            throw ValidationError("give \(forms)")
        }
        guard isMarked || number >= 1 else {
            throw ValidationError("give percentages: '\(part)' may mean \(Formatting.percent(number)) or \(part)%")
        }
        return share
    }

    /// The share that a percentage is: the number nearest to its decimal. Nil if the text is no number.
    static func share(percent text: some StringProtocol) -> Double? {
        guard Double(text) != nil, let (digits, exponent) = parts(of: text) else { return nil }
        // Not a quotient: that may be the number beside the one whose percentage `percent` has written.
        return Double("\(digits)e\(exponent - 2)")
    }

    /// The percentage of a share, in the form that `share(percent:)` reads back exactly.
    static func percent(_ share: Double) -> String {
        let text = "\(share * 100)"
        let short = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
        guard Self.share(percent: short) != share, let (digits, exponent) = parts(of: "\(share)") else { return short }
        return "\(digits)e\(exponent + 2)"
    }

    private static func parts(of number: some StringProtocol) -> (digits: Substring, exponent: Int)? {
        let parts = number.lowercased()[...].split(separator: "e", maxSplits: 1)
        guard let digits = parts.first, let exponent = parts.count > 1 ? Int(parts[1]) : 0 else { return nil }
        return (digits, exponent)
    }

    private static let forms = "one to three ascending percentages above 0, such as 50,80,95, or none"
}
