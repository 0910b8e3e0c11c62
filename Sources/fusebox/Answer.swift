import ArgumentParser
import FuseboxInterop

/// The answer of a subcommand, for programs and for people.
struct Answer {
    var json: JSONValue
    /// The lines, without the last line break. If empty, nothing is printed.
    var text: String
    /// Whether the answer is a denial. The exit status tells scripts so.
    var isDenial = false
    /// Whether waiting cannot change the denial.
    var isForGood = false

    init(json: JSONValue, text: String, isDenial: Bool = false, isForGood: Bool = false) {
        self.json = json
        self.text = text
        self.isDenial = isDenial
        self.isForGood = isForGood
    }

    /// The answer of a command that has nothing to print.
    static var done: Answer { Answer(json: [:], text: "") }

    /// Prints the answer. Throws exit status 75 for a denial, or 78 if waiting cannot change it.
    func deliver(asJSON: Bool) throws {
        var output = Output()
        if asJSON {
            try output.write(line: json.text())
        } else if !text.isEmpty {
            try output.write(line: text)
        }
        try output.flush()
        if isDenial { throw ExitCode((isForGood ? Failure.Status.deniedForGood : .tryAgain).rawValue) }
    }
}
