import FuseboxWire

/// How far each user's lapsed permits had to make room, so that a late settle of one is told from a second settle.
///
/// A settled permit leaves no trace but its number. So a number that nothing is kept of was settled, unless it may be that of
/// a lapsed permit which made room: those of a user have numbers up to the user's mark. The marks of so many users are kept;
/// the lowest makes room, and of the numbers up to it nothing is said any more of users without a mark.
struct ForgottenPermits: Sendable, Equatable {
    /// What a number that nothing is kept of stands for.
    enum Meaning {
        /// No lapsed permit of the user had this number: what was granted under it was settled.
        case settled
        /// It may have lapsed and made room: its call is to be reported.
        case forgotten
        /// It was either of the two, and nobody knows which.
        case unknown
    }

    /// The highest number that made room, by user.
    private(set) var marks: [UInt32: UInt64] = [:]
    /// The highest mark that had to make room itself.
    private(set) var markOfOthers: UInt64 = 0

    /// The highest number that made room, whoever's it was.
    var highest: UInt64 { max(markOfOthers, marks.values.max() ?? 0) }

    func meaning(of number: UInt64, to user: UInt32) -> Meaning {
        if let mark = marks[user] { return number > mark ? .settled : .forgotten }
        return number > markOfOthers ? .settled : .unknown
    }

    /// Notes that a lapsed permit of a user made room; keeps the marks of `limit` users.
    mutating func note(_ number: UInt64, of user: UInt32, keeping limit: Int) {
        marks[user] = max(number, marks[user] ?? 0)
        // Two users never have the same mark: a number is one user's.
        guard marks.count > limit, let lowest = marks.min(by: { $0.value < $1.value }) else { return }
        marks[lowest.key] = nil
        markOfOthers = max(markOfOthers, lowest.value)
    }
}

extension ForgottenPermits {
    init(_ image: PermitTotalsImage, keeping limit: Int) {
        markOfOthers = image.forgottenOfOthers
        for entry in image.forgotten { note(entry.through, of: entry.user, keeping: limit) }
    }

    /// The marks as a snapshot has them.
    var image: [PermitTotalsImage.Forgotten] {
        marks.sorted { $0.key < $1.key }.map { user, mark in
            var image = PermitTotalsImage.Forgotten()
            image.user = user
            image.through = mark
            return image
        }
    }
}
