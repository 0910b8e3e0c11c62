import FuseboxTestSupport
import Glibc
import Testing

/// `make install` and `make uninstall`, by the conventions of GNU.
@Suite(.enabled(if: access("/usr/bin/make", X_OK) == 0))
struct InstallTests {
    private static func make(_ target: String, in folder: TemporaryFolder, _ variables: [String]) throws -> [String] {
        let made = try Program.run(
            [
                "/usr/bin/make", "-s", "-C", Package.folder, target, "DESTDIR=\(folder("stage"))",
                "PROGRAMS=\(Program.folder)", "MANUAL=\(try Manual.folder())",
            ] + variables)
        try #require(made.status == 0, "\(made.errors)")
        let found = try Program.run(["/usr/bin/find", folder("stage"), "-type", "f"])
        return found.output.split(separator: "\n").map { String($0.dropFirst(folder("stage").count)) }.sorted()
    }

    @Test func filesComeToTheirPlacesAndGoAgain() throws {
        let folder = TemporaryFolder()
        let files = try Self.make("install", in: folder, ["PREFIX=/usr"])
        for file in [
            "/etc/default/fuseboxd", "/usr/bin/fusebox", "/usr/bin/fuseboxd", "/usr/lib/systemd/system/fuseboxd.socket",
            "/usr/lib/sysusers.d/fusebox.conf", "/usr/lib/tmpfiles.d/fusebox.conf", "/usr/share/man/man1/fusebox-run.1",
            "/usr/share/man/man8/fuseboxd.8", "/usr/share/doc/fusebox/LICENSE",
            "/usr/share/doc/fusebox/proto-docs/installing.md", "/usr/share/doc/fusebox/examples/policy.example.yaml",
            "/usr/share/bash-completion/completions/fusebox",
            "/usr/share/zsh/site-functions/_fusebox",
        ] { #expect(files.contains(file), "\(file)") }
        for unit in fileNames(in: "\(Package.folder)/systemd") where unit.hasSuffix(".service") {
            let text = String(decoding: folder.read("stage/usr/lib/systemd/system/\(unit)"), as: UTF8.self)
            #expect(!text.isEmpty && !text.contains(/@\w+dir@/), "\(unit)")
        }
        #expect(try Self.make("uninstall", in: folder, ["PREFIX=/usr"]) == ["/etc/default/fuseboxd"])
    }

    @Test func settingsOfTheOperatorAreNotReplaced() throws {
        let folder = TemporaryFolder()
        _ = try Self.make("install", in: folder, ["PREFIX=/usr/local"])
        folder.write("stage/etc/default/fuseboxd", Array("mine".utf8))
        _ = try Self.make("install", in: folder, ["PREFIX=/usr/local"])
        #expect(folder.read("stage/etc/default/fuseboxd") == Array("mine".utf8))
    }

    @Test func eachPlaceCanBeNamed() throws {
        let folder = TemporaryFolder()
        let files = try Self.make("install", in: folder, ["PREFIX=/opt/f", "unitdir=/u", "mandir=/m", "docdir=/d"])
        for file in [
            "/opt/f/bin/fusebox", "/opt/f/etc/default/fuseboxd", "/u/fuseboxd.service", "/m/man8/fuseboxd.8",
            "/d/LICENSE",
        ] {
            #expect(files.contains(file), "\(file)")
        }
        let unit = String(decoding: folder.read("stage/u/fuseboxd.service"), as: UTF8.self)
        #expect(unit.contains("EnvironmentFile=-/opt/f/etc/default/fuseboxd"))
        #expect(unit.contains("ExecStart=/opt/f/bin/fuseboxd "))
    }
}
