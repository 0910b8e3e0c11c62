import ArgumentParser
import FuseboxClient
import FuseboxWire
import Glibc

/// `fusebox run --provider NAME … -- COMMAND`
struct RunCommand: ParsableCommand {
    static let name = "run"

    static let configuration = CommandConfiguration(
        commandName: name, abstract: "Run a command that calls a provider, if the call is admitted.",
        usage: "fusebox run --route <route> … [options] -- <command> …",
        discussion: """
            The daemon admits the call. Then the command runs with FUSEBOX_PROVIDER set, and FUSEBOX_DEPLOYMENT, FUSEBOX_MODEL \
            and FUSEBOX_PERMIT if there are any. It has the streams of `fusebox run`. Its exit status is the outcome: 0 success, 75 throttled, \
            69 quota exhausted, any other failure. `fusebox run` exits with the same status, or with 128 plus the number \
            of the signal that ended the command. If the command cannot be started (126, 127), no call was made.

            Signals are passed on. The call counts as abandoned, and not as a failure of the provider, if SIGHUP, SIGINT, \
            SIGQUIT, SIGTERM or SIGPIPE ends the command, if it fails after it got one of the first four, or if the reader of \
            its output has gone. When `fusebox run` is killed, the command is killed too.

            The permit is renewed while the command runs, up to --max-age. A longer call is no longer in flight, but its \
            usage still counts. --timeout ends a command that hangs.

            The command reports its usage in the file $FUSEBOX_USAGE. It writes the provider's answer there, its usage object, \
            or the events of its stream as they arrive. Usage of OpenAI and those that follow it, Anthropic, Gemini, Bedrock, \
            OpenRouter and Ollama is understood. Of one call the last numbers count; calls with different ids add up. Or it \
            writes lines:
              cost=0.0012              dollars; several lines add up
              input-tokens=120         tokens sent; several lines add up
              cached-input-tokens=80   tokens sent and read from a cache, beside those
              cache-write-tokens=80    tokens sent and written to a cache, beside those
              output-tokens=300        tokens received; several lines add up
              reasoning-tokens=90      tokens of reasoning, beside those
              model=gpt-4o             the model that answered, for display
              first-token=0.35         the time to the first token, such as %{time_starttransfer} of curl
              outcome=rejected         replaces the outcome of the exit status
              status=429               the status of the provider's answer, which tells the outcome if it is an error
              retry-after=30           for failure, throttled, quota-exhausted, and a success that was the last for now
              mark-scope=model         how much is marked: provider, deployment, model or route
              retry-after: 30          a header of the provider; also those that tell what remains of its rate limits
            The head of an answer may stand there as `curl -D` writes it, and the body of an error. What they mean is \
            the same for all providers (proto-docs/outcomes.md).
            Numbers may have any form that programs print (7.5e-05), and times any form that providers send (34.07s, 6m0s, \
            seconds since 1970, a date of HTTP or RFC 3339). For what is not understood, standard error has the command \
            that corrects it, and the estimate is charged if there is one. If an inner `fusebox run` makes no call, it writes \
            its exit status to the file as not-sent=75.

            With --wait the call waits for its turn among all that wait: the more urgent first, users in turn, and then in the \
            order of arrival. A signal that asks to end ends the wait.

            If the call is denied, the command does not run. Standard error has the reason for each provider, and the exit \
            status is 75, or 78 if waiting cannot change that. If no daemon answers, it is 69, unless --fail-open is given.

            EXAMPLE
              fusebox run --route openai/gpt-4o -- sh -c 'curl -D head … > answer.json && cat head answer.json >> $FUSEBOX_USAGE'
              fusebox run --route openai/gpt-4o -- sh -c 'curl --fail … > answer.json && jq .usage answer.json >> $FUSEBOX_USAGE'
              fusebox run --route openai/gpt-4o --wait 5m --priority 2 -- ./ask.sh "How do fuses work?"
              fusebox run --provider openai --provider anthropic --cost 0.01 --tokens 800 -- ./ask.sh "How do fuses work?"
              fusebox run --route openai@eu/gpt-4o --route anthropic --tag team:search --cost 0.01 -- ./ask.sh
            """)

