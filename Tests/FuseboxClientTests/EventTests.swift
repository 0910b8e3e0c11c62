import FuseboxWire
import Synchronization
import Testing

@testable import FuseboxClient

struct EventTests {
    private static let events = EventNumber.allCases.map { Event.sample($0, variant: 1) }

    /// Sends every event to each subscriber, then runs `afterwards`.
    private func server(
        piece: Int? = nil, afterwards: @escaping @Sendable (FakeServer.Peer) -> Void = { _ in }
    ) -> FakeServer {
        FakeServer(piece: piece) { request in
            guard request.command == Subscribe.declaration.number else { return request.replySample() }
            request.replySample()
            for (index, event) in Self.events.enumerated() {
                request.peer.send(event, number: UInt64(index) + 10, missed: UInt64(index))
            }
            afterwards(request.peer)
        }
    }

    @Test(arguments: [nil, 1, 5])
    func theIteratorGivesEveryEvent(_ piece: Int?) throws {
        let server = server(piece: piece)
        let client = try server.connect()
        let iterator = try client.events([.breaker, .ledger])
        for (index, event) in Self.events.enumerated() {
            let received = try #require(iterator.next())
            #expect(received.event == event)
            #expect(received.number == UInt64(index) + 10 && received.missed == UInt64(index))
            #expect(received.at == Timestamp(milliseconds: 7))
        }
        #expect(iterator.failure == nil)
        let subscription: Subscribe = try #require(server.requests.first).decoded()
        #expect(subscription.topics == Topics([.breaker, .ledger]).rawValue)
        // It is another worker, so neither connection fences the other.
        #expect(Set(server.hellos.map(\.worker)).count == 2)
    }

    @Test func anIteratorWithoutEventsRunsOutOfTime() throws {
        let server = FakeServer()
        let iterator = try server.connect().events()
        #expect(try iterator.next(timeout: .milliseconds(5)) == nil)
        #expect(iterator.failure == nil)
        server.peers[1].send(Self.events[0], number: 1)
        #expect(iterator.next()?.event == Self.events[0])
    }

    @Test func anIteratorEndsWithTheReason() throws {
        let server = server { peer in
            peer.refuse(Refusal(.shuttingDown, "the daemon stops"))
            peer.close()
        }
        let iterator = try server.connect().events()
        #expect(Array(iterator).count == Self.events.count)
        #expect(iterator.failure == .refused(Refusal(.shuttingDown, "the daemon stops")))
        #expect(iterator.next() == nil)
    }

    @Test func anIteratorTellsALostConnection() throws {
        let server = server { $0.close() }
        let iterator = try server.connect().events()
        #expect(Array(iterator).count == Self.events.count)
        guard case .unavailable = iterator.failure else {
            Issue.record("\(String(describing: iterator.failure))")
            return
        }
    }

    @Test func anIteratorTellsGarbage() throws {
        let server = server { $0.send([0xFF, 0xFF, 0xFF, 0xFF]) }
        let iterator = try server.connect().events()
        #expect(Array(iterator).count == Self.events.count)
        guard case .protocolViolation = iterator.failure else {
            Issue.record("\(String(describing: iterator.failure))")
            return
        }
    }

    @Test func eventsOfANewerDaemonAreSkipped() throws {
        let server = FakeServer { request in
            request.replySample()
            request.peer.send([8, 0, 0, 0, 99, 0, FrameKind.event.rawValue, 0, 0, 0, 0, 0])
            request.peer.send(Self.events[0], number: 1)
        }
        let iterator = try server.connect().events()
        #expect(iterator.next()?.event == Self.events[0])
    }

    @Test func closingAnIteratorWakesItsThread() throws {
        let server = FakeServer()
        let iterator = try server.connect().events()
        let thread = startThread { #expect(iterator.next() == nil) }
        iterator.close()
        thread.join()
        #expect(iterator.failure == .closed)
    }

    @Test func aRefusedSubscriptionIsThrown() throws {
        let server = FakeServer { $0.refuse(.limitReached, "too many subscribers") }
        let client = try server.connect()
        let error = clientError { () throws(ClientError) in _ = try client.events() }
        #expect(error == .refused(Refusal(.limitReached, "too many subscribers")))
    }

    @Test func theStreamGivesEveryEventAndThrowsTheReason() async throws {
        let server = server { $0.close() }
        let client = try server.connect()
        var received: [Event] = []
        var failure: ClientError?
        do throws(ClientError) {
            for try await event in client.eventStream() { received.append(event.event) }
        } catch { failure = error }
        #expect(received == Self.events)
        guard case .unavailable = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test func aStreamWithoutADaemonThrows() async throws {
        let server = FakeServer()
        let client = try server.connect()
        server.stop()
        var iterator = client.eventStream().makeAsyncIterator()
        var failure: ClientError?
        do throws(ClientError) { _ = try await iterator.next() } catch { failure = error }
        guard case .unavailable = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test func cancellingEndsTheStream() async throws {
        let isSubscribed = Gate()
        let server = FakeServer { request in
            request.replySample()
            isSubscribed.open()
        }
        let client = try server.connect()
        let task = Task {
            var count = 0
            for try await _ in client.eventStream() { count += 1 }
            return count
        }
        startThread {
            isSubscribed.wait()
            task.cancel()
        }
        #expect(try await task.value == 0)
    }

    @Test func aSlowConsumerGetsEveryEventThroughASmallBuffer() async throws {
        let server = FakeServer { request in
            request.replySample()
            for number in 1...3000 as ClosedRange<UInt64> { request.peer.send(Self.events[0], number: number) }
        }
        let client = try server.connect { $0.eventBuffer = 4 }
        var next: UInt64 = 1
        for try await event in client.eventStream() {
            #expect(event.number == next)
            next += 1
            if next == 3001 { break }
            if next.isMultiple(of: 16) { await Task.yield() }
        }
        #expect(next == 3001)
    }
}
