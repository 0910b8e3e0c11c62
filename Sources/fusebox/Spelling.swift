import FuseboxClient

/// Suggestions for misspelled names.
enum Spelling {
    /// The most similar name; nil if none is similar. If several are equally similar, the first of them.
    static func nearest(to name: String, among names: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased())
        let tolerance = max(1, wanted.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in names.sorted() {
            let letters = Array(candidate.lowercased())
            guard let distance = distance(wanted, letters, atMost: best.map { $0.distance - 1 } ?? tolerance) else {
                continue
            }
            best = (candidate, distance)
        }
        if let best { return best.name }
        // The beginning of a name counts as similar too.
        let continued = names.filter { wanted.count >= 3 && $0.lowercased().hasPrefix(name.lowercased()) }
        return continued.count == 1 ? continued.first : nil
    }

    /// The edit distance: inserted, removed and changed letters, and swapped neighbours; nil if it exceeds `limit`.
    private static func distance(_ one: [Character], _ other: [Character], atMost limit: Int) -> Int? {
        guard limit >= 0, abs(one.count - other.count) <= limit else { return nil }
        var (before, last) = ([Int](), Array(0...other.count))
        for (row, letter) in one.enumerated() {
            var current = [row + 1]
            for (column, otherLetter) in other.enumerated() {
                var cost = min(
                    last[column + 1] + 1, current[column] + 1, last[column] + (letter == otherLetter ? 0 : 1))
                if row > 0, column > 0, letter == other[column - 1], one[row - 1] == otherLetter {
                    cost = min(cost, before[column - 1] + 1)
                }
                current.append(cost)
            }
            guard (current.min() ?? 0) <= limit else { return nil }
            (before, last) = (last, current)
        }
        return last[other.count] <= limit ? last[other.count] : nil
    }
}

extension Failure {
    /// The failure for an unknown name, with a suggestion.
    ///
    /// - Parameters:
    ///   - complaint: the problem, as a sentence without its full stop
    ///   - otherwise: the hint if no known name is similar
    static func unknown(
        _ name: String, _ complaint: String, among names: some Sequence<String>, otherwise: String
    ) -> Failure {
        let hint = Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" } ?? otherwise
        return Failure(.usage, "\(complaint); \(hint)")
    }
}

extension FuseboxClient {
    /// Runs a request about a name that must exist. If the daemon does not find it, the failure suggests a similar
    /// name.
    ///
    /// - Parameter creation: the hint on how to create the name, if the command can
    func withKnown<Result>(
        _ name: String, creation: String? = nil, _ body: () throws(ClientError) -> Result
    ) throws -> Result {
        do throws(ClientError) { return try body() } catch {
            guard case .refused(let refusal) = error, refusal.status == .notFound else { throw error }
            let failure = Failure.unknown(
                name, refusal.message, among: (try? knownNames()) ?? [],
                otherwise: "`fusebox overview` lists all names")
            throw Failure(
                failure.status,
                failure.message + (creation.map { (failure.message.last == "?" ? " " : "; ") + $0 } ?? ""))
        }
    }

    /// Checks that a name is known.
    ///
    /// - Throws: `usage`, with a similar name, if it is not
    func checkKnown(_ name: String) throws {
        let known = try knownNames()
        guard !known.contains(name) else { return }
        throw Failure.unknown(
            name, "nothing is known of '\(name)'", among: known, otherwise: "`fusebox overview` lists all names")
    }

    /// All names with a breaker, a mark, an account or a limit.
    private func knownNames() throws(ClientError) -> Set<String> {
        Set(try overview().map(\.name.text) + limits.list().compactMap(\.scope.provider?.text))
    }
}
