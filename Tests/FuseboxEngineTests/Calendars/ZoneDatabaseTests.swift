import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

@testable import FuseboxEngine

/// The folder of zones: what is found in it, and what is said if something is wrong.
@Suite struct ZoneDatabaseTests {
    private func error(_ database: ZoneDatabase, _ name: String) throws -> ZoneError? {
        let name = try #require(ZoneName(name))
        do throws(ZoneError) {
            _ = try database.zone(name)
            return nil
        } catch { return error }
    }

    @Test func universalTimeNeedsNoDatabase() throws {
        let nowhere = ZoneDatabase(directory: "/nonexistent")
        #expect(try nowhere.zone(.utc) == .utc)
        #expect(nowhere.names() == [.utc])
        let failure = try #require(try error(nowhere, "Europe/Berlin"))
        #expect(failure == .noDatabase(directory: "/nonexistent"))
        #expect(
            "\(failure)"
                == "there is no time zone database in /nonexistent; install the package tzdata, or set TZDIR to its folder"
        )
    }

    @Test func aNameThatTheDatabaseLacksIsUnknown() throws {
        let folder = TemporaryFolder()
        folder.write("Here", ZoneFileTests.Draft().bytes)
        #expect(mkdir("\(folder.path)/Europe", 0o700) == 0)
        for name in ["Here", "Europe/Berlin", "Europe", "Here/There"] {
            let failure = try error(folder.database, name)
            let zone = try #require(ZoneName(name))
            #expect(failure == (name == "Here" ? nil : .unknown(zone, directory: folder.path)))
        }
        let failure = try #require(try error(folder.database, "Europe"))
        #expect("\(failure)" == "there is no time zone 'Europe' in \(folder.path)")
    }

    @Test func anErrorNamesTheFileAndWhatIsWrong() throws {
        let folder = TemporaryFolder()
        folder.write("Text", Array("Hello, world\n".utf8))
        folder.write("Large", [UInt8](repeating: 0, count: 1 << 20))
        folder.write("Short", Array(ZoneFileTests.Draft().bytes.dropLast(9)))
        #expect(mkfifo("\(folder.path)/Pipe", 0o600) == 0)
        #expect(symlink("Loop", "\(folder.path)/Loop") == 0)
        for (name, complaint) in [
            ("Text", "is broken: it is no time zone file (TZif); install the package tzdata again"),
            ("Large", "is broken: it has more than 65536 bytes; install the package tzdata again"),
            ("Short", "is broken: it ends too early; install the package tzdata again"),
            ("Pipe", "cannot be read: it is no regular file"),
            ("Loop", "cannot be read: Too many levels of symbolic links"),
        ] {
            let failure = try #require(try error(folder.database, name))
            #expect("\(failure)" == "the time zone file \(folder.path)/\(name) \(complaint)")
        }
    }

    @Test func aZoneThatIsReplacedOrVanishesIsSeenWithTheNextRead() throws {
        let folder = TemporaryFolder()
        let name = try #require(ZoneName("Here"))
        folder.write("Here", ZoneFileTests.Draft().bytes)
        let before = try folder.database.zone(name)
        folder.write("Here", ZoneFileTests.Draft(offsets: [0, 60]).bytes)
        #expect(try folder.database.zone(name) != before)
        #expect(unlink("\(folder.path)/Here") == 0)
        #expect(try error(folder.database, "Here") == .unknown(name, directory: folder.path))
    }

    @Test func namesAreThoseOfFilesThatMayBeZones() throws {
        let folder = TemporaryFolder()
        for directory in ["Europe", "America", "America/Indiana", "posix"] {
            #expect(mkdir("\(folder.path)/\(directory)", 0o700) == 0)
        }
        for file in ["Europe/Berlin", "America/Indiana/Knox", "posix/Cuba", "Cuba", "zone.tab", "localtime"] {
            folder.write(file, [])
        }
        #expect(symlink("Cuba", "\(folder.path)/Havana") == 0)
        let names = folder.database.names().map(\.text)
        #expect(names == ["America/Indiana/Knox", "Cuba", "Europe/Berlin", "Havana", "UTC"])
    }

    @Test func theEnvironmentMayNameAnotherFolder() {
        #expect(ZoneDatabase.system(told: nil).directory == "/usr/share/zoneinfo")
        #expect(ZoneDatabase.system(told: "/opt/zones").directory == "/opt/zones")
        for unusable in ["", "zones", "../zones"] {
            #expect(ZoneDatabase.system(told: unusable).directory == "/usr/share/zoneinfo")
        }
    }
}

extension TemporaryFolder {
    fileprivate var database: ZoneDatabase { ZoneDatabase(directory: path) }
}
