/// The outcome of a request, as its reply frame carries it. `declaration` says what each tells.
public enum Status: Sendable, Hashable {
    case ok

    // What is wrong with the bytes.

    case malformed
    case unknownCommand
    case frameTooLarge
    case unsupportedVersion
    case helloRequired
    case helloTimeout
    case badName
    case badText
    case trailingBytes
    case outOfRange
    case badMagic
    case sequenceReused

    // What is wrong with the request.

    case notFound
    case notPermitted
    case limitReached
    case tooManyConnections
    case overflow
    case busy
    case sequenceOutOfOrder
    case fenced
    case shuttingDown
    case storageFailed
    case damagedData
    case idleTimeout
    case outcomeUnknown

    /// A refusal that only newer servers know, by its number. Its text says why.
    case unknown(UInt8)
}

/// What there is to say of a status.
public struct StatusDeclaration: Sendable {
    /// Its number in the header of a reply. Never reused.
    public var number: UInt8
    /// Whether the server closes the connection once the frame that carries this status is sent.
    ///
    /// `malformed` closes it too where it is a frame that is malformed, not a payload: no next frame can be found, or it
    /// is no request. And so does every refusal of hello.
    public var closesConnection: Bool
    /// One line for the reference: when a reply carries it.
    public var meaning: String

    fileprivate init(_ number: UInt8, closes: Bool = false, _ meaning: String) {
        self.number = number
        closesConnection = closes
        self.meaning = meaning
    }
}

extension Status {
    /// What there is to say of it. A new status is a case, a line here, and its place in `allCases`.
    public var declaration: StatusDeclaration {
        switch self {
        case .ok: StatusDeclaration(0, "Not a refusal: the payload is the command's reply.")
        case .malformed:
            StatusDeclaration(
                1,
                "The payload ends inside a field, or a bool, presence byte or count is impossible. A defect "
                    + "of the client. Closed if it is the frame itself: a length below 8, a kind or a detail other "
                    + "than 0.")
        case .unknownCommand: StatusDeclaration(2, "No command has this number in this version.")
        case .frameTooLarge:
            StatusDeclaration(
                3, closes: true,
                "The length is above `frameLimit`; above \(WireLimits.helloFrameLength) before hello.")
        case .unsupportedVersion:
            StatusDeclaration(4, closes: true, "No version in common. The message names the server's.")
        case .helloRequired: StatusDeclaration(5, closes: true, "A request came before hello, or a second hello.")
        case .helloTimeout: StatusDeclaration(6, closes: true, "Hello was not complete in time.")
        case .badName: StatusDeclaration(7, "A name is empty, too long, or holds a control character.")
        case .badText: StatusDeclaration(8, "A text or name is not valid UTF-8.")
        case .trailingBytes: StatusDeclaration(9, "Bytes follow the last field. A defect of the client.")
        case .outOfRange: StatusDeclaration(10, "A value lies outside its documented range.")
        case .badMagic: StatusDeclaration(11, closes: true, "The first frame has hello's number and another magic.")
        case .sequenceReused:
            StatusDeclaration(12, "The number was another request of this worker. A defect of the client.")
        case .notFound:
            StatusDeclaration(16, "Nothing is known under this name or of this permit, or a snapshot has been retired.")
        case .notPermitted:
            StatusDeclaration(
                17,
                "An operator command from a peer that is not an operator, or the permit or worker id of "
                    + "another user.")
        case .limitReached:
            StatusDeclaration(
                18,
                "No room for another name, model, account or budget (an operator may `forget` one), or for "
                    + "another permit, in all or of this user; the text says which.")
        case .tooManyConnections:
            StatusDeclaration(
                19, closes: true,
                "The server is full, or this user has reached its limit of connections or of unread output; "
                    + "the text says which. Wait, then try again.")
        case .overflow: StatusDeclaration(20, "A sum would leave its range.")
        case .busy:
            StatusDeclaration(
                21,
                "A snapshot or an import is under way, a chunk does not continue this connection's import "
                    + "(begin again at offset 0), or too many replies are unacknowledged. Try again.")
        case .sequenceOutOfOrder:
            StatusDeclaration(
                22,
                "The sequence number is not higher than the worker's last, and its reply is not kept.")
        case .fenced:
            StatusDeclaration(
                23, closes: true,
                "Another connection of the same worker took over. Do not reconnect with this id.")
        case .shuttingDown: StatusDeclaration(24, closes: true, "The server is stopping. Reconnect and send again.")
        case .storageFailed: StatusDeclaration(25, "The data directory could not be written. The change was not made.")
        case .damagedData:
            StatusDeclaration(
                26,
                "A snapshot or an import does not agree with its checksum, its format or the length that was "
                    + "announced.")
        case .idleTimeout:
            StatusDeclaration(
                27, closes: true,
                "Nothing arrived for `idleMilliseconds`. Reconnect when there is something to send.")
        case .outcomeUnknown:
            StatusDeclaration(
                28,
                "It is no longer known whether the permit was settled before. Do not report its call again.")
        case .unknown(let number):
            StatusDeclaration(number, "A refusal that only newer servers know; its text says why.")
        }
    }

    /// Whether the server closes the connection once the frame that carries this status is sent.
    public var closesConnection: Bool { declaration.closesConnection }

    /// One line for the reference: when a reply carries it.
    public var meaning: String { declaration.meaning }
}

extension Status: RawRepresentable, CaseIterable {
    /// Those that this version knows, in the order of their numbers.
    public static let allCases: [Status] = [
        .ok, .malformed, .unknownCommand, .frameTooLarge, .unsupportedVersion, .helloRequired, .helloTimeout,
        .badName, .badText, .trailingBytes, .outOfRange, .badMagic, .sequenceReused, .notFound, .notPermitted,
        .limitReached, .tooManyConnections, .overflow, .busy, .sequenceOutOfOrder, .fenced, .shuttingDown,
        .storageFailed, .damagedData, .idleTimeout, .outcomeUnknown,
    ]

    /// Its number in the header of a reply.
    public var rawValue: UInt8 { declaration.number }

    /// The status of this number; nil if this version knows none.
    public init?(rawValue: UInt8) {
        guard let status = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = status
    }

    /// The status of this number, whether this version knows it or not.
    public init(number: UInt8) { self = Status(rawValue: number) ?? .unknown(number) }
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
