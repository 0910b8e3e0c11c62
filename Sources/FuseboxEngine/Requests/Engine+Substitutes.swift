import FuseboxCore
import FuseboxWire

/// Substitutes for names that find no room. Spent money is never refused for lack of room.
///
/// | request | what it counts under |
/// |---|---|
/// | a call with tags that find no room | `(other)`, or that of the tag's template |
/// | a settle or report whose answering name finds no room | the model that was asked for, the name left out, or `unspecified` |
/// | a report or a record with a model that finds no room | the provider's `unspecified` |
/// | one with a provider that finds no room | the provider `(other)`, its model `unspecified` |
///
/// The journal holds the substitute that was applied. So a replay, which has no bounds, gives the same result.
extension Engine {
    /// Applies the substitute of a request that was refused, and returns its payload.
    ///
    /// - Throws: the refusal, if the request has no substitute
    mutating func applySubstitute(
        of command: CommandNumber, _ payload: UnsafeRawBufferPointer, _ refusal: Refusal, _ caller: Caller,
        at moment: Moment
    ) throws(Refusal) -> ByteWriter {
        guard refusal.status == .limitReached else { throw refusal }
        var refusal = refusal
        for place in Substitute.allCases {
            guard let substitute = unsafe place.payload(for: command, payload) else { continue }
            let next = unsafe substitute.withBytes { unsafe applyOnce(command, $0, caller, at: moment) }
            guard let next else { return substitute }
            refusal = next
        }
        throw refusal
    }

    /// Whether a digest that was kept with a reply is that of a request or of its substitute.
    static func isDigest(_ digest: UInt32, of command: CommandNumber, _ payload: UnsafeRawBufferPointer) -> Bool {
        guard unsafe digest != RequestDigest.of(command.rawValue, payload) else { return true }
        return Substitute.allCases.contains { place in
            guard let substitute = unsafe place.payload(for: command, payload) else { return false }
            return unsafe substitute.withBytes { unsafe RequestDigest.of(command.rawValue, $0) } == digest
        }
    }
}

/// Where a charge is counted that finds no room under its own names.
private enum Substitute: CaseIterable {
    case foldedTags, askedModel, unspecifiedModel, otherProvider

    /// The payload of a command's substitute. Nil if it has none.
    func payload(for command: CommandNumber, _ payload: UnsafeRawBufferPointer) -> ByteWriter? {
        var substitution = Substitution(place: self, reader: unsafe ByteReader(payload))
        guard CommandTable.dispatch(command, &substitution) else { return nil }
        return substitution.writer
    }
}

/// Writes the substitute of a command. Returns whether it has one.
private struct Substitution: ~Copyable, CommandVisitor {
    let place: Substitute
    var reader: ByteReader
    var writer = ByteWriter()

    init(place: Substitute, reader: ByteReader) {
        self.place = place
        self.reader = reader
    }

    mutating func visit<C: Command>(_ command: C.Type) -> Bool {
        guard let charge = command as? any ChargeCommand.Type else { return false }
        return write(charge)
    }

    private mutating func write<C: ChargeCommand>(_: C.Type) -> Bool {
        var command = C()
        guard (try? command.decode(from: &reader)) != nil, let substitute = command.substitute(place) else {
            return false
        }
        substitute.encode(into: &writer)
        return true
    }
}

/// A command that charges names.
private protocol ChargeCommand: Command {
    /// The substitute at this place. Nil if there is none.
    func substitute(_ place: Substitute) -> Self?
}

extension Settle: ChargeCommand {
    fileprivate func substitute(_ place: Substitute) -> Settle? {
        guard place == .askedModel, usage?.model != nil else { return nil }
        var settle = self
        settle.usage?.model = nil
        return settle
    }
}

extension Admit: ChargeCommand {
    fileprivate func substitute(_ place: Substitute) -> Admit? {
        guard place == .foldedTags, !tags.isEmpty, !foldsTags else { return nil }
        var admit = self
        admit.foldsTags = true
        return admit
    }
}

extension GrantTurn: ChargeCommand {
    fileprivate func substitute(_ place: Substitute) -> GrantTurn? {
        guard let call = call.substitute(place) else { return nil }
        var turn = self
        turn.call = call
        return turn
    }
}

extension Report: ChargeCommand {
    fileprivate func substitute(_ place: Substitute) -> Report? {
        var report = self
        report.foldsTags = true
        guard place != .foldedTags else { return tags.isEmpty || foldsTags ? nil : report }
        guard let usage else { return nil }
        if place == .askedModel, usage.model == nil || candidate.model == nil { return nil }
        report.usage?.model = nil
        guard place != .askedModel else { return report }
        report.candidate.model = nil
        guard place == .otherProvider else { return report }
        report.candidate.provider = .otherProvider
        // The outcome says nothing about other providers, so it must not move their breaker.
        report.outcome = .rejected
        report.retryAfterMilliseconds = nil
        return report
    }
}

extension LedgerRecord: ChargeCommand {
    fileprivate func substitute(_ place: Substitute) -> LedgerRecord? {
        var record = self
        record.foldsTags = true
        guard place != .foldedTags else { return tags.isEmpty || foldsTags ? nil : record }
        guard place != .askedModel else { return nil }
        record.model = .unspecifiedModel
        if place == .otherProvider { record.provider = .otherProvider }
        return record
    }
}
