internal import Glibc

/// A file descriptor with one owner: closed when that goes, unless it is given away.
public struct Descriptor: ~Copyable {
    /// Its number, valid while this value lives.
    public let number: Int32

    /// Takes an open descriptor over.
    public init(owning number: Int32) {
        precondition(number >= 0, "a descriptor is not negative")
        self.number = number
    }

    deinit { _ = Glibc.close(number) }

    /// Gives the descriptor away: whoever takes the number must close it.
    public consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }
}

extension Descriptor {
    /// Opens `/dev/null` in the place of each of the descriptors 0 to 2 that is closed.
    ///
    /// Otherwise the next file or socket gets that number: a log line or a library's complaint would be written into the
    /// journal or sent to a client, and libuv ends a process that closes one of them. Call it before anything is opened.
    public static func openStandardOnes() {
        for number: Int32 in 0...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
            // The lowest free number is given, and the ones below are open by now. It is not closed in programs that this
            // process starts: they need it as much.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
