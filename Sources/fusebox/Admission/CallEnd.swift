import FuseboxClient
import FuseboxWire
import Glibc

/// How the call of a command went: what its end says, and what it has told.
struct CallEnd {
    let end: ChildProcess.End
    let told: ToldUsage
    let estimate: Estimate
    /// Whether what was not told is taken from the estimate.
    let chargesEstimate: Bool
    /// Whether nobody reads what the command prints any more.
    let isUnread: Bool

    /// Signals by which a command ends that was told to, or whose reader has gone: the provider is not to blame.
    private static let ofCaller = PassedSignals.tellingToEnd.union([SIGPIPE])

    /// What is to be settled.
    var call: CallOutcome {
        var outcome = told.outcome ?? saidByEnd
        // What has used something was sent.
        if outcome == .cancelled, usage != nil || told.hasUnread { outcome = .abandoned }
        return CallOutcome(
            outcome, retryAfter: outcome.takesRetryAfter ? told.retryAfter : nil,
            usage: outcome == .cancelled ? nil : usage)
    }

    /// What a command's end says.
    private var saidByEnd: Outcome {
        if end.hasTimedOut { return .failure }
        let status = end.ending.status
        if status == 0 { return .success }
        // An inner `fusebox run` has made no call, and says so.
        if told.unsent.contains(status) { return .cancelled }
        if Self.ofCaller.union(end.passed).contains(status - 128) { return .abandoned }
        if !end.passed.isDisjoint(with: PassedSignals.tellingToEnd) { return .abandoned }
        return switch end.ending {
        case .exited(Failure.Status.tryAgain.rawValue): .throttled
        case .exited(Failure.Status.unavailable.rawValue): .quotaExhausted
        case .exited, .killed: isUnread ? .abandoned : .failure
        }
    }

    /// What the call used. What was told and not understood is taken from the estimate, which is what it may use at most: it
    /// is never nothing.
    private var usage: Usage? {
        var usage = told.usage
        if usage == nil, chargesEstimate, (told.outcome ?? saidByEnd) != .cancelled {
            usage = Usage(model: told.model, cost: estimate.cost, inputTokens: Int(estimate.tokens))
        }
        if told.unreadCost != nil, estimate.cost > usage?.cost ?? .zero {
            usage = usage ?? Usage(model: told.model)
            usage?.cost = estimate.cost
        }
        if told.unreadTokens != nil, case let more = Int(estimate.tokens) - (usage?.tokens ?? 0), more > 0 {
            usage = usage ?? Usage(model: told.model)
            usage?.inputTokens += more
        }
        return usage
    }

    /// What a person has to know, and to do, about what was not understood.
    ///
    /// - Parameter candidate: where the call went
    /// - Parameter socket: the daemon's, if it was named
    func advice(_ candidate: Candidate, socket: String?) -> [String] {
        var lines = told.complaints
        if told.unreadCost != nil || told.unreadTokens != nil {
            let charged =
                usage.map { usage in
                    let tokens = usage.tokens > 0 ? " and \(Quantity.count(usage.tokens, "token"))" : ""
                    return "\(Formatting.dollars(usage.cost))\(tokens) charged; if it used more, tell the rest"
                } ?? "nothing charged; tell what it used"
            var words = ["fusebox", "report"] + place(candidate, socket) + ["--outcome", "abandoned"]
            if told.unreadCost != nil { words += ["--cost", "DOLLARS"] }
            if told.unreadTokens == .input { words += ["--input-tokens", "COUNT"] }
            if told.unreadTokens == .output { words += ["--output-tokens", "COUNT"] }
            lines.append("\(charged): \(words.joined(separator: " "))")
        }
        if told.hasUnreadRetryAfter {
            var words = ["fusebox", "exhaustion", "mark", Self.quoted(candidate.provider.text)]
            if let socket { words += ["--socket", Self.quoted(socket)] }
            lines.append("no mark made; make it: \((words + ["--for", "TIME"]).joined(separator: " "))")
        } else if told.retryAfter != nil, !call.outcome.takesRetryAfter {
            lines.append(
                "retry-after is left out: it goes with failure, throttled and quota-exhausted, not with "
                    + OutcomeArgument.name(call.outcome))
        }
        return lines
    }

    private func place(_ candidate: Candidate, _ socket: String?) -> [String] {
        var words = ["--provider", Self.quoted(candidate.provider.text)]
        if let model = candidate.model?.text ?? told.model { words += ["--model", Self.quoted(model)] }
        if let socket { words += ["--socket", Self.quoted(socket)] }
        return words
    }

    /// A word as a shell takes it.
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

extension Usage {
    /// Input and output together.
    fileprivate var tokens: Int { inputTokens + outputTokens }
}

/// Standard output, as far as somebody reads it.
enum StandardOutput {
    /// Whether its reader has gone: a pipe or a socket without another end.
    static var isUnread: Bool {
        var state = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return unsafe poll(&state, 1, 0) == 1 && state.revents & Int16(POLLERR | POLLHUP) != 0
    }
}
