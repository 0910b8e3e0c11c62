import FuseboxClient
import FuseboxCore
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Peers that break the rules get a clear error, cost bounded memory, and do not disturb others.
    @Suite struct HostilePeerTests {
        struct Nonsense: CustomTestStringConvertible {
            var testDescription: String
            var bytes: [UInt8]
            var status: Status
        }

        @Test(arguments: [
            Nonsense(
                testDescription: "an HTTP request", bytes: Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8),
                status: .frameTooLarge),
            Nonsense(
                testDescription: "a TLS hello", bytes: [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3],
                status: .frameTooLarge),
            Nonsense(
                testDescription: "a length of 4 GiB", bytes: [255, 255, 255, 255, 1, 0, 0, 0],
                status: .frameTooLarge),
            Nonsense(
                testDescription: "a frame of 513 bytes", bytes: [1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
                status: .frameTooLarge),
            Nonsense(testDescription: "a length of 7", bytes: [7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], status: .malformed),
            Nonsense(testDescription: "a length of 0", bytes: [0, 0, 0, 0], status: .malformed),
            Nonsense(
                testDescription: "a hello with other magic", bytes: [12, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3, 4],
                status: .badMagic),
            Nonsense(testDescription: "a request before hello", bytes: RawPeer.frame(Ping()), status: .helloRequired),
            Nonsense(
                testDescription: "a hello of another version",
                bytes: {
                    var hello = Hello(worker: WorkerID(high: 0, low: 1), client: "")
                    hello.lowestVersion = 900
                    hello.highestVersion = 901
                    return RawPeer.frame(hello)
                }(), status: .unsupportedVersion),
        ])
        func nonsenseAtTheStartIsToldWhyAndClosed(_ nonsense: Nonsense) throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer(daemon.socketPath)
            peer.send(nonsense.bytes)
            let answer = try #require(try peer.next())
            #expect(answer.status == nonsense.status)
            #expect(!answer.message.isEmpty)
            #expect(try peer.isClosed())
        }

        /// The reply that exceeds the bound leaves during the journal's commit, while the engine is in use.
        @Test func aConnectionMayBeDroppedForAReplyThatWaitedForTheJournal() throws {
            let daemon = try DaemonProcess(DaemonProcess.Options(flags: ["--max-buffers", "1MiB"]))
            // Half frames of 196,608 bytes take most of a user's bound. In each round one connection takes a little
            // more, so that the bound is anywhere within the replies.
            var half = [UInt8](repeating: 0, count: 20_000)
            half[2] = 3
            var peers = try (0..<7).map { _ in try RawPeer.greeted(daemon.socketPath) }
            for peer in peers { peer.send(half) }
            var requests = ByteWriter()
            for number in 1...200 {
                let acquire = BreakerAcquire(name: try Name("openai"))
                RawPeer.write(acquire, correlation: UInt32(number), sequence: UInt64(number), into: &requests)
            }
            for _ in 0..<160 {
                // At the bound each of these connections may be dropped.
                let (idle, peer) = (try RawPeer(daemon.socketPath), try RawPeer(daemon.socketPath))
                for other in [idle, peer] { other.send(RawPeer.hello()) }
                guard try idle.next()?.status == .ok, try peer.next()?.status == .ok else { continue }
                peers.append(idle)
                peer.send(requests.bytes)
                while let answer = try peer.next(), answer.status == .ok, answer.header.correlation != 200 {}
            }
            peers = []
            #expect(waitUntil { RawPeer(ifListening: daemon.socketPath)?.isServed == true })
            #expect(daemon.logs("which may buffer 524288 together"))
        }

        @Test func nonsenseAfterHelloIsToldWhy() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)

            peer.send([8, 0, 0, 0, 0xFF, 0x7F, 0, 0, 5, 0, 0, 0])
            let unknown = try #require(try peer.next())
            #expect(unknown.status == .unknownCommand)
            #expect(unknown.header.correlation == 5)

            peer.send([8, 0, 0, 0, 240, 0, 0, 0, 5, 0, 0, 0])
            #expect(try peer.next()?.status == .unknownCommand, "the engine's own inputs are not for peers")

            var trailing = RawPeer.frame(Ping())
            trailing[0] += 1
            peer.send(trailing + [0])
            #expect(try peer.next()?.status == .trailingBytes)

            for (name, status) in [([], Status.badName), ([10], .badName), ([0xC3, 0x28], .badText)]
                as [([UInt8], Status)]
            {
                peer.send([UInt8(9 + name.count), 0, 0, 0, 19, 0, 0, 0, 5, 0, 0, 0, UInt8(name.count)] + name)
                #expect(try peer.next()?.status == status)
            }
            // The connection still works after all of this.
            #expect(try peer.ask(Ping()).status == .ok)

            peer.send([255, 255, 255, 255, 1, 0, 0, 0])
            #expect(try peer.next()?.status == .frameTooLarge)
            #expect(try peer.isClosed())
        }

        @Test func aSecondHelloIsRefusedAndCloses() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(Hello(worker: WorkerID(high: 0, low: 1), client: "")).status == .helloRequired)
            #expect(try peer.isClosed())
        }

        @Test func aHelloThatNeverComesIsNotWaitedFor() throws {
            let daemon = try DaemonProcess("--hello-timeout", "100ms")
            let silent = try RawPeer(daemon.socketPath)
            let slow = try RawPeer(daemon.socketPath)
            slow.send([40, 0, 0, 0, 1])
            for peer in [silent, slow] {
                #expect(try peer.next()?.status == .helloTimeout)
                #expect(try peer.isClosed())
            }
        }

        @Test func randomBytesHarmNobody() throws {
            let daemon = try DaemonProcess()
            let bystander = Bystander(daemon)
            let before = daemon.residentBytes
            var generator = SplitMix64(seed: 42)
            for _ in 0..<300 {
                let peer = try RawPeer(daemon.socketPath)
                if Bool.random(using: &generator) {
                    peer.send(RawPeer.hello(client: ""))
                }
                _ = peer.sendWhatFits((0..<2_000).map { _ in UInt8.random(in: 0...255, using: &generator) })
            }
            bystander.expectWasServed()
            #expect(daemon.residentBytes < before + 16 << 20)
        }

        @Test func aPeerThatNeverReadsIsNotAskedForMore() throws {
            let daemon = try DaemonProcess()
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            for number in 0..<300 {
                _ = try client.breakers.acquire(Candidate("breaker-with-quite-a-long-name-\(number)"))
            }
            let bystander = Bystander(daemon)
            let peer = try RawPeer.greeted(daemon.socketPath)
            let before = daemon.residentBytes

            // Each of these requests has a reply of about 30 KiB, 600 MiB in all.
            let request = RawPeer.frame(BreakerList(cursor: 0))
            var sent = 0
            while sent < 20_000, peer.sendWhatFits(request) == request.count { sent += 1 }
            #expect(sent < 20_000, "the daemon must stop reading")
            #expect(daemon.residentBytes < before + 8 << 20)
            bystander.expectWasServed()

            // If the peer then reads the replies, it gets all of them.
            peer.shutDownSending()
            for _ in 0..<sent { #expect(try peer.next()?.status == .ok) }
            #expect(try peer.isClosed())
        }

        @Test func aSubscriberThatNeverReadsMissesEvents() throws {
            // Without a journal, because the disk may take longer than a peer may stall.
            let daemon = try DaemonProcess("--durability", "snapshot")
            let peer = try RawPeer.greeted(daemon.socketPath)
            #expect(try peer.ask(Subscribe(topics: .all)).status == .ok)
            let before = daemon.residentBytes
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            let bystander = Bystander(daemon)
            // Backlog and socket hold some 2,000 events with such a name. More would take longer than a peer may stall.
            let flapping = try Candidate("flapping-" + String(repeating: "x", count: 110))
            for _ in 0..<2_000 {
                try client.breakers.forceOpen(flapping)
                try client.breakers.reset(flapping)
            }
            #expect(daemon.residentBytes < before + 8 << 20)
            bystander.expectWasServed()
            // When it finally reads, the numbers add up: each is the previous number, plus one, plus the missed events.
            var number: UInt64 = 0
            var missed: UInt64 = 0
            while missed == 0 {
                // The next event that fits has the number of missed events.
                if !peer.hasInput(withinMilliseconds: 200) { try client.breakers.forceOpen("late") }
                if !peer.hasInput(withinMilliseconds: 200) { try client.breakers.reset("late") }
                let event = try envelope(of: try #require(try peer.next()))
                #expect(event.number == number + 1 + event.missed)
                number = event.number
                missed = event.missed
            }
            #expect(missed > 1_000)
        }

        private func envelope(of frame: RawPeer.Frame) throws -> EventEnvelope {
            #expect(frame.header.kind == FrameKind.event.rawValue)
            return try frame.payload.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                var envelope = EventEnvelope()
                try envelope.decode(from: &reader)
                return envelope
            }
        }

        @Test func twoThousandConnectionsAtOnce() throws {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            try #require(limit.rlim_max > 2_200, "the hard limit of descriptors is too low for this test")

            let daemon = try DaemonProcess()
            let bystander = Bystander(daemon)
            let before = daemon.residentBytes
            var peers = try (0..<2_000).map { _ in try RawPeer(daemon.socketPath) }
            for peer in peers {
                peer.send(RawPeer.hello(client: "one of many"))
            }
            for peer in peers { #expect(try peer.next()?.status == .ok) }
            for peer in peers { peer.send(Ping()) }
            for peer in peers { #expect(try peer.next()?.status == .ok) }
            #expect(daemon.residentBytes < before + 2_000 * 32 << 10)
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: .patient)
            #expect(try client.status().connections == 2_002)
            peers.removeAll()
            #expect(waitUntil { (try? client.status().connections) == 2 })
            bystander.expectWasServed()
        }

        @Test func anExcessConnectionIsToldWhyAndOthersStay() throws {
            var options = DaemonProcess.Options()
            options.prelude = "ulimit -n 64"
            let daemon = try DaemonProcess(options)
            let bystander = Bystander(daemon)
            #expect(waitUntil { bystander.answered > 0 })
            var peers = try (0..<31).map { _ in try RawPeer.greeted(daemon.socketPath) }
            for _ in 0..<200 {
                let excess = try RawPeer(daemon.socketPath)
                #expect(try excess.next()?.status == .tooManyConnections)
                #expect(try excess.isClosed())
            }
            for peer in peers { #expect(try peer.ask(Ping()).status == .ok) }
            // Descriptors are reserved for snapshots.
            #expect(try peers[0].ask(SnapshotNow()).status == .ok)
            // Once there is room again, connections are accepted.
            peers.removeLast()
            let hello = RawPeer.hello(client: "late")
            #expect(
                waitUntil {
                    guard let peer = RawPeer(ifListening: daemon.socketPath) else { return false }
                    peer.send(hello)
                    return (try? peer.next())?.status == .ok
                })
            bystander.expectWasServed()
        }

        @Test func millionsOfNamesMeetALimit() throws {
            let count = isFull ? 10_000_000 : 90_000
            let daemon = try DaemonProcess()
            let bystander = Bystander(daemon)
            let before = daemon.residentBytes
            let peer = try RawPeer.greeted(daemon.socketPath)
            var outcomes: [Status: Int] = [:]
            var lastAccepted = 0
            var number = 0
            let began = ContinuousClock.now
            while number < count {
                var batch = ByteWriter()
                let size = min(500, count - number)
                for _ in 0..<size {
                    number += 1
                    let name = try Name("name-\(number)")
                    RawPeer.write(BreakerAcquire(name: name), sequence: UInt64(number), into: &batch)
                }
                peer.send(batch.bytes)
                for place in 1...size {
                    let status = try #require(try peer.next()?.status)
                    outcomes[status, default: 0] += 1
                    if status == .ok { lastAccepted = number - size + place }
                }
            }
            // The user that starts the daemon is an operator, so the bounds on one user do not apply.
            let limit = Bounds().names
            if began.duration(to: .now) < .milliseconds(Bounds().idleBreakerMilliseconds) {
                #expect(
                    outcomes == [.ok: limit - 1, .limitReached: count - limit + 1],
                    "the bystander's name is one of them")
            } else {
                // On a machine so slow the first names have been idle for long enough to make room.
                #expect(outcomes.keys.allSatisfy { $0 == .ok || $0 == .limitReached })
                #expect(outcomes[.ok, default: 0] >= limit - 1)
            }
            #expect(daemon.residentBytes < before + 96 << 20)
            bystander.expectWasServed()
            // A known name is still accepted.
            #expect(try peer.ask(BreakerGet(name: Name("name-\(lastAccepted)"))).status == .ok)
        }
    }
}
