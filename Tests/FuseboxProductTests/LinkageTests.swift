import FuseboxTestSupport
import Glibc
import Testing

/// What the programs bring with them.
struct LinkageTests {
    /// A build with a sanitizer links Dispatch into every program.
    static let hasSanitizer =
        dlsym(dlopen(nil, RTLD_NOW), "__tsan_init") != nil || dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil

    // `fusebox-demo` is a worker. It depends on FuseboxClient and nothing else.
    @Test func aWorkerThatLinksFuseboxClientNeedsNeitherLibuvNorFoundationNorDispatch() throws {
        let needed = try SharedLibraries.needed(by: Program.path("fusebox-demo"))
        #expect(needed.contains { $0.hasPrefix("libc.so") }, "\(needed)")
        for foreign in ["libuv", "libFoundation", "lib_Foundation"] + (Self.hasSanitizer ? [] : ["libdispatch"]) {
            #expect(!needed.contains { $0.hasPrefix(foreign) }, "\(needed)")
        }
    }

    @Test func aProgramThatEmbedsFuseboxInteropNeedsNoMoreThanAWorkerAndLibm() throws {
        let needed = try SharedLibraries.needed(by: Program.path("fusebox-embedder"))
        #expect(needed.contains { $0.hasPrefix("libm.so") }, "\(needed)")
        for foreign in ["libuv", "libFoundation", "lib_Foundation"] + (Self.hasSanitizer ? [] : ["libdispatch"]) {
            #expect(!needed.contains { $0.hasPrefix(foreign) }, "\(needed)")
        }
    }

    // The long tests, such as `make simulate`, build these without tests. There is no module Testing then.
    @Test(arguments: [
        "FuseboxTestSupport", "FuseboxSimulation", "FuseboxConformance", "fusebox-simulate", "fusebox-caller",
    ])
    func whatTestProgramsConsistOfImportsNoTesting(_ target: String) {
        let files = fileNames(in: "\(Package.folder)/Tests/\(target)").filter { $0.hasSuffix(".swift") }
        #expect(!files.isEmpty)
        for file in files { #expect(!Package.text("Tests/\(target)/\(file)").contains("import Testing"), "\(file)") }
    }

    // SwiftPM looks for the packages in `pkgConfig` for every product, and warns if they are missing.
    @Test func aPackageThatUsesTheClientOnlyIsNotToldToInstallLibuv() {
        let manifest = Package.text("Package.swift")
        #expect(manifest.contains(".systemLibrary(name: \"CLibuv\""))
        #expect(!manifest.contains("pkgConfig:"))
        #expect(Package.text("Sources/CLibuv/module.modulemap").contains("link \"uv\""))
    }

    // swift-argument-parser links FoundationEssentials, which has neither ICU nor the Objective-C runtime.
    @Test func theDaemonNeedsLibuvAndOfFoundationNothingButItsEssentials() throws {
        let needed = try SharedLibraries.needed(by: Program.path("fuseboxd"))
        #expect(needed.contains { $0.hasPrefix("libuv.so") }, "\(needed)")
        let foundation = needed.filter { $0.hasPrefix("libFoundation") || $0.hasPrefix("lib_Foundation") }
        #expect(foundation.allSatisfy { $0 == "libFoundationEssentials.so" }, "\(needed)")
        #expect(Self.hasSanitizer || !needed.contains { $0.hasPrefix("libdispatch") }, "\(needed)")
    }

    @Test(
        arguments: [
            "FuseboxWire", "FuseboxCore", "FuseboxInterop", "FuseboxStore", "FuseboxLoop", "FuseboxEngine",
            "FuseboxServer",
            "FuseboxClient", "fuseboxd", "fusebox-demo",
        ])
    func noModuleBelowTheCommandLineImportsFoundationOrDispatch(module: String) throws {
        let sources = swiftFiles(below: "\(Package.folder)/Sources/\(module)")
        #expect(!sources.isEmpty)
        for file in sources {
            let text = String(decoding: contents(of: file), as: UTF8.self)
            let foreign = text.split(separator: "\n").filter { line in
                let words = line.split(separator: " ")
                guard let keyword = words.firstIndex(of: "import"), words[..<keyword].allSatisfy(isModifier) else {
                    return false
                }
                return words[keyword...].contains { $0.hasPrefix("Foundation") || $0.hasPrefix("Dispatch") }
            }
            #expect(foreign.isEmpty, "\(file)")
        }
    }

    /// Whether a word may come before `import`: an access level or an attribute.
    private func isModifier(_ word: Substring) -> Bool {
        ["public", "package", "internal", "fileprivate", "private"].contains(word) || word.hasPrefix("@")
    }

    private func swiftFiles(below folder: String) -> [String] {
        entries(of: folder).flatMap { $0.hasSuffix(".swift") ? [$0] : swiftFiles(below: $0) }
    }
}

/// The shared libraries of a program, as `readelf -d` lists them (64-bit ELF, little-endian).
enum SharedLibraries {
    /// The entries of the dynamic section for libraries.
    static func needed(by program: String) throws -> [String] {
        let file = contents(of: program)
        try #require(file.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]), "\(program) is no such program; was it built?")
        let sections = try sectionHeaders(of: file)
        let dynamic = try #require(sections.first { $0.type == 6 }, "\(program) is linked statically")
        let names = sections[dynamic.link]
        return stride(from: dynamic.offset, to: dynamic.offset + dynamic.size, by: 16).compactMap { entry in
            guard number(file, entry, 8) == 1 else { return nil }
            let name = names.offset + number(file, entry + 8, 8)
            return String(decoding: file[name...].prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private struct Section {
        var type: Int
        var offset: Int
        var size: Int
        /// The section with the dynamic section's strings.
        var link: Int
    }

    private static func sectionHeaders(of file: [UInt8]) throws -> [Section] {
        let (table, size, count) = (number(file, 0x28, 8), number(file, 0x3A, 2), number(file, 0x3C, 2))
        try #require(size >= 64 && count > 0 && table + size * count <= file.count)
        return (0..<count).map { index in
            let header = table + index * size
            return Section(
                type: number(file, header + 4, 4), offset: number(file, header + 0x18, 8),
                size: number(file, header + 0x20, 8), link: number(file, header + 0x28, 4))
        }
    }

    private static func number(_ file: [UInt8], _ offset: Int, _ length: Int) -> Int {
        file[offset..<offset + length].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
