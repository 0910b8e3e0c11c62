/// The status of a reply frame. `declaration` says what each status means.
public enum Status: Sendable, Hashable {
    case ok

    // The bytes are wrong.

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

    // The request cannot be carried out.

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

/// The properties of a status.
public struct StatusDeclaration: Sendable {
    /// Its number in the header of a reply. Never reused.
    public var number: UInt8
    /// Whether the server closes the connection after a frame with this status.
    ///
    /// It also does so after a refusal of hello, and after `malformed` if the frame itself is malformed: it is not a
    /// request, or the next frame cannot be found.
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
    /// Its number and meaning, and whether it closes the connection.
    ///
    /// A new status is a case, a line here, and a place in `allCases`.
    public var declaration: StatusDeclaration {
        switch self {
        case .ok: StatusDeclaration(0, "Not a refusal: the payload is the command's reply.")
        case .malformed:
            StatusDeclaration(
                1,
                "The payload ends inside a field, or has an impossible bool, presence byte or count. This is a defect "
                    + "of the client. The connection is closed if the frame itself is malformed: a length below 8, or "
                    + "a kind or detail other than 0.")
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
        case .trailingBytes: StatusDeclaration(9, "Bytes follow the last field. This is a defect of the client.")
        case .outOfRange: StatusDeclaration(10, "A value lies outside its documented range.")
        case .badMagic:
            StatusDeclaration(11, closes: true, "The first frame has the number of hello and a wrong magic.")
        case .sequenceReused:
            StatusDeclaration(
                12,
                "The worker has used this sequence number for another request. This is a defect of the client.")
        case .notFound:
            StatusDeclaration(16, "The name or the permit is not known, or the snapshot has been removed.")
        case .notPermitted:
            StatusDeclaration(
                17,
                "An operator command from a peer that is not an operator, or the permit or worker id of "
                    + "another user.")
        case .limitReached:
            StatusDeclaration(
                18,
                "There is no room for another name, model, account, limit or permit, in all or for this user; the "
                    + "text says which. An operator makes room for names and accounts with `forget`.")
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
                "The sequence number is not above the worker's last one, and its reply is not kept.")
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

    /// Whether the server closes the connection after a frame with this status.
    public var closesConnection: Bool { declaration.closesConnection }

    /// One line for the reference: when a reply carries it.
    public var meaning: String { declaration.meaning }
}

extension Status: RawRepresentable, CaseIterable {
    /// The statuses that this version knows, in the order of their numbers.
    public static let allCases: [Status] = [
        .ok, .malformed, .unknownCommand, .frameTooLarge, .unsupportedVersion, .helloRequired, .helloTimeout,
        .badName, .badText, .trailingBytes, .outOfRange, .badMagic, .sequenceReused, .notFound, .notPermitted,
        .limitReached, .tooManyConnections, .overflow, .busy, .sequenceOutOfOrder, .fenced, .shuttingDown,
        .storageFailed, .damagedData, .idleTimeout, .outcomeUnknown,
    ]

    /// Its number in the header of a reply.
    @inlinable public var rawValue: UInt8 {
        // Every reply is compared with this one, so it is not looked up.
        if case .ok = self { return 0 }
        return declaration.number
    }

    /// The status of this number; nil if this version does not know it.
    @inlinable
    public init?(rawValue: UInt8) {
        guard rawValue != 0 else {
            self = .ok
            return
        }
        guard let status = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = status
    }

    /// The status of this number; `unknown` if this version does not know it.
    public init(number: UInt8) { self = Status(rawValue: number) ?? .unknown(number) }
}

/// The reason why a request was refused. A refused request has changed nothing.
public struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of reason. Programs decide by it.
    public var status: Status
    /// One sentence for people: what is wrong, where, and what to do.
    public var message: String

    /// A refusal with this status and message.
    public init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The message, with the name of the status in brackets.
    public var description: String { "\(message) [\(status)]" }

    /// The same refusal with a place before its message.
    public func inside(_ place: String) -> Refusal {
        Refusal(status, "\(place): \(message)")
    }

    @usableFromInline @inline(never)
    func inside(_ field: StaticString) -> Refusal { inside(field.description) }
}