    @OptionGroup var call: CallOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the permit stays in force after this process dies, \(durationHelp); up to 24h. (default: 60s)",
            valueName: "time"),
        transform: DurationArgument.within(ValueRanges.timeToLive))
    var ttl = DurationArgument(duration: .seconds(60))

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the permit is renewed at most. (default: 1h, or --timeout plus --kill-after if that is more)",
            valueName: "time"),
        transform: DurationArgument.within(DurationArgument.wait))
    var maxAge: DurationArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the command may run. Then it gets SIGTERM, and the call counts as failed. (default: no limit)",
            valueName: "time"),
        transform: DurationArgument.within(DurationArgument.positive))
    var timeout: DurationArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long after --timeout the command gets SIGKILL. (default: 5s)", valueName: "time"),
        transform: DurationArgument.within(DurationArgument.wait))
    var killAfter = DurationArgument(duration: .seconds(5))

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the call may wait for its turn, \(durationHelp); up to 24h. It waits if the end of other calls, or time, can let it through. (default: it is denied at once)",
            valueName: "time"),
        transform: DurationArgument.within(ValueRanges.wait))
    var wait: DurationArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How urgent a waiting call is: 0, the most urgent, to \(WireLimits.priorities - 1). It becomes one step more urgent for each 10 s of waiting. (default: \(WireLimits.defaultPriority))",
            valueName: "count"), transform: NumberArgument.within(0...WireLimits.priorities - 1))
    var priority = Int(WireLimits.defaultPriority)

    @Flag(help: "Charge the estimate if the command does not report its usage.")
    var chargeEstimate = false

    @Flag(help: "Run the command without a permit if no daemon answers.")
    var failOpen = false

    @OptionGroup var connection: PlainConnectionOptions

    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String]

    func validate() throws {
        guard !chargeEstimate || call.hasEstimate else {
            throw ValidationError("--charge-estimate needs an estimate; give --cost, --tokens or both")
        }
        guard !connection.json else {
            throw ValidationError("`fusebox run` has no --json, because standard output belongs to the command")
        }
    }

    func run() throws {
        do { try makeCall() } catch let unsent as Unsent {
            UsageFile.tellOuterRun(notSent: unsent.status)
            throw unsent.error
        }
    }

    /// No call was made. The exit status is that of this process and not of a command.
    private struct Unsent: Error {
        let error: any Error

        var status: Int32 { (error as? ExitCode)?.rawValue ?? Failure(of: error)?.status.rawValue ?? EXIT_FAILURE }
    }

    private func makeCall() throws {
        let clearance: Clearance
        do { clearance = try self.clearance(try call.candidates, try call.estimate) } catch {
            throw Unsent(error: error)
        }
        if let signal = clearance.signals.pending {
            settle(clearance, .cancelled)
            throw ExitCode(ChildProcess.Ending.killed(by: signal).status)
        }
        let usageFile: UsageFile
        do throws(Failure) { usageFile = try UsageFile() } catch {
            settle(clearance, .cancelled)
            throw Unsent(error: error)
        }
        let child: ChildProcess
        do throws(ChildProcess.SpawnFailure) {
            child = try ChildProcess(
                command, variables: clearance.variables(usageFile.path), passing: clearance.signals)
        } catch {
            settle(clearance, .cancelled)
            Failure.tell("fusebox: \(error.message)")
            throw Unsent(error: ExitCode(error.status))
        }
        let begin = ContinuousClock.now
        let renewal = clearance.renewing(ttl.duration, upTo: longestRenewal)
        let end = child.end(within: patience)
        let duration = begin.duration(to: .now)
        renewal?.cancel()
        let told = usageFile.read()
        settle(
            clearance, try callOutcome(end, told, clearance.candidate), firstToken: told.firstToken, duration: duration)
        if end.ending.status != 0 { throw ExitCode(end.ending.status) }
    }

    private var patience: ChildProcess.Patience? {
        timeout.map { ChildProcess.Patience(timeout: $0.duration, grace: killAfter.duration) }
    }

    private var longestRenewal: Duration {
        if let maxAge { return maxAge.duration }
        return max(.seconds(3_600), patience.map { $0.timeout + $0.grace } ?? .zero)
    }

    // MARK: Before

    /// The permission to run the command: a permit, or none with --fail-open.
    private func clearance(_ candidates: [Candidate], _ estimate: Estimate) throws -> Clearance {
        do {
            let client = try connection.connect()
            // From here on no signal may end this process before the permit is settled.
            let signals = PassedSignals()
            do {
                switch try admit(candidates, estimate, client, signals) {
                case .success(let permit):
                    return Clearance(candidate: permit.candidate, granted: (permit, client), signals: signals)
                case .failure(let denied):
                    for line in AdmissionText.lines(denied) { Failure.tell("fusebox: \(line)") }
                    throw ExitCode((denied.retryAfter == nil ? Failure.Status.deniedForGood : .tryAgain).rawValue)
                }
            } catch {
                client.close()
                throw error
            }
        } catch {
            guard failOpen, let failure = Failure(of: error), failure.status == .unavailable else { throw error }
            Failure.tell("fusebox: running without a permit: \(failure.message)")
            return Clearance(candidate: candidates[0], granted: nil, signals: PassedSignals())
        }
    }

    private func admit(
        _ candidates: [Candidate], _ estimate: Estimate, _ client: FuseboxClient, _ signals: PassedSignals
    ) throws -> Result<Permit, AdmissionDenied> {
        guard let wait else {
            return try client.admission.admit(candidates, tags: call.tags, estimate: estimate, ttl: ttl.duration)
        }
        let turn = TurnWait(client: client, signals: signals)
        switch try turn.admit(
            candidates, tags: call.tags, estimate: estimate, ttl: ttl.duration, waiting: wait.duration,
            priority: priority)
        {
        case .decided(let result): return result
        case .ended(let signal): throw ExitCode(ChildProcess.Ending.killed(by: signal).status)
        }
    }

    // MARK: After

    /// The outcome of the call, from the command's end and its report. Prints advice about lines that were not
    /// understood.
    private func callOutcome(_ end: ChildProcess.End, _ told: ToldUsage, _ candidate: Candidate) throws -> CallOutcome {
        if end.hasTimedOut, let timeout {
            Failure.tell("fusebox: the command ran for more than \(timeout) and was ended")
        }
        let call = CallEnd(
            end: end, told: told, estimate: try self.call.estimate, chargesEstimate: chargeEstimate,
            isUnread: StandardOutput.isUnread)
        for line in call.advice(candidate, socket: connection.socket) {
            Failure.tell("fusebox: \(Table.printable(line))")
        }
        return call.call
    }

    /// Reports the outcome to the daemon, or keeps the report in the spool. The command has run by now, so an error is
    /// printed and does not change the exit status.
    private func settle(
        _ clearance: Clearance, _ outcome: CallOutcome, firstToken: Duration? = nil, duration: Duration? = nil
    ) {
        do {
            let client: FuseboxClient
            if let (permit, granting) = clearance.granted {
                client = granting
                defer { client.close() }
                try client.admission.settle(permit, outcome, firstToken: firstToken, duration: duration)
            } else if outcome != .cancelled {
                client = try connection.connectToReport()
                defer { client.close() }
                try client.admission.report(clearance.candidate, tags: call.tags, outcome)
            } else {
                return
            }
            _ = try KeptReports.tell(of: client)
            KeptReports.warn()
        } catch {
            Failure.tell(
                "fusebox: the call (\(outcome.outcome)) was not counted: \(Failure(of: error)?.message ?? "\(error)")")
        }
    }
}

