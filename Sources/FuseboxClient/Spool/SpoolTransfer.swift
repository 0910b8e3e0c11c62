import FuseboxWire
import Glibc

/// The delivery of one file, as the worker that left it, with its numbers, in their order.
///
/// A crash may come at any point. So each step is synced before the next depends on it:
///
/// 1. The beginning, with what the daemon told of the worker, is synced before the first report is sent. After a
///    beginning every report may have been sent.
/// 2. The result of a report is synced before a later request acknowledges its reply (`oldestUnacknowledged`), and
///    before the report is sent under another number.
/// 3. The file's removal, or the results of all its reports, are synced before goodbye makes the daemon forget the
///    worker.
struct SpoolTransfer: ~Copyable {
    private var file: SpoolFile
    private var contents: SpoolContents
    private var connection: Connection
    private let hello: Hello.Reply
    private(set) var delivered = 0
    private(set) var undecided = 0

    enum Ending: Equatable {
        case done
        /// The daemon has stopped answering. The rest of the reports stays in the file.
        case cutShort(String)
        /// The daemon cannot take some reports now. They stay in the file.
        case waits(String)
        case stopped
    }

    /// Connects as the worker that left the file.
    ///
    /// - Throws: if the daemon does not answer
    init(
        _ file: consuming SpoolFile, _ contents: SpoolContents, _ path: String,
        _ configuration: FuseboxClient.Configuration
    ) throws(ClientError) {
        connection = try Connection.open(
            path, as: contents.header.worker, lastSequence: contents.lastSequence, name: configuration.sentName,
            patienceMilliseconds: ClientLimits.deliveryMilliseconds,
            until: .after(milliseconds: max(configuration.connectTimeoutMilliseconds, 1)))
        self.file = file
        self.contents = contents
        hello = connection.hello
    }

    /// Sends the pending reports.
    ///
    /// - Throws: if the file cannot be written. No report is lost then, and none counts twice.
    mutating func run(in folder: borrowing SpoolFolder, while goesOn: () -> Bool) throws(SystemFailure) -> Ending {
        if contents.length > ClientLimits.spoolFileBytes { try shorten(in: folder) }
        try begin()
        while true {
            let pending = contents.pending
            guard !pending.isEmpty else { return .done }
            guard goesOn() else { return .stopped }
            let room = hello.keptReplies == 0 ? ClientLimits.deliveredAtOnce : max(Int(hello.keptReplies) / 2, 1)
            let reports = Array(pending.prefix(min(ClientLimits.deliveredAtOnce, room)))
            let (results, ending) = send(reports)
            try note(results)
            if let ending { return ending }
        }
    }

    /// Ends the delivery. Removes the file if all its reports are delivered. Says goodbye if no report will be sent
    /// again.
    consuming func finish(in folder: borrowing SpoolFolder) throws(SystemFailure) {
        guard contents.pending.isEmpty else { return }
        if contents.undecided.isEmpty { try file.remove(from: folder) }
        var connection = connection
        _ = try? connection.ask(Goodbye(), until: .after(milliseconds: ClientLimits.deliveryMilliseconds))
    }

    // MARK: On the disk first

    /// Writes the file anew, without delivered reports and without the records of earlier deliveries.
    private mutating func shorten(in folder: borrowing SpoolFolder) throws(SystemFailure) {
        let bytes = contents.shortened
        let name = file.name
        file = try SpoolFile.make(bytes, in: folder, replacing: name)
        do throws(SpoolContents.Damage) { contents = try SpoolContents(bytes) } catch {
            preconditionFailure("what was just written can be read: \(error)")
        }
    }

    private mutating func begin() throws(SystemFailure) {
        var results: [SpoolResult] = []
        let mayResend = contents.acquaintance?.allowsResending(to: hello) ?? true
        if !mayResend {
            let reason =
                hello.epoch == contents.acquaintance?.epoch
                ? "the daemon has forgotten the worker, so it is not known whether the report counted"
                : "the daemon's state was replaced, so it is not known whether the report counted"
            for report in contents.pending where contents.hasBegun || report.mayHaveLeft {
                results.append(SpoolResult(report.sequence, .inDoubt, reason))
            }
        }
        var beginning = SpoolBeginning()
        beginning.acquaintance = Acquaintance(hello).written
        var writer = ByteWriter()
        for result in results { writer.writeSpool(.result, result) }
        writer.writeSpool(.beginning, beginning)
        try append(writer.bytes)
        apply(results)
        contents.begin(beginning)
    }

    /// Appends the results of a batch. Skips this if every report of the file is delivered, because `finish` removes
    /// the file.
    private mutating func note(_ results: [SpoolResult]) throws(SystemFailure) {
        let isAll = results.count == contents.pending.count && results.allSatisfy { $0.kind == .delivered }
        if !isAll || !contents.undecided.isEmpty, !results.isEmpty {
            var writer = ByteWriter()
            for result in results { writer.writeSpool(.result, result) }
            try append(writer.bytes)
        }
        apply(results)
    }

    private mutating func append(_ bytes: [UInt8]) throws(SystemFailure) {
        try file.append(bytes, at: contents.length)
        contents.extend(to: contents.length + bytes.count)
    }

