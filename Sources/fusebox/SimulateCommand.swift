import ArgumentParser
import FuseboxInterop
import FuseboxWire

/// `fusebox simulate`
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Run a trace of requests without a daemon, and print the replies.",
        discussion: """
            A trace has one request a line, as a JSON object with the time of the request. The state is empty at first. One \
            JSON reply a line is printed. The first line that cannot be run ends the command with status 65 and an error.

            EXAMPLE
              fusebox simulate --profile llm-providers trace.jsonl > replies.jsonl
            """)

    @Option(help: "The semantics. `draw` has an effect under llm-providers only.")
    var profile = Profile.fusebox

    @Argument(help: "The trace; - for standard input.", completion: .file())
    var trace: String

    func run() throws {
        var lines = LineReader(try Descriptor(reading: trace))
        var runner = TraceRunner(profile: profile)
        var output = Output()
        do {
            // Replies are flushed before more input is awaited, so that a program can use pipes in both directions.
            while let line = try lines.next(beforeReading: { try output.flush() }) {
                if let reply = try runner.reply(to: line) { try output.write(line: reply.text()) }
            }
        } catch let error as TraceError {
            try output.flush()
            throw Failure(.damagedData, "\(LocalFile.label(trace)): \(error)")
        }
        try output.flush()
    }
}

/// The lines of a file, without their line breaks.
private struct LineReader: ~Copyable {
    private let file: Descriptor
    private var bytes: [UInt8] = []
    private var position = 0
    /// The index up to which there is no line break.
    private var searched = 0
    private var isAtEnd = false

    init(_ file: consuming Descriptor) { self.file = file }

    /// The next line; nil at the end.
    ///
    /// - Parameter beforeReading: called before more input is read, which may block
    mutating func next(beforeReading: () throws -> Void) throws -> ArraySlice<UInt8>? {
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { (position, searched) = (end + 1, end + 1) }
                return bytes[position..<end]
            }
            guard !isAtEnd else { return takeRest() }
            bytes.removeFirst(position)
            position = 0
            searched = bytes.count
            try beforeReading()
            isAtEnd = try !file.read(into: &bytes)
        }
    }

    private mutating func takeRest() -> ArraySlice<UInt8>? {
        guard position < bytes.count else { return nil }
        defer { (position, searched) = (bytes.count, bytes.count) }
        return bytes[position...]
    }
}
