import FuseboxWire
import Testing

@testable import FuseboxCore

/// A state machine under test, with all its events.
struct Rig {
    var machine: StateMachine
    var events: [Event] = []

    init(_ profile: Profile = .fusebox, bounds: Bounds = Bounds(), at milliseconds: Int64 = 0) {
        machine = StateMachine(profile: profile, bounds: bounds, at: Moment(milliseconds: milliseconds))
    }

    @discardableResult
    mutating func apply<C: StateCommand>(
        _ command: C, at milliseconds: Int64 = 0, by user: UInt32 = 0, worker: UInt64 = 0
    ) throws(Refusal) -> C.Reply {
        try machine.apply(
            command, at: Moment(milliseconds: milliseconds), by: user, worker: WorkerID(high: worker, low: 0),
            effects: &events)
    }

    /// Checks that a command is refused with this status.
    mutating func expect(
        _ status: Status, of command: some StateCommand, at milliseconds: Int64 = 0, by user: UInt32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do throws(Refusal) {
            _ = try apply(command, at: milliseconds, by: user)
            Issue.record("\(command) was carried out", sourceLocation: sourceLocation)
        } catch {
            #expect(error.status == status, "\(error)", sourceLocation: sourceLocation)
        }
    }

    /// The events since the last call.
    mutating func takeEvents() -> [Event] {
        defer { events.removeAll() }
        return events
    }
}

extension StateMachine {
    /// The whole state as bytes. Equal states have equal bytes.
    var image: [UInt8] {
        var bytes: [UInt8] = []
        forEachImageSection { (section: SectionHead, part: borrowing ByteWriter) in
            bytes += [UInt8(section.kind)] + part.bytes
        }
        return bytes
    }

    /// This state, written and read again.
    func restored() throws(Refusal) -> StateMachine {
        var parts: [(section: SectionHead, bytes: [UInt8])] = []
        forEachImageSection { (section: SectionHead, part: borrowing ByteWriter) in
            parts.append((section, part.bytes))
        }
        var image = StateImage(profile: profile, bounds: bounds, at: lastMoment)
        for part in parts {
            let result = part.bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                return Result { () throws(Refusal) in try image.add(part.section, &reader) }
            }
            _ = try result.get()
        }
        return try image.finish()
    }
}

extension Result where Failure == Refusal {
    init(_ body: () throws(Refusal) -> Success) {
        do throws(Refusal) { self = .success(try body()) } catch { self = .failure(error) }
    }
}

/// A name in a test.
func name(_ text: String) -> Name {
    do throws(Refusal) { return try Name(text) } catch { preconditionFailure(error.message) }
}

func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

func dollars(_ text: String) -> Money {
    guard let money = Money(text) else { preconditionFailure("\(text) is no amount") }
    return money
}

/// The refusal that a body throws; nil if it succeeds.
func refusal(_ body: () throws(Refusal) -> Void) -> Refusal? {
    do throws(Refusal) { try body() } catch { return error }
    return nil
}
