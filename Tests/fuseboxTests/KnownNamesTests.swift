import FuseboxTestSupport
import Glibc
import Testing

@testable import fusebox

/// What the shell completes: names that the running daemon knows.
struct KnownNamesTests {
    /// The completions of an option's value, as the scripts of the shells ask for them.
    private func completions(
        _ option: String, of command: [String], _ daemon: String, shell: String = "bash"
    ) throws -> [Substring] {
        let words = ["fusebox"] + command + ["--socket", daemon, option, ""]
        let asked = try Program.run(
            [Program.fusebox, "---completion"] + command + ["--", option, "\(words.count - 1)", "0"] + words,
            environment: ["SAP_SHELL": shell])
        #expect(asked.status == 0)
        #expect(asked.errors == "")
        // The parser ends its answer to zsh with a blank.
        return asked.output.split(separator: "\n").filter { $0 != " " }
    }

    @Test func namesOfTheRunningDaemonAreCompleted() throws {
        let daemon = try DaemonProcess()
        let path = daemon.socketPath
        for line in [
            ["ledger", "record", "openai", "gpt-4o", "--cost", "1", "--tag", "team:search", "--deployment", "eu"],
            ["ledger", "record", "anthropic", "opus", "--cost", "1", "--tag", "has blanks"],
            ["breaker", "failure", "gemini"],
        ] { #expect(try Program.run([Program.fusebox] + line + ["--socket", path]).status == 0) }
        #expect(try completions("--provider", of: ["limit", "set"], path) == ["anthropic", "openai"])
        #expect(try completions("--deployment", of: ["limit", "set"], path) == ["eu"])
        #expect(try completions("--model", of: ["limit", "set"], path) == ["gpt-4o", "opus"])
        #expect(try completions("--route", of: ["run"], path) == ["anthropic", "gemini", "openai"])
        // A name that would need quotes is left out. Every call also has the tag of its user.
        let tags = ["team:search", "uid:\(geteuid())"]
        #expect(try completions("--tag", of: ["limit", "set"], path).map(String.init) == tags)
        #expect(
            try completions("--tag", of: ["limit", "set"], path, shell: "zsh").map(String.init)
                == tags.map { $0.replacing(":", with: "\\:") })
    }

    @Test func withoutADaemonNothingIsCompletedAndNothingIsSaid() throws {
        #expect(try completions("--provider", of: ["limit", "set"], "/nonexistent/socket") == [])
    }

    @Test(
        arguments: [
            (["fusebox", "run", "--socket", "/a", "--tag", ""], "/a"), (["fusebox", "--socket=/b", "run"], "/b"),
            (["fusebox", "run", "--socket"], nil), (["fusebox", "run"], nil),
        ] as [([String], String?)])
    func theSocketOfTheCommandLineIsAsked(_ words: [String], _ socket: String?) {
        #expect(KnownNames.socket(in: words) == socket)
    }
}