    private mutating func apply(_ results: [SpoolResult]) {
        for result in results {
            do throws(Refusal) { try contents.note(result) } catch {
                preconditionFailure("a result of a pending report has a place: \(error)")
            }
            if result.kind == .delivered { delivered += 1 }
            if result.kind == .refused || result.kind == .inDoubt { undecided += 1 }
        }
    }

    // MARK: To the daemon

    /// Sends a batch and reads its replies. Returns the results, and an ending if the rest has to wait.
    private mutating func send(_ reports: [SpoolReport]) -> ([SpoolResult], Ending?) {
        var results: [SpoolResult] = []
        var next = max(contents.lastSequence, hello.lastSequence) + 1
        var ending: Ending?
        do throws(Connection.Interruption) {
            let deadline = Deadline.after(milliseconds: ClientLimits.deliveryMilliseconds)
            var frames = self.frames(reports)
            try connection.send(&frames, until: deadline)
            var open = Set(reports.indices)
            while !open.isEmpty {
                guard let (place, answer) = try nextAnswer(deadline), open.remove(place) != nil else { continue }
                let verdict = SpoolVerdict(answer, on: reports[place])
                results.append(verdict.result(for: reports[place], next: &next))
                if case .wait(let reason) = verdict { ending = .waits(reason) }
            }
        } catch {
            return (results, .cutShort(error.description))
        }
        return (results, ending)
    }

    private func frames(_ reports: [SpoolReport]) -> ByteWriter {
        var writer = ByteWriter(capacity: 4096)
        for (place, report) in reports.enumerated() {
            var report = report
            // A permit's number is valid in its own epoch only.
            if report.substitute != nil, report.permitEpoch != hello.epoch { report.becomeSubstitute() }
            let start = writer.beginFrame(
                FrameHeader(command: report.command, kind: .request, correlation: UInt32(place + 1)))
            RequestSequence(sequence: report.sequence, oldestUnacknowledged: reports[0].sequence).encode(into: &writer)
            writer.write(contentsOf: report.payload.contents)
            writer.endFrame(start)
        }
        return writer
    }

    /// The next reply: its place in the batch, and the refusal if it is one. Nil: no reply has come yet.
    private mutating func nextAnswer(
        _ deadline: Deadline
    ) throws(Connection.Interruption) -> (place: Int, Refusal?)? {
        let found = try unsafe connection.nextFrame { header, payload -> (Int, Refusal?)? in
            guard header.kind == FrameKind.reply.rawValue else { return nil }
            let refusal = header.detail == 0 ? nil : unsafe Payload.refusal(header.detail, payload)
            return (Int(header.correlation) - 1, refusal)
        }
        guard let frame = found else {
            try connection.receive(until: deadline)
            return nil
        }
        guard let answer = frame else { return nil }
        // The refusal is about the connection, and not about a report.
        if let refusal = answer.1, answer.0 < 0 || refusal.status.closesConnection { throw .refused(refusal) }
        return answer
    }
}

/// The meaning of the daemon's answer for a report.
enum SpoolVerdict: Equatable {
    case delivered
    /// The daemon will never take the report.
    case refused(String)
    /// The report may have counted before, and there is no way to find out. A person decides.
    case inDoubt(String)
    /// The report is sent again under a new number, because the daemon had refused this number when it first came.
    case renumber
    /// The daemon does not know the permit. The settle's substitute is sent.
    case substitute
    /// The daemon cannot take the report now. It gets a new number for a later attempt.
    case wait(String)

    init(_ refusal: Refusal?, on report: SpoolReport) {
        switch refusal?.status {
        case nil: self = .delivered
        case .notFound where report.substitute != nil: self = .substitute
        case .outcomeUnknown: self = .inDoubt("\(refusal?.message ?? "")")
        case .sequenceOutOfOrder: self = .renumber
        case .busy, .limitReached, .storageFailed, .tooManyConnections: self = .wait("\(refusal?.message ?? "")")
        default: self = .refused("\(refusal?.message ?? "")")
        }
    }

    func result(for report: SpoolReport, next: inout UInt64) -> SpoolResult {
        switch self {
        case .delivered: return SpoolResult(report.sequence, .delivered)
        case .refused(let reason): return SpoolResult(report.sequence, .refused, reason)
        case .inDoubt(let reason): return SpoolResult(report.sequence, .inDoubt, reason)
        case .renumber, .wait:
            // A refused number becomes invalid as soon as a higher one is carried out.
            defer { next += 1 }
            return SpoolResult(report.sequence, .renumbered, newSequence: next)
        case .substitute:
            defer { next += 1 }
            return SpoolResult(report.sequence, .substituted, newSequence: next)
        }
    }
}

extension SpoolResult {
    init(_ sequence: UInt64, _ kind: Kind, _ reason: String = "", newSequence: UInt64 = 0) {
        self.sequence = sequence
        self.kind = kind
        self.reason = reason
        while self.reason.utf8.count > ClientLimits.undecidedReason { self.reason.removeLast() }
        self.newSequence = newSequence
    }
}
