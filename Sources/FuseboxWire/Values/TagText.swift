/// What the text of a tag means.
public enum TagText {
    /// What tags of the daemon's own begin with: the peer user that a call is made by, from the kernel's word.
    public static let userPrefix = "uid:"

    /// What a list of tags is, for the reference.
    public static let summary =
        "what the call is made for, such as `team:search`, at most \(WireLimits.TagList.capacity) tags; `\(userPrefix)N` is refused, because the daemon adds it"

    /// What the daemon does with tags that find no room, for the reference.
    public static let folding =
        "whether tags that are not known count under `(other)`, or under that of their template; clients leave it false, and the daemon sets it where it has no room for more tags"

    /// Checks that callers may name a tag.
    ///
    /// - Throws: `outOfRange` for one of the daemon's own, and for a template
    @inlinable
    public static func validate<Text: NameText>(_ tag: Text) throws(Refusal) {
        guard !isOfUser(tag), !isTemplate(tag) else { throw cannotBeTold(tag.name) }
    }

    @usableFromInline @inline(never)
    static func cannotBeTold(_ tag: Name) -> Refusal {
        isOfUser(tag)
            ? Refusal(
                .outOfRange, "the tag '\(tag)' cannot be told: the daemon adds the tag of the caller's user itself")
            : Refusal(.outOfRange, "the tag '\(tag)' ends in *, which only the scope of a limit may")
    }

    /// Whether a tag is one of the daemon's own.
    @inlinable
    public static func isOfUser<Text: NameText>(_ tag: Text) -> Bool {
        unsafe tag.withBytes { bytes in
            unsafe bytes.count >= 4 && bytes[0] == 0x75 && bytes[1] == 0x69 && bytes[2] == 0x64 && bytes[3] == 0x3A
        }
    }

    /// Whether a tag stands for each one that begins so.
    @inlinable
    public static func isTemplate<Text: NameText>(_ tag: Text) -> Bool {
        unsafe tag.withBytes { unsafe $0.last == 0x2A }
    }
}
