import FuseboxCore
import FuseboxWire

extension StateMachine {
    /// What is read from this state's image after some of its values were replaced; nil if that is refused.
    ///
    /// Checksums keep such an image from coming about by accident. But an import is what somebody has written.
    func disturbed(by values: inout RandomValues) -> StateMachine? {
        var parts: [(section: ImageSection, bytes: [UInt8])] = []
        forEachImageSection { (section: ImageSection, part: borrowing ByteWriter) in
            parts.append((section, part.bytes))
        }
        if values.random.once(in: 5) {
            parts.swapAt(values.random.below(parts.count), values.random.below(parts.count))
        }
        if values.random.once(in: 30), let part = parts.last { parts.append(part) }
        do throws(Refusal) {
            var image = StateImage(profile: profile, limits: limits, at: lastMoment)
            // One section alone: of many that are wrong only the first would be told.
            let place = values.random.below(parts.count)
            parts[place].bytes = try parts[place].section.disturbed(parts[place].bytes, by: &values)
            for part in parts {
                let bytes = part.bytes
                let result = bytes.withUnsafeBytes { bytes in
                    var reader = ByteReader(bytes)
                    return Result { () throws(Refusal) in try image.add(part.section.rawValue, &reader) }
                }
                try result.get()
            }
            return try image.finish()
        } catch { return nil }
    }
}

extension ImageSection {
    /// The section's records with some of their values replaced.
    fileprivate func disturbed(_ bytes: [UInt8], by values: inout RandomValues) throws(Refusal) -> [UInt8] {
        switch self {
        case .settings: try disturbed(bytes, SettingsImage.self, by: &values)
        case .names, .models: try disturbed(bytes, NameImage.self, by: &values)
        case .freeNames, .freeModels: try disturbed(bytes, FreeNumberImage.self, by: &values)
        case .breakers: try disturbed(bytes, BreakerRecord.self, by: &values)
        case .marks: try disturbed(bytes, ExhaustionEntry.self, by: &values)
        case .accounts: try disturbed(bytes, AccountImage.self, by: &values)
        case .modelAccounts: try disturbed(bytes, ModelAccountImage.self, by: &values)
        case .budgets: try disturbed(bytes, BudgetImage.self, by: &values)
        case .histories: try disturbed(bytes, HistoryImage.self, by: &values)
        case .sharedHistory: try disturbed(bytes, SharedEntryImage.self, by: &values)
        case .closedPeriods: try disturbed(bytes, ClosedPeriodImage.self, by: &values)
        case .permitTotals: try disturbed(bytes, PermitTotalsImage.self, by: &values)
        case .permits: try disturbed(bytes, PermitImage.self, by: &values)
        case .foreignMembers: try disturbed(bytes, ForeignMembersImage.self, by: &values)
        }
    }

    private func disturbed<Record: WireRecord>(
        _ bytes: [UInt8], _: Record.Type, by values: inout RandomValues
    ) throws(Refusal) -> [UInt8] {
        var writer = ByteWriter()
        let result = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return Result { () throws(Refusal) in
                while reader.remaining > 0 {
                    var record = Record()
                    try record.decode(from: &reader)
                    values.disturbed(record).encode(into: &writer)
                    // Twice, now and then.
                    if values.random.once(in: 10) { record.encode(into: &writer) }
                }
            }
        }
        try result.get()
        return writer.bytes
    }
}

extension Result where Failure == Refusal {
    fileprivate init(_ body: () throws(Refusal) -> Success) {
        do throws(Refusal) { self = .success(try body()) } catch { self = .failure(error) }
    }
}
