import FuseboxWire

/// The lapsed permits of each user that were forgotten to make room. With it a late settle is distinguished from a
/// second settle.
///
/// A settled permit leaves no trace. So an unknown number was settled, unless it may belong to a lapsed permit that was
/// forgotten. Such permits of a user have numbers up to the user's mark. The marks of a bounded number of users are
/// kept. When the lowest mark is dropped, nothing is known any more about numbers up to it of users without a mark.
struct ForgottenPermits: Sendable, Equatable {
    /// What an unknown number stands for.
    enum Meaning {
        /// No lapsed permit of the user had this number, so its permit was settled.
        case settled
        /// It may have lapsed and was forgotten. Its call is to be reported.
        case forgotten
        /// It was one of the two, and it is not known which.
        case unknown
    }

    /// The highest forgotten number, by user.
    private(set) var marks: [UInt32: UInt64] = [:]
    /// The highest mark that was dropped.
    private(set) var markOfOthers: UInt64 = 0

    /// The highest forgotten number of any user.
    var highest: UInt64 { max(markOfOthers, marks.values.max() ?? 0) }

    func meaning(of number: UInt64, to user: UInt32) -> Meaning {
        if let mark = marks[user] { return number > mark ? .settled : .forgotten }
        return number > markOfOthers ? .settled : .unknown
    }

    /// Notes that a lapsed permit of a user was forgotten. Keeps the marks of `limit` users.
    mutating func note(_ number: UInt64, of user: UInt32, keeping limit: Int) {
        marks[user] = max(number, marks[user] ?? 0)
        // Two users never have the same mark, because a number belongs to one user.
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

    /// The marks, for a snapshot.
    var image: [PermitTotalsImage.Forgotten] {
        marks.sorted { $0.key < $1.key }.map { user, mark in
            var image = PermitTotalsImage.Forgotten()
            image.user = user
            image.through = mark
            return image
        }
    }
}
