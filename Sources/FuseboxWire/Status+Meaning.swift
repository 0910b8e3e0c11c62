extension Status {
    /// Whether the server closes the connection once the frame that carries this status is sent.
    ///
    /// `malformed` closes it too where it is a frame that is malformed, not a payload: no next frame can be found, or it
    /// is no request. And so does every refusal of hello.
    public var closesConnection: Bool {
        switch self {
        case .frameTooLarge, .unsupportedVersion, .helloRequired, .helloTimeout, .badMagic, .tooManyConnections,
            .fenced,
            .shuttingDown, .idleTimeout:
            true
        case .ok, .malformed, .unknownCommand, .badName, .badText, .trailingBytes, .outOfRange, .sequenceReused,
            .notFound, .notPermitted, .limitReached, .overflow, .busy, .sequenceOutOfOrder, .storageFailed,
            .damagedData, .outcomeUnknown:
            false
        }
    }

    /// One line for the reference: when a reply carries it.
    public var meaning: String {
        switch self {
        case .ok: "The request was carried out; the payload is the command's reply."
        case .malformed:
            "The payload ends inside a field, or a field holds what its type cannot. Closed if the frame is no request."
        case .unknownCommand: "No command has this number."
        case .frameTooLarge: "The frame is longer than the limit: before hello 512 bytes, then what hello announced."
        case .unsupportedVersion: "Server and client share no protocol version."
        case .helloRequired: "A request came before hello, or a second hello came."
        case .helloTimeout: "Hello did not come in time."
        case .badName: "A name is empty, too long, or holds a control character."
        case .badText: "A text or a name is not valid UTF-8."
        case .trailingBytes: "The payload goes on after its last field."
        case .outOfRange: "A value lies outside its documented range."
        case .badMagic: "The first frame is a hello whose magic is missing or another one."
        case .sequenceReused: "The sequence number was another request of this worker."
        case .notFound: "Nothing is known under this name."
        case .notPermitted: "The peer may not use this command."
        case .limitReached:
            "A limit on what is kept is reached, in all or of this user: names, accounts, permits."
        case .tooManyConnections:
            "The server, or this user, has as many connections or as much unread as it may."
        case .overflow: "A sum would leave the range of money or of a counter; nothing was changed."
        case .busy:
            "Something that can only be done once at a time is under way, or too many replies are unacknowledged; try again."
        case .sequenceOutOfOrder: "The sequence number is not higher than the worker's last one."
        case .fenced: "A newer connection of the same worker has taken over."
        case .shuttingDown: "The server is stopping; reconnect and try again."
        case .storageFailed: "The data directory could not be written; what failed is in the message."
        case .damagedData: "The bytes of a snapshot or an import do not agree with their checksum or format."
        case .outcomeUnknown:
            "Whether the permit was settled before is not known any more; its call is not counted again."
        case .idleTimeout: "The connection was idle for longer than the limit that hello announced."
        }
    }
}
