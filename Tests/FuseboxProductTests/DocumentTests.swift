import Testing

struct DocumentTests {
    /// The pages that are written by hand, wholly or in part.
    private static let pages =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Sources/README.md"]
        + entries(of: "\(Package.folder)/proto-docs").filter { $0.hasSuffix(".md") }
        .map { String($0.dropFirst(Package.folder.count + 1)) }

    @Test func everyPageIsLookedAt() {
        #expect(Self.pages.count > 12)
        for page in Self.pages { #expect(!Package.text(page).isEmpty, "\(page)") }
    }

    /// Every path that Sources/README.md names is there.
    @Test func pathsExist() {
        let paths = DocumentText(Package.text("Sources/README.md")).paths
        #expect(paths.count > 50)
        for path in paths { #expect(Package.has("Sources/\(path)"), "\(path)") }
    }

    @Test func everyPathThatCONTRIBUTINGMdNamesIsThere() {
        let paths = DocumentText(Package.text("CONTRIBUTING.md")).paths
        #expect(paths.count > 20)
        for path in paths { #expect(Package.has(path), "\(path)") }
    }

    @Test(arguments: Self.pages)
    func everyLinkWithinTheDocumentsLeadsToAPageAndAHeadingThatAreThere(page: String) throws {
        for link in DocumentText(Package.text(page)).links where !link.contains("://") {
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let folder = page.split(separator: "/").dropLast().map { "\($0)/" }.joined()
            let target = parts[0].isEmpty ? page : folder + parts[0]
            #expect(Package.has(target), "\(page) links to \(link)")
            guard parts.count > 1 else { continue }
            #expect(DocumentText(Package.text(target)).anchors.contains(parts[1]), "\(page) links to \(link)")
        }
    }

    @Test func pathsAreCodeWithASlashThatBeginsLikeAFolderAndLinksAndHeadingsStandOutsideOfCode() {
        let text = DocumentText(
            """
            # A *first* `title`, here
            `Sources/A/B+C.swift`, `A/B`, `make test`, `a/b c`, `/usr/local`, [a](b.md#c) and [d](#e)
            ```
            # not a title
            `no/path` [no](link)
            ```
            """)
        #expect(text.paths == ["Sources/A/B+C.swift", "A/B"])
        #expect(text.links == ["b.md#c", "#e"])
        #expect(text.anchors == ["a-first-title-here"])
    }
}

/// The references in a Markdown page, and the targets that it has.
private struct DocumentText {
    private let lines: [Substring]

    init(_ text: String) {
        var isInside = false
        lines = text.split(separator: "\n").filter { line in
            guard !line.hasPrefix("```") else {
                isInside.toggle()
                return false
            }
            return !isInside
        }
    }

    /// Paths of files and folders between backticks.
    var paths: [String] {
        lines.flatMap { $0.matches(of: #/`([A-Za-z][\w.+-]*(?:/[\w.+-]+)+/?)`/#).map { String($0.output.1) } }
    }

    /// The targets of its links.
    var links: [String] {
        lines.flatMap { $0.matches(of: #/\]\(([^)\s]+)\)/#).map { String($0.output.1) } }
    }

    /// The anchors of its headings.
    var anchors: [String] {
        lines.filter { $0.hasPrefix("#") }.map { line in
            let title = line.drop { $0 == "#" }.dropFirst().lowercased()
            return String(title.filter { $0.isLetter || $0.isNumber || "- _".contains($0) })
                .replacing(" ", with: "-")
        }
    }
}
