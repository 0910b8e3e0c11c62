import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Workers that die repeatedly, or with very many calls in flight, do not affect others.
    @Suite struct DyingWorkerTests {
        private static let permitsOfOne = 4_096

        @Test(arguments: [true, false])
        func aWorkerThatReconnectsAndDiesInALoopLosesNothingButItsOwn(isTheSame: Bool) throws {
            let daemon = try DaemonProcess("--journal-segment", "256KiB")
            let bystander = Bystander(daemon)
            let living = try RawPeer.greeted(daemon.socketPath)
            let kept = try living.admit("openai").permit
            let worker = WorkerID.random()
            let before = daemon.residentBytes
            let deaths: UInt64 = isFull ? 10_000 : 1_000
            for death in 0..<deaths {
                let peer = try RawPeer.greeted(
                    daemon.socketPath, as: isTheSame ? worker : .random(), after: isTheSame ? death : 0)
                _ = try peer.admit("openai")
            }
            let isTakenBack = try waitUntil { try living.permits().totals.reclaimed == deaths }
            #expect(isTakenBack)
            bystander.expectWasServed()
            #expect(daemon.residentBytes < before + 32 << 20)
            #expect(try living.permits().permits.map(\.permit) == [kept])
            #expect(try daemon.stop() == 0)
            #expect(daemon.check() == 0)
        }

        /// Their permits are reclaimed in parts. A subscriber gets an event for each, or the number that it missed.
        @Test func thousandsOfPermitsOfOneWorkerAreTakenBack() throws {
            let daemon = try DaemonProcess()
            let bystander = Bystander(daemon)
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: .admission)
            var permits: Set<UInt64> = try grantToOneThatDies(daemon)
            let living = try RawPeer.greeted(daemon.socketPath)
            // The events of these permits follow all others. Such an event has the number of events that were missed
            // before it.
            var later: Set<UInt64> = []
            var missed = 0
            while true {
                guard subscriber.hasInput(withinMilliseconds: 500) else {
                    if try living.permits().totals.outstanding > 0 { continue }
                    later.insert(try living.admit("openai", ttlMilliseconds: 1).permit)
                    try #require(later.count < 100, "no event comes")
                    continue
                }
                let (envelope, event) = try subscriber.nextEvent()
                missed += Int(envelope.missed)
                guard case .permitLapsed(let lapse) = event else { throw TestFailure("\(event)") }
                if later.remove(lapse.entry.permit) != nil { break }
                #expect(lapse.entry.standing == .reclaimed)
                try #require(permits.remove(lapse.entry.permit) != nil)
            }
            #expect(missed == permits.count + later.count)
            bystander.expectWasServed()
            let totals = try RawPeer.greeted(daemon.socketPath).permits().totals
            #expect(totals.reclaimed == UInt64(Self.permitsOfOne))
            #expect(try daemon.stop() == 0)
            #expect(daemon.check() == 0)
        }

        /// If the daemon dies meanwhile, the rest is reclaimed after its restart.
        @Test func aDeathOfTheDaemonInTheMiddleOfItLosesNone() throws {
            var daemon = try DaemonProcess()
            _ = try grantToOneThatDies(daemon)
            let watching = try RawPeer.greeted(daemon.socketPath)
            _ = try waitUntil { try watching.permits().totals.reclaimed > 0 }
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            #expect(daemon.check() == 0)
            daemon = try DaemonProcess(in: daemon.folder)
            let peer = try RawPeer.greeted(daemon.socketPath)
            let isTakenBack = try waitUntil { try peer.permits().totals.outstanding == 0 }
            #expect(isTakenBack)
            #expect(try peer.permits().totals.reclaimed == UInt64(Self.permitsOfOne))
            #expect(try daemon.stop() == 0)
            #expect(daemon.check() == 0)
        }

        private func grantToOneThatDies(_ daemon: DaemonProcess) throws -> Set<UInt64> {
            let peer = try RawPeer.greeted(daemon.socketPath)
            return Set(try (0..<Self.permitsOfOne).map { _ in try peer.admit("openai").permit })
        }
    }
}
