import ArgumentParser
import FuseboxClient
import FuseboxWire
import Glibc

/// `fusebox run --provider NAME … -- COMMAND`
struct RunCommand: ParsableCommand {
    static let name = "run"

    static let configuration = CommandConfiguration(
        commandName: name, abstract: "Run a command that calls a provider, if a call may go out now.",
        usage: "fusebox run --provider <name> … [options] -- <command> …",
        discussion: """
            The call is admitted, the command runs with FUSEBOX_PROVIDER (FUSEBOX_MODEL, FUSEBOX_PERMIT) set and the streams \
            of this process, and its exit status says how the call went: 0 success, 75 throttled, 69 quota exhausted, any \
            other failure. It is passed on, 128 and its number for a signal. A command that cannot be run is no call (126, 127).

            Signals are passed on. A command that ends by SIGHUP, SIGINT, SIGQUIT, SIGTERM or SIGPIPE, that fails after one of \
            the first four was passed on, or whose output nobody reads any more, counts as abandoned: the provider is not to \
            blame. When this process is killed, the command is killed too.

            The permit is renewed while the command runs, up to --max-age. A call that takes longer is not in flight any more; \
            what it used still counts. --timeout ends a command that hangs.

            What the call used, the command tells in the file $FUSEBOX_USAGE, a line each:
              cost=0.0012  input-tokens=120  output-tokens=300   amounts add up
              model=gpt-4o         the name that answered, which is shown
              outcome=rejected     instead of what the exit status says
              retry-after=30       with failure, throttled and quota-exhausted
            Numbers may be written as programs print them (7.5e-05), and a time as providers tell it (34.07s, 6m0s, an epoch, a \
            date of HTTP or RFC 3339). What is not understood is said, with the line to run then, and is charged as the estimate \
            if there is one. Where a `fusebox run` inside makes no call, the file has its exit status as not-sent=75.

            If the call is denied, nothing is run: standard error has the reason for each provider, and the exit status is 75, \
            or 78 if no time can lift what stands against it. If no daemon answers it is 69, unless --fail-open.

            EXAMPLE
              fusebox run --provider openai --provider anthropic --cost 0.01 --tokens 800 -- ./ask.sh "How do fuses work?"
            """)

    @OptionGroup var call: CallOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the permit outlasts a death of this process, \(durationHelp); up to 24h. (default: 60s)",
            valueName: "time"),
        transform: DurationArgument.within(ValueRanges.timeToLive))
    var ttl = DurationArgument(duration: .seconds(60))

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the permit is renewed at the most. (default: 1h, or --timeout and --kill-after if that is more)",
            valueName: "time"),
        transform: DurationArgument.within(DurationArgument.wait))
    var maxAge: DurationArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the command may take; then it gets SIGTERM, and the call counts as failed. (default: as it likes)",
            valueName: "time"),
        transform: DurationArgument.within(DurationArgument.positive))
    var timeout: DurationArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long after --timeout the command gets SIGKILL. (default: 5s)", valueName: "time"),
        transform: DurationArgument.within(DurationArgument.wait))
    var killAfter = DurationArgument(duration: .seconds(5))

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
        do { try makeCall() } catch let unsent as Unsent {
            UsageFile.tellOuterRun(notSent: unsent.status)
            throw unsent.error
        }
    }

    /// No call was made: the exit status is this process's own, not a command's.
    private struct Unsent: Error {
        let error: any Error

        var status: Int32 { (error as? ExitCode)?.rawValue ?? Failure(of: error)?.status.rawValue ?? EXIT_FAILURE }
    }

    private func makeCall() throws {
        let leave: Leave
        do { leave = try self.leave(try call.candidates, try call.estimate) } catch { throw Unsent(error: error) }
        if let signal = leave.signals.pending {
            settle(leave, .cancelled)
            throw ExitCode(ChildProcess.Ending.killed(by: signal).status)
        }
        let usageFile: UsageFile
        do throws(Failure) { usageFile = try UsageFile() } catch {
            settle(leave, .cancelled)
            throw Unsent(error: error)
        }
        let child: ChildProcess
        do throws(ChildProcess.SpawnFailure) {
            child = try ChildProcess(command, variables: leave.variables(usageFile.path), passing: leave.signals)
        } catch {
            settle(leave, .cancelled)
            Failure.tell("fusebox: \(error.message)")
            throw Unsent(error: ExitCode(error.status))
        }
        let renewal = leave.renewing(ttl.duration, upTo: longestRenewal)
        let end = child.end(within: patience)
        renewal?.cancel()
        settle(leave, try callOutcome(end, usageFile.read(), leave.candidate))
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
                    throw ExitCode((denied.retryAfter == nil ? Failure.Status.deniedForGood : .tryAgain).rawValue)
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

    /// How the call went, as the command's end and what it wrote tell; what a person has to know of it is said.
    private func callOutcome(_ end: ChildProcess.End, _ told: ToldUsage, _ candidate: Candidate) throws -> CallOutcome {
        if end.hasTimedOut, let timeout {
            Failure.tell("fusebox: the command took more than \(timeout), and was ended")
        }
        let call = CallEnd(
            end: end, told: told, estimate: try self.call.estimate, chargesEstimate: chargeEstimate,
            isUnread: StandardOutput.isUnread)
        for line in call.advice(candidate, socket: connection.socket) {
            Failure.tell("fusebox: \(Table.printable(line))")
        }
        return call.call
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

    /// Renews the permit until it is cancelled or has been renewed for so long, and stays connected: a daemon that has started
    /// anew takes back what a worker holds that is not there after its grace time.
    func renewing(_ ttl: Duration, upTo longest: Duration) -> Task<Void, Never>? {
        guard let (permit, client) = granted else { return nil }
        let look = min(ttl / 3, .milliseconds(500))
        let end = ContinuousClock.now + longest
        return Task.detached {
            var sinceRenewal = Duration.zero
            while (try? await Task.sleep(for: look)) != nil {
                sinceRenewal += look
                // What fails is made up for by the next look; a permit that has ended by then is settled late.
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
