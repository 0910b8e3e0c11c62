import FuseboxWire

/// Rows of comma-separated values. Every command that prints them does it here.
///
/// Fields are quoted as RFC 4180 says. Rows end with a line feed alone, as all lines of the tool do. A spreadsheet computes
/// a field that begins with one of `formulaMarks`, and workers choose names. Such a text gets an apostrophe in front, and
/// a spreadsheet shows it. Numbers stay numbers.
enum CSVText {
    /// A field.
    enum Field {
        /// A name, or another text.
        case text(String)
        /// A whole number.
        case count(Int64)
        /// An amount of dollars, with all its decimals.
        case dollars(Money)
    }

    /// What a spreadsheet takes for the beginning of a formula.
    private static let formulaMarks = "=+-@\t\r".unicodeScalars
    /// What a field may contain only in quotation marks. Some spreadsheets separate fields by semicolons.
    private static let quotedMarks = "\",;\n\r".unicodeScalars

    /// The lines of the rows, without a last line break.
    static func lines(_ rows: [[Field]]) -> String {
        rows.map { row in row.map(text).joined(separator: ",") }.joined(separator: "\n")
    }

    /// A field as it stands in its row.
    static func text(_ field: Field) -> String {
        switch field {
        case .text(let text): quoted(harmless(text))
        case .count(let count): "\(count)"
        case .dollars(let amount): "\(amount)"
        }
    }

    // Both look at scalars: a mark with a combining character behind it is another `Character`, and so is CR LF.

    private static func harmless(_ text: String) -> String {
        guard let first = text.unicodeScalars.first, formulaMarks.contains(first) else { return text }
        return "'" + text
    }

    private static func quoted(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { quotedMarks.contains($0) }) else { return text }
        var field = "\"".unicodeScalars
        for scalar in text.unicodeScalars {
            field.append(scalar)
            if scalar == "\"" { field.append(scalar) }
        }
        field.append("\"")
        return String(field)
    }
}
