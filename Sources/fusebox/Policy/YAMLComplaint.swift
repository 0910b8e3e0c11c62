import Yams

/// What is likely wrong in a text that is not YAML, and what would be right.
///
/// libyaml says what it was doing (the context), where that began, and what it met (the problem). Its words are for those
/// who know its grammar. Each case here stands for one mistake that people make.
struct YAMLComplaint {
    /// What libyaml was doing: `while parsing a flow sequence`; empty if it does not say.
    private let context: String
    private let problem: String
    /// Where it began what it was doing.
    private let beginning: PolicyFile.Place
    /// Where it met the problem.
    private let place: PolicyFile.Place
    /// The lines of the file.
    private let lines: [Substring.UnicodeScalarView]

    init(context: YamlError.Context?, problem: String, at place: PolicyFile.Place, in text: String) {
        self.context = context?.text ?? ""
        self.problem = problem
        self.place = place
        beginning = context.map { PolicyFile.Place($0.mark) } ?? place
        lines = text[...].unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The mistake. What was begun and not ended is told where it begins.
    var fault: PolicyFile.Fault {
        let (place, message) = mistake
        return PolicyFile.Fault(place: place, message: "this is not YAML: \(message)")
    }

    private var mistake: (PolicyFile.Place, String) {
        switch (context, problem) {
        // What is open.
        case ("while parsing a flow sequence", _):
            (beginning, "the list that begins here has no ',' or ']' before \(place); close it with ']'")
        case ("while parsing a flow mapping", _):
            (beginning, "what begins here with '{' has no ',' or '}' before \(place); close it with '}'")
        case (_, "did not find expected node content") where isEnd:
            (last, "the file ends here, and a '[' or '{' is still open; close it")
        case ("while scanning a quoted scalar", _):
            (beginning, "the quote that begins here is not closed; end the text with the same quote")
        case ("while scanning a simple key", _):
            (beginning, "a key has no ':'; write 'key: value'")
        // What is indented wrongly.
        case _ where met == "\t":
            (place, "a tab cannot indent; write spaces")
        case ("while parsing a block mapping", _):
            (
                place,
                "this belongs to no key; indent a key as the one in line \(beginning.line) with which its group begins, and remove what is left over behind a value"
            )
        case ("while parsing a block collection", _):
            (
                place,
                "this is no entry of the list that begins in line \(beginning.line); begin an entry with '- ' below the others, and indent its keys alike"
            )
        case (_, "mapping values are not allowed in this context"):
            (place, "a ':' cannot stand here; put a text with ': ' in quotes, and indent a key as those beside it")
        case (_, "block sequence entries are not allowed in this context"):
            (place, "the '-' of a list cannot stand here; begin the list on the next line, or write it in '[' and ']'")
        // Signs that mean something else than themselves.
        case ("while scanning an alias", _), ("while scanning an anchor", _):
            (
                beginning,
                "'*' and '&' have a meaning of their own; put a text that begins with one in quotes, such as \"*\""
            )
        case (_, "found undefined alias"):
            (
                place,
                "a text that begins with '*' stands for another one, and there is none; put it in quotes, such as \"user:*\""
            )
        case (_, "found character that cannot start any token"):
            (place, "a text cannot begin with '\(met.map { String($0) } ?? "")'; put it in quotes")
        case ("while parsing a quoted scalar", _):
            (place, "a '\\' in double quotes begins an escape; write '\\\\', or use single quotes")
        case (_, "control characters are not allowed"):
            (place, "a control character cannot stand in a file; remove it")
        case (_, "did not find expected node content"):
            (place, "a value is missing before this; write it, or put a text that begins so in quotes")
        // What is more than one file has.
        case ("expected a single document in the stream", _):
            (place, "another document begins here; a policy is one, so remove the '---' or make it a file of its own")
        case ("while scanning a directive", _), ("while scanning a %YAML directive", _),
            ("while scanning a %TAG directive", _), (_, "found incompatible YAML document"):
            (place, "a line that begins with '%' is for the reader of YAML, and this one is not known; remove it")
        default:
            (
                place,
                "\(context.isEmpty ? "" : "\(context): ")\(problem); put texts with signs of YAML, such as ':', '#' or '*', in quotes"
            )
        }
    }

    /// The sign at the place of the problem; nil at the end of a line.
    private var met: Unicode.Scalar? {
        guard lines.indices.contains(place.line - 1) else { return nil }
        return lines[place.line - 1].dropFirst(place.column - 1).first
    }

    /// Whether nothing follows the place of the problem.
    private var isEnd: Bool { met == nil && lines.dropFirst(place.line).allSatisfy(\.isEmpty) }

    /// The last sign of the file that is not a blank.
    private var last: PolicyFile.Place {
        for (number, line) in lines.enumerated().reversed() {
            if let end = line.lastIndex(where: { !$0.properties.isWhitespace }) {
                return PolicyFile.Place(line: number + 1, column: line.distance(from: line.startIndex, to: end) + 1)
            }
        }
        return .start
    }
}

extension PolicyFile.Place {
    init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}
