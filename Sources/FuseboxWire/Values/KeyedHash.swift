/// A fast hash of bytes that callers choose, for tables in memory. Each eight bytes are multiplied by a secret, and the
/// two halves of the product are combined.
@usableFromInline
package enum KeyedHash {
    /// The secret is new with every start of the program, so no caller can choose names that collide. It is never part
    /// of the state or of a visible order.
    @usableFromInline static let secret: (first: UInt64, second: UInt64) = {
        // Swift keys its own hashes at random, once a process.
        func random(_ number: Int) -> UInt64 {
            var hasher = Hasher()
            hasher.combine(number)
            return UInt64(truncatingIfNeeded: hasher.finalize())
        }
        return (random(1), random(2) | 1)
    }()

    @inlinable @inline(__always)
    static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// All of a hash in the half of an integer that tables compare.
    @inlinable @inline(__always)
    static func half(_ hash: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: hash ^ hash >> 32)) }

    /// The hash of a worker's id.
    @inlinable
    package static func of(_ worker: WorkerID) -> Int {
        let secret = secret
        return half(fold(fold(secret.first ^ worker.high, secret.second) ^ worker.low, secret.second))
    }
}
