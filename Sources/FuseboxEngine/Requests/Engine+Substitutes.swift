import FuseboxCore
import FuseboxStore
import FuseboxWire

/// What money is counted under that finds no room for its names: money was spent, and is never refused for that.
///
/// | told | counted instead under |
/// |---|---|
/// | a settle or report whose answering name finds no room | the model that was asked for, the name left out, or `unspecified` |
/// | a report or a record with a model that finds no room | the provider's `unspecified` |
/// | one with a provider that finds no room | the provider `(other)`, its model `unspecified` |
///
/// The journal holds what was carried out, so that a replay, which has no bounds, comes to the same.
extension Engine {
    /// Applies what stands in for a request that was refused, and returns its payload.
    ///
    /// - Throws: the refusal if nothing stands in for the request
    mutating func applySubstitute(
        of command: UInt16, _ payload: UnsafeRawBufferPointer, _ refusal: Refusal, _ session: borrowing Session,
        at moment: Moment
    ) throws(Refusal) -> ByteWriter {
        guard refusal.status == .limitReached else { throw refusal }
        var refusal = refusal
        for place in Substitute.allCases {
            guard let substitute = unsafe place.payload(for: command, payload) else { continue }
            let next = unsafe substitute.withBytes { unsafe applyOnce(command, $0, session, at: moment) }
            guard let next else { return substitute }
            refusal = next
        }
        throw refusal
    }

    /// Whether a digest that was kept with a reply is that of a request, or of what stood in for it.
    static func isDigest(_ digest: UInt32, of command: UInt16, _ payload: UnsafeRawBufferPointer) -> Bool {
        guard unsafe digest != Checksum.of(payload) else { return true }
        return Substitute.allCases.contains { place in
            guard let substitute = unsafe place.payload(for: command, payload) else { return false }
            return unsafe substitute.withBytes { unsafe Checksum.of($0) } == digest
        }
    }
}

/// Where a charge goes that finds no room under its own names.
private enum Substitute: CaseIterable {
    case askedModel, unspecifiedModel, otherProvider

    /// The payload that takes the place of a command's; nil if nothing does.
    func payload(for command: UInt16, _ payload: UnsafeRawBufferPointer) -> ByteWriter? {
        switch command {
        case Settle.declaration.number: unsafe encoded(payload, settle)
        case Report.declaration.number: unsafe encoded(payload, report)
        case LedgerRecord.declaration.number: unsafe encoded(payload, record)
        default: nil
        }
    }

    private func encoded<C: Command>(_ payload: UnsafeRawBufferPointer, _ substitute: (C) -> C?) -> ByteWriter? {
        var reader = unsafe ByteReader(payload)
        var command = C()
        guard (try? command.decode(from: &reader)) != nil, let substitute = substitute(command) else { return nil }
        var writer = ByteWriter()
        substitute.encode(into: &writer)
        return writer
    }

    private func settle(_ settle: Settle) -> Settle? {
        guard self == .askedModel, settle.usage?.model != nil else { return nil }
        var settle = settle
        settle.usage?.model = nil
        return settle
    }

    private func report(_ report: Report) -> Report? {
        guard let usage = report.usage else { return nil }
        if self == .askedModel, usage.model == nil || report.candidate.model == nil { return nil }
        var report = report
        report.usage?.model = nil
        guard self != .askedModel else { return report }
        report.candidate.model = nil
        guard self == .otherProvider else { return report }
        report.candidate.provider = .otherProvider
        // How the call went says nothing of others.
        report.outcome = .rejected
        report.retryAfterMilliseconds = nil
        return report
    }

    private func record(_ record: LedgerRecord) -> LedgerRecord? {
        guard self != .askedModel else { return nil }
        var record = record
        record.model = .unspecifiedModel
        if self == .otherProvider { record.provider = .otherProvider }
        return record
    }
}
