/// Bounds of the ledger.
extension Bounds {
    /// Months of the history that are kept, the present one included: a year, and the month that is not over.
    public static let historyMonths = 13

    /// Users of a tag that are remembered, so that they may read of it: the first ones whose calls have named it. They
    /// take 4 bytes each.
    public static let usersOfTag = TagUsers.Users.count
}
