import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// Effects of time are reported when they happen, even if no request arrives.
    @Suite struct PunctualityTests {
        enum Deadline: CaseIterable {
            case permitExpires, markExpires, breakerDecays

            var topics: Topics {
                switch self {
                case .permitExpires: .admission
                case .markExpires: .exhaustion
                case .breakerDecays: .breaker
                }
            }

            /// Sets a deadline after a time.
            func set(afterMilliseconds milliseconds: Int64, _ peer: RawPeer) throws {
                let name = try Name("openai")
                switch self {
                case .permitExpires: _ = try peer.admit("openai", ttlMilliseconds: milliseconds)
                case .markExpires:
                    let mark = ExhaustionMark(provider: name, resetAfterMilliseconds: milliseconds)
                    #expect(try peer.ask(mark).status == .ok)
                case .breakerDecays:
                    var change = BreakerConfigurationChange()
                    change.degradationCurve = [1, 0.5]
                    change.resetTimeoutMilliseconds = milliseconds
                    #expect(try peer.ask(BreakerConfigure(name: name, change: change)).status == .ok)
                    #expect(try peer.ask(BreakerFailure(name: name)).status == .ok)
                }
            }

            /// Whether this event is an effect of time alone.
            func isMet(by event: Event) -> Bool {
                switch (self, event) {
                case (.permitExpires, .permitLapsed(let lapse)): lapse.entry.standing == .expired
                case (.markExpires, .providerRestored(let restored)): restored.end == .expired
                case (.breakerDecays, .breakerTransition(let transition)): transition.to == .closed
                default: false
                }
            }
        }

        private static let dueMilliseconds = 100

        /// Each round begins with the event of the previous one. If deadlines were only checked once a second, each
        /// round but the first would be late by its distance from a whole second. So one round that is on time proves
        /// the timer.
        @Test(arguments: Deadline.allCases)
        func anEventComesWhenItsTimeHasCome(_ deadline: Deadline) throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: deadline.topics)
            let delays = try (1...5).map { _ in
                let begun = monotonicMilliseconds()
                try deadline.set(afterMilliseconds: Int64(Self.dueMilliseconds), peer)
                while !deadline.isMet(by: try subscriber.nextEvent().event) {}
                return monotonicMilliseconds() - begun - Self.dueMilliseconds
            }
            // The daemon's clock has whole milliseconds.
            #expect(delays.allSatisfy { $0 >= -1 }, "\(delays)")
            #expect(delays.dropFirst().min() ?? .max < 100, "\(delays)")
        }

        @Test(arguments: Deadline.allCases)
        func whatBecameDueWhileItWasStoppedIsToldAtOnce(_ deadline: Deadline) throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer.greeted(daemon.socketPath)
            let subscriber = try RawPeer.subscribed(daemon.socketPath, to: deadline.topics)
            let delays = try (1...4).map { _ in
                try deadline.set(afterMilliseconds: 60, peer)
                daemon.send(SIGSTOP)
                let due = monotonicMilliseconds() + 100
                _ = waitUntil { monotonicMilliseconds() > due }
                let begun = monotonicMilliseconds()
                daemon.send(SIGCONT)
                while !deadline.isMet(by: try subscriber.nextEvent().event) {}
                return monotonicMilliseconds() - begun
            }
            #expect(delays.dropFirst().min() ?? .max < 100, "\(delays)")
        }
    }
}
