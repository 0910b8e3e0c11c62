/// The outcome of a request, as its reply frame carries it.
///
/// Numbers are part of the protocol: they are never reused and never change their meaning.
public enum Status: UInt8, Sendable, CaseIterable {
    /// The request was carried out; the payload is the command's reply.
    case ok = 0

    // What is wrong with the bytes.

    /// The payload ends inside a field, or a field holds what its type cannot.
    case malformed = 1
    /// No command has this number.
    case unknownCommand = 2
    /// The frame is longer than the limit that hello announced. The connection is closed after this.
    case frameTooLarge = 3
    /// Server and client share no protocol version. The connection is closed after this.
    case unsupportedVersion = 4
    /// A request came before hello, or a second hello came. The connection is closed after this.
    case helloRequired = 5
    /// Hello did not come in time. The connection is closed after this.
    case helloTimeout = 6
    /// A name is empty, too long, or holds a control character.
    case badName = 7
    /// A text or a name is not valid UTF-8.
    case badText = 8
    /// The payload goes on after its last field.
    case trailingBytes = 9
    /// A value lies outside its documented range.
    case outOfRange = 10
    /// The first bytes are not those of this protocol. The connection is closed after this.
    case badMagic = 11
    /// The sequence number was another request's.
    case sequenceReused = 12

    // What is wrong with the request.

    /// Nothing is known under this name.
    case notFound = 16
    /// The peer may not use this command.
    case notPermitted = 17
    /// A limit on what is kept is reached, in all or of this user: names, models, accounts, budgets, permits.
    case limitReached = 18
    /// The server, or this user, has as many connections or as much unread as it may. The connection is closed after this.
    case tooManyConnections = 19
    /// A sum would leave the range of money or of a counter; nothing was changed.
    case overflow = 20
    /// Something that can only be done once at a time is under way, or too many replies are unacknowledged; try again.
    case busy = 21
    /// The sequence number is not higher than the worker's last one.
    case sequenceOutOfOrder = 22
    /// A newer connection of the same worker has taken over. The connection is closed after this.
    case fenced = 23
    /// The server is stopping; reconnect and try again. The connection is closed after this.
    case shuttingDown = 24
    /// The data directory could not be written; what failed is in the message.
    case storageFailed = 25
    /// The bytes of a snapshot or an import do not agree with their checksum or format.
    case damagedData = 26
    /// The connection was idle for longer than the limit that hello announced, and is closed.
    case idleTimeout = 27
    /// Whether the permit was settled before is not known any more; its call is not counted again.
    case outcomeUnknown = 28
}

/// A request that was not carried out: why, where, and what to do about it.
///
/// A refused request has changed nothing.
public struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of reason it was; programs go by this.
    public var status: Status
    /// One sentence for a person: what was wrong, where, and what to do.
    public var message: String

    /// A refusal with its reason.
    public init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    public var description: String { "\(message) [\(status)]" }

    /// The same refusal, its message telling where it arose.
    public func inside(_ place: String) -> Refusal {
        Refusal(status, "\(place): \(message)")
    }

    @usableFromInline @inline(never)
    func inside(_ field: StaticString) -> Refusal { inside(field.description) }
}
