import ArgumentParser
import FuseboxWire

/// The thresholds of a limit on the command line: `50,80,95`, `none`.
struct ThresholdsArgument {
    let thresholds: Thresholds

    /// Reads one to three ascending percentages.
    static func read(_ text: String) throws -> ThresholdsArgument {
        if ["none", "never"].contains(text.lowercased()) { return ThresholdsArgument(thresholds: .never) }
        let parts = text.replacing(" %", with: "%").split { $0 == "," || $0 == " " }
        let percentages = try parts.map(percentage)
        guard (1...3).contains(percentages.count), zip(percentages, percentages.dropFirst()).allSatisfy(<) else {
            throw ValidationError("give \(forms)")
        }
        let shares = percentages.map { $0 / 100 } + [.greatestFiniteMagnitude, .greatestFiniteMagnitude]
        return ThresholdsArgument(
            thresholds: Thresholds(warning: shares[0], critical: shares[1], emergency: shares[2]))
    }

    private static func percentage(_ part: Substring) throws -> Double {
        let isMarked = part.last == "%"
        guard let number = Double(isMarked ? part.dropLast() : part), number > 0, number.isFinite else {
            throw ValidationError("give \(forms)")
        }
        guard isMarked || number >= 1 else {
            throw ValidationError("give percentages: '\(part)' may mean \(Formatting.percent(number)) or \(part)%")
        }
        return number
    }

    private static let forms = "one to three ascending percentages above 0, such as 50,80,95, or none"
}
