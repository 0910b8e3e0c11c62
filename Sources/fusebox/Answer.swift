import ArgumentParser
import FuseboxInterop

/// What a subcommand has to say, for programs and for people.
struct Answer {
    var json: JSONValue
    /// Lines without the last line break; empty: nothing is printed.
    var text: String
    /// Whether it is a "not now", which scripts learn from the exit status.
    var isDenial = false
    /// Whether no time lifts the denial.
    var isForGood = false

    init(json: JSONValue, text: String, isDenial: Bool = false, isForGood: Bool = false) {
        self.json = json
        self.text = text
        self.isDenial = isDenial
        self.isForGood = isForGood
    }

    /// It was done, and there is no more to say.
    static var done: Answer { Answer(json: [:], text: "") }

    /// Prints it; ends the command with status 75 if it is a denial, and with 78 if it is one that no time lifts.
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
