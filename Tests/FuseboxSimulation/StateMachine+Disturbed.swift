import FuseboxCore
import FuseboxWire

extension StateMachine {
    /// What is read from this state's image after some of its values were replaced; nil if that is refused.
    ///
    /// Checksums keep such an image from coming about by accident. But an import is what somebody has written.
    func disturbed(by values: inout RandomValues) -> StateMachine? {
        var parts: [(section: SectionHead, bytes: [UInt8])] = []
        forEachImageSection { (section: SectionHead, part: borrowing ByteWriter) in
            parts.append((section, part.bytes))
        }
        if values.random.once(in: 5) {
            parts.swapAt(values.random.below(parts.count), values.random.below(parts.count))
        }
        if values.random.once(in: 30), let part = parts.last { parts.append(part) }
        do throws(Refusal) {
            var image = StateImage(profile: profile, bounds: bounds, at: lastMoment)
            // One section alone: of many that are wrong only the first would be told.
            let place = values.random.below(parts.count)
            parts[place].bytes = try parts[place].section.disturbed(parts[place].bytes, by: &values)
            for part in parts {
                let bytes = part.bytes
                let result = bytes.withUnsafeBytes { bytes in
                    var reader = ByteReader(bytes)
                    return Result { () throws(Refusal) in try image.add(part.section, &reader) }
                }
                _ = try result.get()
            }
            return try image.finish()
        } catch { return nil }
    }
}

extension SectionHead {
    /// The section's records with some of their values replaced.
    fileprivate func disturbed(_ bytes: [UInt8], by values: inout RandomValues) throws(Refusal) -> [UInt8] {
        guard let section = StateImage.sections.sections.first(where: { $0.kind == kind }) else { return bytes }
        return try disturbed(bytes, as: section, by: &values)
    }

    private func disturbed<Section: SnapshotSection>(
        _ bytes: [UInt8], as _: Section.Type, by values: inout RandomValues
    ) throws(Refusal) -> [UInt8] {
        var writer = ByteWriter()
        let result = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return Result { () throws(Refusal) in
                while reader.remaining > 0 {
                    let record = try Section.Record.read(version: version, from: &reader)
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
