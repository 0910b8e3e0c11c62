/// The README's `console` blocks as one shell session.
///
/// A line that begins with `$ ` is a command, lines that begin with `> ` continue it, and all others are its output.
struct ReadmeConsole {
    struct Step {
        /// The lines of the command.
        var command: [String]
        /// The lines of the output.
        var output: [String] = []
    }

    var steps: [Step] = []

    init(of text: String) {
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                isInside = line == "```console"
            } else if isInside {
                add(line)
            }
        }
    }

    private mutating func add(_ line: String) {
        if line.hasPrefix("$ ") {
            steps.append(Step(command: [String(line.dropFirst(2))]))
        } else if line.hasPrefix("> "), !steps.isEmpty {
            steps[steps.count - 1].command.append(String(line.dropFirst(2)))
        } else if !steps.isEmpty {
            steps[steps.count - 1].output.append(line)
        }
    }

    /// A bash script that runs the steps in order, in one shell. It prints `boundary` before the output of each.
    ///
    /// - Parameters:
    ///   - folder: replaces `/tmp/fusebox`, so that no other process is disturbed
    ///   - omitted: the beginnings of commands that are not run
    func script(in folder: String, boundary: String, omitting omitted: [String]) -> String {
        var lines = ["exec 2>&1", "trap 'kill $(jobs -p); wait' EXIT"]
        for step in steps {
            lines.append("echo '\(boundary)'")
            guard let first = step.command.first, !omitted.contains(where: { first.hasPrefix($0) }) else { continue }
            lines += step.command.map { $0.replacing("/tmp/fusebox", with: folder) }
            // A reader types slower than a daemon starts.
            if first.hasSuffix("&") {
                lines.append(
                    "for try in $(seq 400); do fusebox ping --count 1 >/dev/null 2>&1 && break; sleep 0.05; done")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A line without the parts that differ between runs: durations, times, and the widths of columns.
    static func timeless(_ line: String) -> String {
        let span = #/\b\d+(\.\d+)?(ms|s|m|h|d)( \d+(ms|s|m|h))?\b/#
        let date = #/\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}/#
        return line.replacing(date, with: "DATE").replacing(span, with: "TIME")
            .split(separator: " ").joined(separator: " ")
    }
}
