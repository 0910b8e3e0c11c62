import ArgumentParser
import FuseboxClient
import Glibc

/// The consent to a change that cannot be undone.
struct Confirmation: ParsableArguments {
    @Flag(help: "Do not ask. It is needed where no terminal can be asked.")
    var yes = false

    /// Asks on a terminal whether a change is meant.
    ///
    /// - Parameters:
    ///   - change: a sentence without its end that says what will be lost
    ///   - client: a client of the daemon; one that is not an operator's is not asked, because the daemon refuses anyway
    /// - Throws: `usage` if it is not meant, or if there is no terminal to ask
    func ask(_ change: String, _ client: FuseboxClient) throws(Failure) {
        guard !yes, client.hello?.isOperator == true else { return }
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw Failure(.usage, "\(change), and that cannot be undone; if it is meant, say so with --yes")
        }
        let question = Array("\(change.printable), and that cannot be undone. Go on? [y/N] ".utf8)
        _ = unsafe write(STDERR_FILENO, question, question.count)
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw Failure(.usage, "nothing was changed")
        }
    }
}
