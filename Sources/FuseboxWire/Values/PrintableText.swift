extension Unicode.Scalar {
    /// Whether a terminal or a log viewer would act on it instead of showing it.
    ///
    /// These are the control characters (U+0000 to U+001F, U+007F to U+009F), the line and paragraph separators
    /// (U+2028, U+2029), and the characters that change the direction of text (U+061C, U+200E, U+200F, U+202A to
    /// U+202E, U+2066 to U+2069).
    public var isObeyed: Bool {
        switch value {
        case 0x00..<0x20, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

extension StringProtocol {
    /// The text with U+FFFD in place of every scalar that `isObeyed`. Text from peers is shown this way in tables and
    /// logs.
    public var printable: String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars { result.append(scalar.isObeyed ? "\u{FFFD}" : scalar) }
        return String(result)
    }
}
