/// The bound on sequences in files.
///
/// A daemon that makes a million changes a second needs 70,000 years to reach it. A file with a higher sequence was not
/// written by a daemon, and sequences must not continue from it.
package enum SequenceBound {
    /// The highest valid sequence.
    package static let highest: UInt64 = 1 << 61
}
