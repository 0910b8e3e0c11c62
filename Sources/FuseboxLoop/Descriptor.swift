internal import Glibc

/// A file descriptor with one owner. It is closed when its owner goes away, unless `release` gave it away.
package struct Descriptor: ~Copyable {
    /// The descriptor's number. It is valid while this value lives.
    package let number: Int32

    /// Takes ownership of an open descriptor.
    ///
    /// - Parameter number: at least 0
    package init(owning number: Int32) {
        precondition(number >= 0, "a descriptor is not negative")
        self.number = number
    }

    deinit { _ = Glibc.close(number) }

    /// Gives the descriptor away. The caller must close the number that it gets.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }
}

extension Descriptor {
    /// Opens `/dev/null` for each of the descriptors 0 to 2 that is closed.
    ///
    /// Otherwise the next file or socket would get that number. Log lines would then be written into the journal or
    /// sent to a client, and libuv aborts when one of these numbers is closed. Call this before any file is opened.
    package static func openStandardStreams() {
        for number: Int32 in 0...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
            // `open` returns the lowest free number, and all lower ones are open by now. Child processes inherit it,
            // because they need it for the same reason.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
