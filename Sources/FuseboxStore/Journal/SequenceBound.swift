/// The bound on sequences that files may tell.
///
/// A daemon that makes a million changes a second needs 70,000 years to get there. What tells of more was not written by
/// one, and must not be counted on from.
public enum SequenceBound {
    public static let highest: UInt64 = 1 << 61
}
