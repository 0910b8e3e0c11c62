import FuseboxInterop
import FuseboxWire
import Testing

/// The protocol's vectors.
struct ProtocolVectorTests {
    /// Proto-docs/vectors holds what the code gives, and nothing else.
    @Test func filesAreCurrent() {
        let files = ProtocolVectors.files()
        for file in files {
            if ProtocolDocuments.isRewriting { ProtocolDocuments.write("vectors/\(file.name)", file.contents) }
            #expect(
                ProtocolDocuments.text("vectors/\(file.name)") == file.contents,
                "run `fusebox protocol --format vectors proto-docs/vectors` and review the difference in \(file.name)")
        }
        #expect(ProtocolDocuments.vectorFiles() == files.map(\.name).sorted())
    }

    @Test(arguments: ProtocolVectors.files().map(\.name))
    func everyCommittedFrameDecodesToItsFieldsAndItsFieldsEncodeToTheFrame(file: String) throws {
        let document = try JSONValue(parsing: try #require(ProtocolDocuments.read("vectors/\(file)")))
        for vector in try #require(document["vectors"]?.list) {
            let name = vector["name"]?.text ?? ""
            let bytes = try #require(vector["hex"]?.text.flatMap { Hexadecimal.bytes($0) })
            let spelled = try #require(ProtocolFrame(json: vector), "\(name)")
            #expect(try ProtocolFrame(decoding: bytes) == spelled, "\(name)")
            #expect(spelled.encoded() == bytes, "\(name)")
        }
    }

    @Test func everyCommittedFrameThatMustBeRefusedIsRefusedWithItsStatus() throws {
        let document = try JSONValue(parsing: try #require(ProtocolDocuments.read("vectors/errors.json")))
        for vector in try #require(document["refused"]?.list) {
            let bytes = try #require(vector["hex"]?.text.flatMap { Hexadecimal.bytes($0) })
            let refusal = #expect(throws: Refusal.self, "\(vector.text())") { try ProtocolFrame(decoding: bytes) }
            #expect((refusal?.status).map { "\($0)" } == vector["status"]?.text, "\(vector.text())")
            #expect((refusal?.status.rawValue).map { Int64($0) } == vector["detail"]?.int64)
        }
    }

    /// There are three requests and three replies of every command, three frames of every event, one of every refusal.
    @Test func isComplete() {
        let headers = ProtocolVectors.all().dropLast(ProtocolVectors.conversation().count).map(\.frame.header)
        for number in CommandNumber.allCases.map(\.rawValue) {
            for kind in [FrameKind.request, .reply] {
                #expect(headers.count { $0.command == number && $0.kind == kind.rawValue && $0.detail == 0 } == 3)
            }
        }
        for number in EventNumber.allCases.map(\.rawValue) {
            #expect(headers.count { $0.command == number && $0.kind == FrameKind.event.rawValue } == 3)
        }
        for status in Status.allCases where status != .ok {
            #expect(headers.count { $0.kind == FrameKind.reply.rawValue && $0.detail == status.rawValue } == 1)
        }
    }

    @Test func protocolMdWalksThroughTheConversationByteByByte() throws {
        let page = try #require(ProtocolDocuments.text("protocol.md"))
        // A line of a dump has pairs of digits, then two spaces and their meaning.
        var dumps: [String] = []
        for block in page.split(separator: "```hex\n").dropFirst() {
            let lines = block.split(separator: "\n").prefix { $0 != "```" }
            let pairs = lines.map { line in line.split(separator: "  ", maxSplits: 1)[0].filter { $0 != " " } }
            dumps.append(pairs.joined())
        }
        #expect(dumps == ProtocolVectors.conversation().map { Hexadecimal.text($0.bytes) })
    }
}
