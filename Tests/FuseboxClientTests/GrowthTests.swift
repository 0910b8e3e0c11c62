import FuseboxWire
import Testing

@testable import FuseboxClient

/// A daemon of tomorrow, and the client of today.
struct GrowthTests {
    /// Answers with an example, behind which more fields come.
    private static func server(_ answer: @escaping @Sendable (FakeServer.Request) -> [UInt8]) -> FakeServer {
        FakeServer { request in request.reply(Verbatim(bytes: answer(request))) }
    }

    private static func bytes(_ record: some WireValue) -> [UInt8] {
        var writer = ByteWriter()
        record.encode(into: &writer)
        return writer.bytes
    }

    @Test func aReplyWithALongerTailIsRead() throws {
        let server = Self.server { _ in Self.bytes(Ping.Reply.sample(1)) + [1, 2, 3] }
        let client = try server.connect()
        #expect(try client.ping() == Ping.Reply.sample(1))
        #expect(try client.ping() == Ping.Reply.sample(1))
        #expect(server.hellos.count == 1, "the connection stands")
    }

    @Test func anEntryOfAListThatHasGrownIsRead() throws {
        let entry = Self.bytes(Overview.Entry.sample(1))
        let length = entry.count + 2
        let grown = [UInt8(length & 0xFF), UInt8(length >> 8)] + entry + [8, 9]
        let rest = [0, 0, 0, 0] + Self.bytes(Timestamp(milliseconds: 7)) + [3, 0, 0, 0]
        let server = Self.server { _ in [2, 0] + grown + grown + rest }
        #expect(try server.connect().overview() == [Overview.Entry.sample(1), Overview.Entry.sample(1)])
    }

    @Test func valuesThatTheClientDoesNotKnowEndNothing() throws {
        let server = FakeServer { request in
            guard request.command == Admit.declaration.number else { return request.replySample() }
            var reply = Admit.Reply()
            reply.decision.denials.append(Denial(reason: .unknown(77), retryAfterMilliseconds: 5))
            request.reply(reply)
        }
        let client = try server.connect()
        let denied = #expect(throws: AdmissionDenied.self) { try client.admission.admit(["openai"]).get() }
        #expect(denied?.reasons.map(\.reason) == [.unknown(77)])
        #expect(denied?.description.contains("unknown(77)") == true)
        _ = try client.ping()
        #expect(server.hellos.count == 1)
    }

    @Test func aHelloOfUnknownValuesIsTaken() throws {
        var hello = FakeServer.plainHello
        hello.profile = .unknown(9)
        let server = FakeServer(hello: hello)
        let client = try server.connect()
        _ = try client.ping()
        #expect(client.hello?.profile == .unknown(9))
    }

    @Test func aRefusalThatTheClientDoesNotKnowIsTold() throws {
        let server = FakeServer { $0.refuse(.unknown(99), "not on a Sunday") }
        let client = try server.connect()
        let error = clientError { () throws(ClientError) in _ = try client.ping() }
        #expect(error == .refused(Refusal(.unknown(99), "not on a Sunday")))
        #expect(error?.description.contains("unknown(99)") == true)
    }

    @Test func eventsThatHaveGrownAreRead() throws {
        var transition = BreakerTransition.sample(1)
        transition.to = .unknown(9)
        let grown = transition
        let server = FakeServer { request in
            request.replySample()
            request.peer.send(event: grown.event.number, Self.bytes(grown) + [1, 2, 3], number: 1)
            request.peer.send(.providerRestored(.sample(1)), number: 2)
        }
        let iterator = try server.connect().events()
        #expect(iterator.next()?.event == .breakerTransition(grown))
        #expect(iterator.next()?.event == .providerRestored(.sample(1)))
    }

    @Test func aVersionThatTheClientDoesNotSpeakIsNone() throws {
        var hello = FakeServer.plainHello
        hello.version = 2
        let server = FakeServer(hello: hello)
        let error = #expect(throws: ClientError.self) { try server.connect() }
        guard case .unavailable(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("version 2"))
    }

    @Test func theClientKeepsTheVersionThatWasChosen() throws {
        var hello = Hello(worker: WorkerID(high: 0, low: 1), client: "")
        hello.highestVersion = 2
        #expect(hello.commonVersion == 1)
        let server = FakeServer()
        let client = try server.connect()
        _ = try client.ping()
        #expect(client.hello?.version == 1)
        #expect(server.hellos.map(\.highestVersion) == [1])
    }
}
