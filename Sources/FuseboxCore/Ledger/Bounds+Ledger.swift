/// Bounds of the ledger.
extension Bounds {
    /// Months of the history that are kept, the present one included: a year, and the month that is not over.
    public static let historyMonths = 13

    /// Users of a tag that are remembered, so that they may read of it: the last ones whose calls have named it. A place
    /// takes 4 bytes, so those of 65,536 tags are 8 MiB.
    public static let usersOfTag = TagUsers.Users.count
}
