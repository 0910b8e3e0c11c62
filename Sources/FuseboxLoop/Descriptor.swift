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
