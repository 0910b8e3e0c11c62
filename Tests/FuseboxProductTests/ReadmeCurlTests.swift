import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// The README's call with curl, against a server on this host.
struct ReadmeCurlTests {
    /// A server that answers each path in its own way. It prints its port.
    private static let server = #"""
        import http.server, json, sys

        ANSWER = {"id": "c", "model": "gpt-4o", "usage": {
            "prompt_tokens": 2006, "completion_tokens": 300, "prompt_tokens_details": {"cached_tokens": 1920}}}
        STREAM = [
            {"id": "s", "choices": [{"delta": {"content": "x" * 400}}]},
            {"id": "s", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
        ]

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/limited":
                    self.answer(429, json.dumps({"error": {"message": "slow down"}}), {"retry-after": "3600"})
                elif self.path == "/stream":
                    events = [STREAM[0]] * 2000 + [STREAM[1]]
                    self.answer(200, "".join(f"data: {json.dumps(one)}\n\n" for one in events) + "data: [DONE]\n\n", {})
                else:
                    self.answer(200, json.dumps(ANSWER), {})

            def answer(self, status, body, headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
        """#

    /// The README's block, as a script.
    private static var call: String? {
        Package.text("README.md").split(separator: "```sh\n").dropFirst()
            .compactMap { $0.split(separator: "```", maxSplits: 1).first.map(String.init) }
            .first { $0.contains("curl -sS -D head") }
    }

    @Test func theAnswerTellsTheUsageAndARefusalTheMark() throws {
        let call = try #require(Self.call)
        let folder = TemporaryFolder()
        let daemon = try DaemonProcess(in: folder)
        folder.write("server.py", Self.server.utf8)
        folder.write("question.json", "{}".utf8)
        // The server lives as long as the shell, which ends it by its number.
        let script = """
            cd \(folder.path)
            python3 server.py > port & server=$!
            trap 'kill $server' EXIT
            while ! [ -s port ]; do sleep 0.05; done
            export PATH=\(Program.path("")):$PATH FUSEBOX_SOCKET=\(daemon.socketPath) OPENAI_API_KEY=key
            ask() { OPENAI_URL=http://127.0.0.1:$(cat port)/$1; export OPENAI_URL; ( \(call) ); echo "status $?"; }
            ask answer; ask stream; ask limited
            kill $server; wait $server; trap - EXIT
            ask answer
            """
        let outcome = try Program.run(["/bin/bash", "-c", script])
        #expect(
            outcome.output.split(separator: "\n").filter { $0.hasPrefix("status") }
                == ["status 0", "status 0", "status 0", "status 75"], "\(outcome.errors)")
        func told(_ words: String...) throws -> JSONValue? {
            let printed = try Program.run(
                [Program.fusebox] + words + ["--json", "--socket", daemon.socketPath])
            return try JSONValue(parsing: printed.output.utf8)
        }
        let usage = try told("ledger", "show", "openai")?["usage"]
        #expect(usage?["cachedInputTokens"] == 1920)
        #expect(usage?["outputTokens"] == 303)
        let mark = try told("exhaustion", "list")?["marks"]?.list?.first
        #expect(mark?["reason"]?.text == "throttled")
        #expect(try told("breaker", "get", "openai")?["status"]?["totalFailures"] == 0)
    }

    @Test func aServerThatIsGoneIsAFailure() throws {
        let call = try #require(Self.call)
        let folder = TemporaryFolder()
        let daemon = try DaemonProcess(in: folder)
        folder.write("question.json", "{}".utf8)
        let script = """
            cd \(folder.path)
            export PATH=\(Program.path("")):$PATH FUSEBOX_SOCKET=\(daemon.socketPath) OPENAI_API_KEY=key
            export OPENAI_URL=http://127.0.0.1:1/
            \(call)
            """
        #expect(try Program.run(["/bin/bash", "-c", script]).status == 7)
        let printed = try Program.run(
            [Program.fusebox, "breaker", "get", "openai", "--json", "--socket", daemon.socketPath])
        #expect(try JSONValue(parsing: printed.output.utf8)["status"]?["totalFailures"] == 1)
    }
}
