import FuseboxEngine
import Testing

@testable import fusebox

/// Zones that a person names, right and wrong.
@Suite struct ZoneArgumentTests {
    private static let database = ZoneDatabase(directory: "/usr/share/zoneinfo")

    private func refusal(_ text: String, _ database: ZoneDatabase = Self.database) -> Failure? {
        do throws(Failure) {
            _ = try ZoneArgument.name(text, in: database)
            return nil
        } catch { return error }
    }

    @Test(arguments: ["UTC", "Europe/Berlin", "America/Los_Angeles", "Etc/GMT+5"])
    func zonesOfTheDatabase(_ text: String) throws {
        #expect(try ZoneArgument.name(text, in: Self.database).text == text)
    }

    @Test(arguments: [
        ("Europe/Berln", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("Berlin", "Europe/Berlin"),
        ("Los Angeles", "America/Los_Angeles"), ("America/Los Angeles", "America/Los_Angeles"), ("utc", "UTC"),
        ("Asia/Katmandhu", "Asia/Katmandu"), ("America/Sao_Polo", "America/Sao_Paulo"),
    ])
    func theZoneThatWasMeantIsSuggested(_ text: String, _ meant: String) throws {
        let failure = try #require(refusal(text))
        #expect(failure.status == .usage)
        #expect(failure.message == "there is no time zone '\(text)'; did you mean '\(meant)'?")
    }

    @Test(arguments: ["PST", "CEST", "../../etc/passwd", "/etc/localtime", "Middle-earth/Shire", "", "localtime\n"])
    func whereNoneIsMeantTheFormIsTold(_ text: String) throws {
        let failure = try #require(refusal(text))
        #expect(failure.status == .usage)
        #expect(
            failure.message.hasSuffix(
                "zones have names such as UTC or Europe/Berlin, and /usr/share/zoneinfo has all of them"))
        #expect(!failure.message.contains("\n"))
    }

    @Test func aMissingDatabaseIsToldAsThat() throws {
        let failure = try #require(refusal("Europe/Berlin", ZoneDatabase(directory: "/nonexistent")))
        #expect(failure.status == .unavailable)
        #expect(failure.message.contains("install the package tzdata"))
        #expect(try ZoneArgument.name("UTC", in: ZoneDatabase(directory: "/nonexistent")) == .utc)
    }
}
