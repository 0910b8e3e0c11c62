/// Examines the bytes of names, eight at a time.
@usableFromInline
enum NameBytes {
    /// The hash of a name's bytes: of each eight bytes the halves of the product with a secret are folded.
    @inlinable
    static func hash(_ source: UnsafeRawBufferPointer) -> Int {
        let secret = KeyedHash.secret
        var hash = secret.first ^ UInt64(truncatingIfNeeded: source.count)
        var offset = 0
        while offset < source.count {
            hash = unsafe KeyedHash.fold(hash ^ word(of: source, at: offset), secret.second)
            offset &+= 8
        }
        return KeyedHash.half(hash)
    }

    /// The hash of the bytes of a name, after they were examined in the same pass.
    ///
    /// - Throws: as `Name.init(utf8:)` does
    @inlinable
    static func hash(checking source: UnsafeRawBufferPointer) throws(Refusal) -> Int {
        let count = source.count
        guard count > 0, count <= WireLimits.nameLength else { throw badLength(count) }
        let secret = KeyedHash.secret
        var hash = secret.first ^ UInt64(truncatingIfNeeded: count)
        let each: UInt64 = 0x0101_0101_0101_0101
        var high: UInt64 = 0
        var controls: UInt64 = 0
        var offset = 0
        while offset < count {
            var word = unsafe word(of: source, at: offset)
            hash = KeyedHash.fold(hash ^ word, secret.second)
            // After the name's end are zeros. They count as spaces.
            if count &- offset < 8 { word |= (each &* 0x20) &<< UInt64(8 &* (count &- offset)) }
            let deleted = word ^ (each &* 0x7F)
            // In `word - each * n` a byte below n borrows, which sets its top bit. Bytes whose top bit was set before
            // are masked out.
            controls |= ((word &- each &* 0x20) & ~word | (deleted &- each) & ~deleted) & (each &* 0x80)
            high |= word & (each &* 0x80)
            offset &+= 8
        }
        guard controls == 0 else { throw unsafe controlCharacter(in: source) }
        if high != 0, unsafe !isUTF8(source) { throw notUTF8() }
        return KeyedHash.half(hash)
    }

    /// The eight bytes from an offset on, the first one lowest; zeros stand for what lies behind the end. No byte beyond
    /// the source is read.
    @inlinable @inline(__always)
    static func word(of source: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        let count = source.count
        let left = count &- offset
        if left >= 8 { return unsafe load(source, offset, UInt64.self) }
        if count >= 8 { return unsafe load(source, count &- 8, UInt64.self) &>> UInt64(8 &* (8 &- left)) }
        // Loads that overlap read the same bytes twice.
        if count >= 4 {
            let last = unsafe UInt64(load(source, count &- 4, UInt32.self))
            return unsafe UInt64(load(source, 0, UInt32.self)) | last &<< UInt64(8 &* (count &- 4))
        }
        guard count > 0 else { return 0 }
        let (middle, end) = (count / 2, count &- 1)
        return unsafe UInt64(source[0]) | UInt64(source[middle]) &<< UInt64(8 &* middle)
            | UInt64(source[end]) &<< UInt64(8 &* end)
    }

    @inlinable @inline(__always)
    static func load<Number: FixedWidthInteger & BitwiseCopyable>(
        _ source: UnsafeRawBufferPointer, _ offset: Int, _: Number.Type
    ) -> Number {
        unsafe Number(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// Whether two runs of the same length hold the same bytes.
    @inlinable
    static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < left.count {
            guard unsafe word(of: left, at: offset) == word(of: right, at: offset) else { return false }
            offset &+= 8
        }
        return true
    }

    @usableFromInline @inline(never)
    static func badLength(_ count: Int) -> Refusal {
        count == 0
            ? Refusal(.badName, "a name must not be empty")
            : Refusal(
                .badName, "a name of \(count) bytes is too long; the limit is \(WireLimits.nameLength) bytes of UTF-8")
    }

    @usableFromInline @inline(never)
    static func controlCharacter(in source: UnsafeRawBufferPointer) -> Refusal {
        let index = unsafe source.firstIndex { $0 < 0x20 || $0 == 0x7F } ?? 0
        return unsafe Refusal(
            .badName, "a name must not hold control characters (byte \(index) is \(source[index]))")
    }

    @usableFromInline @inline(never)
    static func notUTF8() -> Refusal { Refusal(.badText, "a name must be valid UTF-8") }

    @usableFromInline @inline(never)
    static func isUTF8(_ source: UnsafeRawBufferPointer) -> Bool {
        unsafe source.withMemoryRebound(to: UInt8.self) { bytes in
            unsafe (try? UTF8Span(validating: bytes.span)) != nil
        }
    }
}