/// The permission to run the command.
private struct Clearance {
    let candidate: Candidate
    /// The permit and its client; nil if no daemon answered.
    let granted: (permit: Permit, client: FuseboxClient)?
    let signals: PassedSignals

    /// The command's environment variables. A nil value removes a variable that this process has.
    func variables(_ usagePath: String) -> [String: String?] {
        [
            "FUSEBOX_PROVIDER": candidate.provider.text, "FUSEBOX_DEPLOYMENT": candidate.deployment?.text,
            "FUSEBOX_MODEL": candidate.model?.text,
            "FUSEBOX_PERMIT": granted?.permit.number.map { String($0) }, "FUSEBOX_USAGE": usagePath,
        ]
    }

    /// Renews the permit until the task is cancelled or the time is over. The client stays connected, because a
    /// restarted daemon reclaims the permits of workers that have not reconnected within its grace time.
    func renewing(_ ttl: Duration, upTo longest: Duration) -> Task<Void, Never>? {
        guard let (permit, client) = granted else { return nil }
        let look = min(ttl / 3, .milliseconds(500))
        let end = ContinuousClock.now + longest
        return Task.detached {
            var sinceRenewal = Duration.zero
            while (try? await Task.sleep(for: look)) != nil {
                sinceRenewal += look
                // After an error the next renewal tries again. A permit that has expired by then is settled late.
                if sinceRenewal < ttl / 3 || .now >= end {
                    _ = try? await client.ping()
                } else {
                    sinceRenewal = .zero
                    _ = try? await client.admission.renew(permit, ttl: ttl)
                }
            }
        }
    }
}
