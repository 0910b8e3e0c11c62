import FuseboxClient
import FuseboxWire
import Glibc

/// The end of a command's call: how the command ended, and what it reported.
struct CallEnd {
    let end: ChildProcess.End
    let told: ToldUsage
    let estimate: Estimate
    /// Whether the estimate is charged for usage that was not reported.
    let chargesEstimate: Bool
    /// Whether the reader of the command's output has gone.
    let isUnread: Bool

    /// Signals that end a command that was asked to end, or whose reader has gone. The provider did not fail then.
    private static let ofCaller = PassedSignals.tellingToEnd.union([SIGPIPE])

    /// The outcome and the usage with which the permit is settled.
    var call: CallOutcome {
        var outcome = self.outcome
        // A call that used something was sent, so it cannot count as cancelled.
        if outcome == .cancelled, usage != nil || told.hasUnread { outcome = .abandoned }
        var call = CallOutcome(outcome, retryAfter: told.retryAfter(with: outcome), usage: usage)
        if outcome.isOfProvider { call.markScope = told.markScope(with: outcome) }
        return call
    }

    /// The outcome by what was reported, else by the command's end. A command may fail with an answer that was good.
    private var outcome: Outcome {
        if let told = told.outcome { return told }
        if let answered = told.answer?.outcome, answered != .success { return answered }
        return saidByEnd
    }

    /// The outcome that follows from the command's exit status.
    private var saidByEnd: Outcome {
        if end.hasTimedOut { return .failure }
        let status = end.ending.status
        if status == 0 { return .success }
        // An inner `fusebox run` reported that it made no call.
        if told.unsent.contains(status) { return .cancelled }
        if Self.ofCaller.union(end.passed).contains(status - 128) { return .abandoned }
        if !end.passed.isDisjoint(with: PassedSignals.tellingToEnd) { return .abandoned }
        return switch end.ending {
        case .exited(Failure.Status.tryAgain.rawValue): .throttled
        case .exited(Failure.Status.unavailable.rawValue): .quotaExhausted
        case .exited, .killed: isUnread ? .abandoned : .failure
        }
    }

    /// The call's usage. A reported amount that was not understood is replaced by the estimate, which is its upper
    /// bound. So it never counts as zero.
    private var usage: Usage? {
        var usage = told.usage
        if chargesEstimate, outcome != .cancelled { usage = estimated(told.usage) }
        if told.unreadCost != nil, let cost = estimate.cost, cost > usage?.cost ?? .zero {
            usage = usage ?? Usage(model: told.model)
            usage?.cost = cost
        }
        if told.unreadTokens != nil, case let more = estimate.allTokens - (usage?.knownTokens ?? 0), more > 0 {
            var counted = usage ?? Usage(model: told.model)
            counted.inputTokens = (counted.inputTokens ?? 0) + more
            usage = counted
        }
        return usage
    }

    /// A usage with the estimate in the place of what was not reported.
    private func estimated(_ usage: Usage?) -> Usage {
        var usage = usage ?? Usage(model: told.model)
        if usage.cost == nil { usage.cost = estimate.cost }
        if usage.knownTokens == 0 {
            usage.inputTokens = (estimate.tokens ?? estimate.inputTokens).map { Int($0) }
            usage.outputTokens = estimate.outputTokens.map { Int($0) }
        }
        return usage
    }

    /// Lines for a person about reports that were not understood, with the commands that correct them.
    ///
    /// - Parameters:
    ///   - candidate: the provider and the model of the call
    ///   - socket: the daemon's socket if it was given on the command line
    func advice(_ candidate: Candidate, socket: String?) -> [String] {
        var lines = told.complaints
        if told.unreadCost != nil || told.unreadTokens != nil {
            let charged =
                usage.map { usage in
                    let tokens = usage.knownTokens > 0 ? " and \(Quantity.count(usage.knownTokens, "token"))" : ""
                    return
                        "\(Formatting.dollars(usage.cost ?? .zero))\(tokens) charged; if the call used more, report the rest"
                } ?? "nothing charged; report what the call used"
            var words = ["fusebox", "report"] + place(candidate, socket) + ["--outcome", "abandoned"]
            if told.unreadCost != nil { words += ["--cost", "DOLLARS"] }
            if told.unreadTokens == .input { words += ["--input-tokens", "COUNT"] }
            if told.unreadTokens == .output { words += ["--output-tokens", "COUNT"] }
            lines.append("\(charged): \(words.joined(separator: " "))")
        }
        if told.hasUnreadRetryAfter {
            var words = ["fusebox", "exhaustion", "mark"]
            let isPlain = !candidate.provider.text.contains { $0 == "@" || $0 == "/" }
            words += (isPlain ? [] : ["--provider"]) + [Self.quoted(candidate.provider.text)]
            if let socket { words += ["--socket", Self.quoted(socket)] }
            lines.append("no mark was made; to make it: \((words + ["--for", "TIME"]).joined(separator: " "))")
        } else if told.retryAfter != nil, !call.outcome.takesRetryAfter {
            lines.append(
                "retry-after is ignored: it goes with \(Outcome.withRetryAfter(OutcomeArgument.name)), not with "
                    + OutcomeArgument.name(call.outcome))
        }
        return lines
    }

    private func place(_ candidate: Candidate, _ socket: String?) -> [String] {
        var words = ["--provider", Self.quoted(candidate.provider.text)]
        if let deployment = candidate.deployment { words += ["--deployment", Self.quoted(deployment.text)] }
        if let model = candidate.model?.text ?? told.model { words += ["--model", Self.quoted(model)] }
        if let socket { words += ["--socket", Self.quoted(socket)] }
        return words
    }

    /// A word quoted for a shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-._/:@+,".utf8.contains(byte)
            }
        }
        return isPlain
            ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

/// The reader of standard output.
enum StandardOutput {
    /// Whether standard output is a pipe or a socket whose other end is closed.
    static var isUnread: Bool {
        var state = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return unsafe poll(&state, 1, 0) == 1 && state.revents & Int16(POLLERR | POLLHUP) != 0
    }
}
