import FuseboxTestSupport
import Glibc
import Testing

/// The README's commands.
struct ReadmeConsoleTests {
    @Test func typedInTheREADMEsOrderEachPrintsWhatTheREADMESaysButForTimes() throws {
        let console = ReadmeConsole(of: Package.text("README.md"))
        try #require(console.steps.count > 20, "the README has lost its commands")
        let folder = TemporaryFolder()
        let boundary = "-- next command --"
        let printed = try folder.run(
            console.script(in: folder.path, boundary: boundary, omitting: ["make "]), path: Program.path(""))
        let outputs = printed.split(separator: boundary + "\n", omittingEmptySubsequences: false).dropFirst()
        #expect(outputs.count == console.steps.count, "the session ended early: \(printed)")
        for (step, output) in zip(console.steps, outputs) {
            let wanted = step.output.map(ReadmeConsole.timeless).filter { !$0.isEmpty }
            let got = output.split(separator: "\n").map { ReadmeConsole.timeless(String($0)) }.filter { !$0.isEmpty }
            #expect(got == wanted, "$ \(step.command.joined(separator: "\n> "))")
        }
    }

    @Test func aSpanAMomentAndTheWidthOfAColumnMakeNoDifferenceAndANumberDoes() {
        let plain = ReadmeConsole.timeless("openai  open   0%  85ms ago  in 4m 59s  2026-11-23 18:48:35")
        #expect(plain == ReadmeConsole.timeless("openai open 0% 1s ago in 5m 2026-01-01 00:00:00"))
        #expect(plain != ReadmeConsole.timeless("openai open 1% 1s ago in 5m 2026-01-01 00:00:00"))
        #expect(ReadmeConsole.timeless("gpt-4o $0.0012") != ReadmeConsole.timeless("gpt-4o $0.0013"))
    }

    @Test func linesThatGoOnWithACommandBelongToItAndTextOutsideTheBlocksDoesNot() throws {
        let console = ReadmeConsole(
            of: "$ no\n```console\n$ cat > f <<'END'\n> a\n> END\n$ cat f\na\n```\n$ no\n```sh\n$ no\n```")
        #expect(console.steps.map(\.command) == [["cat > f <<'END'", "a", "END"], ["cat f"]])
        #expect(console.steps.map(\.output) == [[], ["a"]])
    }
}

extension TemporaryFolder {
    /// Runs a script in the folder with the built programs first in PATH. Returns its output.
    fileprivate func run(_ script: String, path programs: String) throws -> String {
        write("session.sh", script.utf8)
        let command =
            "cd \(path) && PATH=\(programs):$PATH LC_ALL=C.UTF-8 timeout --kill-after 5 120 bash --noprofile --norc session.sh"
        let pipe = try #require(popen(command, "re"))
        var printed: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&piece, 1, piece.count, pipe), count > 0 { printed += piece[..<count] }
        pclose(pipe)
        return String(decoding: printed, as: UTF8.self)
    }
}
