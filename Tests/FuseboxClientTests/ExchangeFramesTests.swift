import FuseboxWire
import Testing

@testable import FuseboxClient

/// Replies after which a request is sent again with another number.
struct ExchangeFramesTests {
    private typealias Report = BreakerSuccess
    private static let settle = FuseboxWire.Settle.self
    private static let substitute = Request.Substitute(epoch: 1, length: 30)

    /// The machine counts bytes that it never sees.
    @Test(arguments: [CommandDeclaration.Effect.durable, .written, .read, .session])
    func aFrameIsAsLongAsItIsCounted(effect: CommandDeclaration.Effect) {
        var table = RequestTable()
        let declaration = CommandDeclaration(.ping, "example", effect, "An example.")
        guard let id = table.claim(declaration, isReport: false) else { fatalError("the table is full") }
        table.change(id) { $0.length = 10 }
        var writer = ByteWriter()
        let start = writer.beginFrame(
            FrameHeader(command: declaration.number, kind: .request, correlation: id.correlation))
        if declaration.isSequenced {
            RequestSequence(sequence: .max, oldestUnacknowledged: .max).encode(into: &writer)
        }
        [UInt8](repeating: 7, count: 10).withUnsafeBytes { writer.write(contentsOf: $0) }
        writer.endFrame(start)
        #expect(table[id].frameLength + FrameHeader.lengthBytes == writer.count)
    }

    /// The daemon refused the request when it arrived, and has had a higher number since. So the request changed
    /// nothing.
    @Test func aNumberThatIsSpentIsReplaced() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Report.self), script.request(Report.self))
        script.takeOutput()
        script.lose()
        script.connect(.daemon(.resumed))
        #expect(script.reply(first, .sequenceOutOfOrder) == [.write(first, 3, oldest: 2), .send])
        #expect(script.reply(second) == [.answered(second)])
        #expect(script.reply(first, .limitReached) == [.answered(first, .limitReached)])
    }

    @Test func aNumberThatWasNeverSentAgainIsNotReplaced() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        #expect(script.reply(report, .sequenceOutOfOrder) == [.answered(report, .sequenceOutOfOrder)])
    }

    @Test func aSettleOfAnUnknownPermitBecomesAReport() {
        let script = ExchangeScript()
        let settle = script.claim(Self.settle)
        #expect(script.submit(settle, orElse: Self.substitute) == [.write(settle, 1, oldest: 1), .send])
        #expect(script.reply(settle, .notFound) == [.substitute(settle), .write(settle, 2, oldest: 2), .send])
        #expect(script.reply(settle) == [.answered(settle)])
    }

    /// A restored state assigns the numbers of permits again.
    @Test func aSettleOfAnotherEpochIsSentAsAReport() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(epoch: 2))
        let settle = script.claim(Self.settle)
        #expect(
            script.submit(settle, orElse: Self.substitute) == [
                .substitute(settle), .write(settle, 1, oldest: 1), .send,
            ])
    }

    /// The request reports a cost, so it survives its caller, a failed attempt and a lost connection.
    @Test func theSubstituteOfACallerThatHasGoneIsKept() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(keeps: 2))
        let settle = script.claim(Self.settle)
        _ = script.submit(settle, orElse: Self.substitute)
        let blocking = script.request(Report.self)
        #expect(script.cancel(settle) == [.failed(settle, .cancelled)])
        #expect(script.release(settle) == [])
        #expect(script.reply(settle, .notFound) == [.substitute(settle), .write(settle, 3, oldest: 2), .send])
        #expect(script.lose() == [.close])
        #expect(script.queued == 1)
        #expect(script.tryInVain() == [.failed(blocking, .absent)])
        #expect((script.queued, script.dropped) == (1, 0))
        script.now = script.now + 100
        #expect(script.connect() == [.write(settle, 3, oldest: 3), .send])
        #expect(script.reply(settle) == [.free(settle)])
        #expect((script.queued, script.dropped) == (0, 0))
    }
}
