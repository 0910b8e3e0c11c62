import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// A trace of the conformance fixtures.
struct ConformanceTrace {
    let path: String

    init(number: Int) {
        let tests = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
        let digits = number < 10 ? "0\(number)" : "\(number)"
        path = "\(tests)/FuseboxInteropTests/Fixtures/conformance/trace-\(digits).jsonl"
    }

    var bytes: [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { contents += buffer[..<count] }
        return contents
    }

    var lines: [[UInt8]] { bytes.split(separator: 0x0A).map(Array.init) }
}

struct SimulateCommandTests {
    /// The runner's own tests compare its replies with the library's. The tool must print the same replies.
    @Test(arguments: 1...10, Profile.allCases) func aTraceIsAnsweredLineByLine(_ number: Int, _ profile: Profile) throws
    {
        let trace = ConformanceTrace(number: number)
        var runner = TraceRunner(profile: profile)
        let expected = try trace.lines.compactMap { try runner.reply(to: $0)?.text() }
        #expect(expected.count >= 500)
        let outcome = try Program.run([Program.fusebox, "simulate", "--profile", profile.name, trace.path])
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(outcome.lines == expected)
    }

    @Test func standardInputIsAnsweredAsItComes() throws {
        let child = try Child([Program.fusebox, "simulate", "-"])
        for number in 1...3 {
            child.send(#"{"at":\#(number),"op":"breaker.failure","name":"a"}"# + "\n", andMore: true)
            #expect(child.line() == "{}")
        }
        // The last line may lack its line break.
        child.send(#"{"at":4,"op":"breaker.state","name":"a"}"#)
        let outcome = child.end()
        #expect(outcome.status == 0)
        #expect(try outcome.json["consecutiveFailures"] == 3)
    }

    @Test(arguments: [
        (#"{"at":1,"op":"breaker.acquire"}"#, "line 2: name: "), (#"{"op":"export"}"#, "line 2: at: "),
        (#"{"at":1,"op":"nonsense"}"#, "line 2: op: "), ("{\"at\":1,}", "line 2: column 9: "),
    ])
    func aBadLineEndsWith65AndItsPlaceAfterTheRepliesBefore(_ line: String, _ place: String) throws {
        let good = #"{"at":1,"op":"breaker.success","name":"a"}"#
        let outcome = try Program.run([Program.fusebox, "simulate", "-"], input: "\(good)\n\(line)\n\(good)\n")
        #expect(outcome.status == 65)
        #expect(outcome.output == "{}\n")
        #expect(outcome.errors.hasPrefix("fusebox: standard input: \(place)"))
    }
}
