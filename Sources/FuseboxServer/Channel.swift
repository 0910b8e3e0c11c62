import FuseboxCore
import FuseboxEngine
import FuseboxWire

/// The session of a client and the bytes on both ways: all that its requests are handled with.
///
/// It is one value, and a run of requests is one access to it. A property of a class is checked at each access, whether
/// another access to it is under way.
struct Channel: ~Copyable {
    var session: Session
    var input = FrameReader(frameLimit: WireLimits.helloFrameLength)
    var output = ByteWriter()

    /// What ended a run of requests.
    enum End {
        /// The last request was answered. There may be more.
        case answered
        /// The next request waits for room in the journal.
        case noRoom
        /// The last request was answered, and the connection closes.
        case close
        /// The reply to the last request comes later.
        case deferred(Ticket, DeferredWork)
        /// No further frame can be found in the input.
        case refused(Refusal)
    }

    init(_ session: Session) { self.session = session }

    /// Handles the next requests, of which the first is complete.
    ///
    /// - Parameters:
    ///   - limit: how many are handled at most
    ///   - softLimit: the length of unsent output, in bytes, at which no further request is handled
    /// - Returns: how many were handled, and why not more
    mutating func handle(
        atMost limit: Int, below softLimit: Int, with engine: inout Engine, at moment: Moment
    ) -> (count: Int, end: End) {
        let outputBefore = output.count
        var count = 0
        repeat {
            guard
                engine.canTake(frameLength: input.nextLength, from: session) || !engine.needsRoom(input.nextCommand)
            else { return (count, .noRoom) }
            count += 1
            do throws(Refusal) {
                let verdict = try unsafe input.next { header, payload in
                    unsafe engine.handle(header, payload, &session, &output, at: moment)
                }
                switch verdict {
                case .proceed?, nil: break
                case .close?: return (count, .close)
                case .deferred(let ticket, let work)?: return (count, .deferred(ticket, work))
                }
            } catch {
                return (count, .refused(error))
            }
        } while count < limit && input.isReady && output.count + session.delayedBytes < softLimit
            && output.count - outputBefore <= Bounds.outputPerLook
        return (count, .answered)
    }

    /// Appends the events that the peer has subscribed to.
    mutating func deliverEvents(of engine: borrowing Engine) { engine.deliverEvents(to: &session, &output) }
}
