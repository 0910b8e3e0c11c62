import ArgumentParser
import FuseboxClient
import FuseboxWire

/// `fusebox run --provider NAME … -- COMMAND`
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a command that calls a provider, if a call may go out now.",
        usage: "fusebox run --provider <name> … [options] -- <command> …",
        discussion: """
            The call is admitted, the command runs with FUSEBOX_PROVIDER (FUSEBOX_MODEL, FUSEBOX_PERMIT) set and the streams \
            of this process, and its exit status says how the call went: 0 success, 75 throttled, 69 quota exhausted, any \
            other failure. It is passed on, 128 and its number for a signal. The permit is renewed for as long as the command \
            runs. SIGTERM, SIGINT and SIGHUP are passed on to it; if it ends by them, the call counts as abandoned. A command \
            that cannot be run is no call (126, 127).

            What the call used, the command tells in the file $FUSEBOX_USAGE, a line each:
              cost=0.0012  input-tokens=120  output-tokens=300   amounts add up
              model=gpt-4o                                       the model that answered
              outcome=rejected                                   instead of what the exit status says
              retry-after=30                                     with throttled and quota-exhausted; seconds, or 5m

            If the call is denied, nothing is run: standard error has the reason for each provider, and the exit status is 75. \
            If no daemon answers it is 69, unless --fail-open.

            EXAMPLE
              fusebox run --provider openai --provider anthropic --cost 0.01 --tokens 800 -- ./ask.sh "How do fuses work?"
            """)

    @OptionGroup var call: CallOptions

    @Option(
        help: ArgumentHelp(
            "How long the permit outlasts a death of this process, \(durationHelp); up to 24h.", valueName: "time"))
    var ttl = DurationArgument(duration: .seconds(60))

    @Flag(help: "Record the estimate if the command does not tell what it used.")
    var chargeEstimate = false

    @Flag(help: "Run the command without a permit if no daemon answers.")
    var failOpen = false

    @OptionGroup var connection: ConnectionOptions

    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String]

    func validate() throws {
        guard !chargeEstimate || call.cost != nil || call.tokens > 0 else {
            throw ValidationError("--charge-estimate needs one: give --cost, --tokens or both")
        }
        guard !connection.json else {
            throw ValidationError("what `run` prints is the command's, so there is no --json for it")
        }
    }

    func run() throws {
        let (candidates, estimate) = (try call.candidates, try call.estimate)
        let leave = try self.leave(candidates, estimate)
        let signals = leave.signals
        if let signal = signals.pending {
            settle(leave, .cancelled)
            throw ExitCode(ChildProcess.Ending.killed(by: signal).status)
        }
        let usageFile = try UsageFile()
        let child: ChildProcess
        do throws(ChildProcess.SpawnFailure) {
            child = try ChildProcess(command, variables: leave.variables(usageFile.path), passing: signals)
        } catch {
            settle(leave, .cancelled)
            Failure.tell("fusebox: \(error.message)")
            throw ExitCode(error.status)
        }
        let renewal = leave.renewing(ttl.duration)
        let (ending, passed) = child.end()
        renewal?.cancel()
        settle(leave, outcome(ending, passed, usageFile, estimate))
        if ending.status != 0 { throw ExitCode(ending.status) }
    }

    // MARK: Before

    /// Leave to run the command, with a permit or, where that was asked for, without.
    private func leave(_ candidates: [Candidate], _ estimate: Estimate) throws -> Leave {
        do {
            let client = try connection.connect()
            // From here on a signal must not end this process without the permit having been settled.
            let signals = PassedSignals()
            do {
                switch try client.admission.admit(candidates, estimate: estimate, ttl: ttl.duration) {
                case .success(let permit):
                    return Leave(candidate: permit.candidate, granted: (permit, client), signals: signals)
                case .failure(let denied):
                    for line in AdmissionText.lines(denied) { Failure.tell("fusebox: \(line)") }
                    throw ExitCode(Failure.Status.tryAgain.rawValue)
                }
            } catch {
                client.close()
                throw error
            }
        } catch {
            guard failOpen, let failure = Failure(of: error), failure.status == .unavailable else { throw error }
            Failure.tell("fusebox: running without a permit: \(failure.message)")
            return Leave(candidate: candidates[0], granted: nil, signals: PassedSignals())
        }
    }

    // MARK: After

    /// How the call went, as the command's end and what it wrote tell.
    private func outcome(
        _ ending: ChildProcess.Ending, _ passed: Set<Int32>, _ file: borrowing UsageFile, _ estimate: Estimate
    ) -> CallOutcome {
        let (told, complaints) = file.read()
        for complaint in complaints { Failure.tell("fusebox: \(Table.printable(complaint))") }
        var outcome = told.outcome ?? Self.outcome(ending, passed)
        var usage = told.usage
        if usage == nil, chargeEstimate, outcome != .cancelled {
            usage = Usage(model: told.model, cost: estimate.cost, inputTokens: Int(estimate.tokens))
        }
        // What has used something was sent.
        if outcome == .cancelled, usage != nil { outcome = .abandoned }
        return CallOutcome(outcome, retryAfter: told.retryAfter, usage: usage)
    }

    /// What a command's end says. One that was told to end, and did, says nothing about the provider.
    static func outcome(_ ending: ChildProcess.Ending, _ passed: Set<Int32>) -> Outcome {
        if passed.contains(where: { ending.status == 128 + $0 }) { return .abandoned }
        return switch ending {
        case .exited(0): .success
        case .exited(Failure.Status.tryAgain.rawValue): .throttled
        case .exited(Failure.Status.unavailable.rawValue): .quotaExhausted
        case .exited, .killed: .failure
        }
    }

    /// Tells the daemon, or leaves it in the spool. The command has run: whatever goes wrong here is said, and changes its exit
    /// status no more.
    private func settle(_ leave: Leave, _ outcome: CallOutcome) {
        do {
            let client: FuseboxClient
            if let (permit, granting) = leave.granted {
                client = granting
                defer { client.close() }
                try client.admission.settle(permit, outcome)
            } else if outcome != .cancelled {
                client = try connection.connectToReport()
                defer { client.close() }
                try client.admission.report(leave.candidate, outcome)
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

/// Leave to run the command.
private struct Leave {
    let candidate: Candidate
    /// Nil: no daemon answered.
    let granted: (permit: Permit, client: FuseboxClient)?
    let signals: PassedSignals

    /// What the command finds in its environment. Nil: not even what this process found there.
    func variables(_ usagePath: String) -> [String: String?] {
        [
            "FUSEBOX_PROVIDER": candidate.provider.text, "FUSEBOX_MODEL": candidate.model?.text,
            "FUSEBOX_PERMIT": granted?.permit.number.map { String($0) }, "FUSEBOX_USAGE": usagePath,
        ]
    }

    /// Renews the permit until it is cancelled, and stays connected: a daemon that has started anew takes back what a worker
    /// holds that is not there after its grace time.
    func renewing(_ ttl: Duration) -> Task<Void, Never>? {
        guard let (permit, client) = granted else { return nil }
        let look = min(ttl / 3, .milliseconds(500))
        return Task.detached {
            var sinceRenewal = Duration.zero
            while (try? await Task.sleep(for: look)) != nil {
                sinceRenewal += look
                // What fails is made up for by the next look; a permit that has ended by then is settled late.
                if sinceRenewal < ttl / 3 {
                    _ = try? await client.ping()
                } else {
                    sinceRenewal = .zero
                    _ = try? await client.admission.renew(permit, ttl: ttl)
                }
            }
        }
    }
}
