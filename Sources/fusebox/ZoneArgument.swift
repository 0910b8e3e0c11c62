import FuseboxEngine
import FuseboxWire

/// A time zone as a person names it.
enum ZoneArgument {
    /// The zone's name, if the database has it and it can be used.
    ///
    /// - Throws: what is wrong, and the zone that was probably meant
    static func name(_ text: String, in database: ZoneDatabase = .system) throws(Failure) -> ZoneName {
        guard let name = ZoneName(text) else { throw unknown(text, database) }
        do throws(ZoneError) {
            _ = try database.zone(name)
            return name
        } catch {
            switch error {
            case .unknown: throw unknown(text, database)
            case .noDatabase, .unreadable: throw Failure(.unavailable, "\(error)")
            case .broken: throw Failure(.damagedData, "\(error)")
            }
        }
    }

    private static func unknown(_ text: String, _ database: ZoneDatabase) -> Failure {
        let names = database.names().map(\.text)
        let complaint = "there is no time zone '\(text.printable)'"
        if let meant = place(text, among: names) { return Failure(.usage, "\(complaint); did you mean '\(meant)'?") }
        // Abbreviations resemble each other: PST is not a typing error of EST.
        let isAbbreviation = text.utf8.count < 5
        return Failure.unknown(
            text, complaint, among: isAbbreviation ? [] : names,
            otherwise: "zones have names such as UTC or Europe/Berlin, and \(database.directory) has all of them")
    }

    /// The only zone with this place: `Europe/Berlin` for `Berlin`, `America/Los_Angeles` for `los angeles`.
    private static func place(_ text: String, among names: [String]) -> String? {
        let wanted = text.lowercased().replacing(" ", with: "_")
        if let name = names.first(where: { $0.lowercased() == wanted }) { return name }
        let found = names.filter { $0.lowercased().hasSuffix("/" + wanted) }
        return found.count == 1 ? found[0] : nil
    }
}
