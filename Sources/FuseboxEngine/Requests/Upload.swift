import FuseboxWire

/// A state that is being uploaded for an import. There is one at a time. A newer upload replaces it.
struct Upload {
    /// The pieces as they came. Another thread joins them.
    private var chunks: [[UInt8]] = []
    private var length = 0
    private var session: UInt64?

    mutating func add(_ chunk: ImportChunk, from session: UInt64, limit: Int) throws(Refusal) {
        if chunk.offset == 0 {
            clear()
            self.session = session
        }
        guard self.session == session, chunk.offset == UInt64(length) else {
            throw Refusal(
                .busy,
                "the chunk at \(chunk.offset) does not continue this connection's upload; begin again at offset 0")
        }
        guard length + chunk.chunk.contents.count <= limit else {
            clear()
            throw Refusal(.limitReached, "an import may be \(limit) bytes long; this one is longer")
        }
        let contents = chunk.chunk.contents
        // Small pieces are joined, because each piece takes memory that the limit does not count.
        if let last = chunks.indices.last, chunks[last].count + contents.count <= WireLimits.chunkLength {
            chunks[last].append(contentsOf: contents)
        } else {
            chunks.append(contents)
        }
        length += contents.count
    }

    mutating func finish(length announced: UInt64, from session: UInt64) throws(Refusal) -> [[UInt8]] {
        guard self.session == session, announced == UInt64(length) else {
            throw Refusal(
                .damagedData,
                "\(Quantity.count(announced, "byte")) announced, and \(self.session == session ? length : 0) sent")
        }
        defer { clear() }
        return chunks
    }

    /// Discards the upload of a session.
    mutating func discard(_ session: UInt64) {
        if self.session == session { clear() }
    }

    private mutating func clear() { self = Upload() }
}
