extension Bounds {
    /// Users of whom it is known when the last of their waiting calls was granted. Further ones cannot wait while calls
    /// of all of these do.
    public static let waitingUsers = 1_024

    /// Waiting calls that are granted in one turn. Each is an entry of the journal.
    public static let grantsPerTurn = 256
}
