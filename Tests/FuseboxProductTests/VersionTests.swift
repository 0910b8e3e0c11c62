import FuseboxTestSupport
import FuseboxWire
import Testing

/// Everything has the version of `Sources/FuseboxWire/Version.swift`.
struct VersionTests {
    @Test func bothProgramsTellIt() throws {
        #expect(try Program.run([Program.path("fuseboxd"), "--version"]).output == "fuseboxd \(fuseboxVersion)\n")
        #expect(try Program.run([Program.path("fusebox"), "--version"]).output == "fusebox \(fuseboxVersion)\n")
    }

    @Test func theClientsHaveIt() {
        #expect(Package.text("Clients/python/pyproject.toml").contains("\nversion = \"\(fuseboxVersion)\"\n"))
        #expect(Package.text("Clients/node/package.json").contains("\n  \"version\": \"\(fuseboxVersion)\",\n"))
    }

    @Test func theMakefileReadsIt() throws {
        let told = try Program.run(["/usr/bin/make", "-C", Package.folder, "--no-print-directory", "-pn", "clean"])
        #expect(told.output.contains("\nVERSION := \(fuseboxVersion)\n"))
    }

    // The numbers of the packages are derived from it.
    @Test func theChangelogOfThePackagesHasNoNumberOfItsOwn() {
        #expect(Package.text("systemd/debian/changelog").contains("fusebox (@version@-1)"))
    }
}
