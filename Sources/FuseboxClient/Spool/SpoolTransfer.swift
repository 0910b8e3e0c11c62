import FuseboxWire
import Glibc

/// The delivery of one file: as the worker that left it, with its numbers, in their order.
///
/// A crash may come at any point. What the next delivery has to know is on the disk before it matters:
///
/// 1. How the daemon knows the worker, and that from here on every report may have left: before the first is sent.
/// 2. What has become of a report: before a later request says that its reply has been seen (`oldestUnacknowledged`), and before
///    it is sent under another number.
/// 3. That the file is gone, or nothing in it will be sent again by this worker: before goodbye makes the daemon forget it.
struct SpoolTransfer: ~Copyable {
    private var file: SpoolFile
    private var contents: SpoolContents
    private var connection: Connection
    private let hello: Hello.Reply
    private(set) var delivered = 0
    private(set) var held = 0

    enum Ending: Equatable {
        case done
        /// The daemon does not answer any more. The rest stays where it is.
        case cutShort(String)
        /// The daemon cannot take some of it now. That stays where it is.
        case waits(String)
        case stopped
    }

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

    /// Sends what is to be sent.
    ///
    /// - Throws: if the file cannot be written; nothing is lost then, and nothing counts twice
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

    /// Removes the file if all of it is delivered, and lets the daemon forget the worker if nothing will be sent again.
    consuming func finish(in folder: borrowing SpoolFolder) throws(SystemFailure) {
        guard contents.pending.isEmpty else { return }
        if contents.held.isEmpty { try file.remove(from: folder) }
        var connection = connection
        _ = try? connection.ask(Goodbye(), until: .after(milliseconds: ClientLimits.deliveryMilliseconds))
    }

    // MARK: On the disk first

    /// Writes the file anew without the reports that have counted, and without what many deliveries have written down.
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
                ? "the daemon had to forget the worker, so nobody can tell whether it counted"
                : "the daemon's state was replaced, so nobody can tell whether it counted"
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

    /// Writes down what has become of a batch, unless it was the last and all of it has counted: then the file goes.
    private mutating func note(_ results: [SpoolResult]) throws(SystemFailure) {
        let isAll = results.count == contents.pending.count && results.allSatisfy { $0.kind == .delivered }
        if !isAll || !contents.held.isEmpty, !results.isEmpty {
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
            if result.kind == .refused || result.kind == .inDoubt { held += 1 }
        }
    }

    // MARK: To the daemon

    /// Sends a batch and reads its replies; says why, if the rest has to wait.
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
            // A permit's number means something in its epoch only.
            if report.substitute != nil, report.permitEpoch != hello.epoch { report.becomeSubstitute() }
            let start = writer.beginFrame(
                FrameHeader(command: report.command, kind: .request, correlation: UInt32(place + 1)))
            RequestSequence(sequence: report.sequence, oldestUnacknowledged: reports[0].sequence).encode(into: &writer)
            writer.write(contentsOf: report.payload.contents)
            writer.endFrame(start)
        }
        return writer
    }

    /// The next reply: its place in the batch, its status and its text if it refuses.
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
        // It is meant for the connection.
        if let refusal = answer.1, answer.0 < 0 || refusal.status.closesConnection { throw .refused(refusal) }
        return answer
    }
}

/// What the daemon's answer means for a report.
enum SpoolVerdict: Equatable {
    case delivered
    /// It will never be taken.
    case refused(String)
    /// Nobody knows any more whether it was taken before: it is left to a person.
    case inDoubt(String)
    /// It is asked for under a new number: this one was refused when it first came, or now for a reason that may pass.
    case renumber
    /// Its permit is not known: the call is told by the report that takes its place.
    case substitute
    /// It cannot be taken now.
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
            // A number that was refused is spent as soon as a higher one is carried out.
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
        self.reason = String(decoding: reason.utf8.prefix(ClientLimits.heldReason), as: UTF8.self)
        self.newSequence = newSequence
    }
}
