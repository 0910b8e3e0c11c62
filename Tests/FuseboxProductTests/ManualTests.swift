import FuseboxTestSupport
import Glibc
import Testing

/// The manual pages, which `systemd/manual/generate` makes from what the programs say of themselves.
struct ManualTests {
    private static func page(_ name: String) throws -> String {
        String(decoding: contents(of: try Manual.folder() + "/\(name)"), as: UTF8.self)
    }

    // The directory of `fusebox help`: two blanks, a name, and what it does.
    @Test func eachCommandHasAPage() throws {
        let help = try Program.run([Program.fusebox, "--help"]).output
        let listed = help.split(separator: "\n").drop { $0 != "SUBCOMMANDS:" }.filter {
            $0.hasPrefix("  ") && !$0.hasPrefix("   ")
        }
        .compactMap { $0.split(separator: " ").first }.filter { !$0.hasPrefix("See") }
        #expect(listed.count > 25)
        let pages = fileNames(in: try Manual.folder())
        for command in listed { #expect(pages.contains("fusebox-\(command).1"), "\(command)") }
        #expect(pages.contains("fusebox.1"))
        #expect(pages.contains("fuseboxd.8"))
        #expect(pages.contains("fusebox-policy.5"))
        let limit = try Self.page("fusebox-limit.1")
        for part in [".SS \"fusebox limit set\"", "\\fB\\-\\-thresholds\\fR \\fIpercentages\\fR", ".SH SYNOPSIS"] {
            #expect(limit.contains(part), "\(part)")
        }
        let daemon = try Self.page("fuseboxd.8")
        for part in ["\\fB\\-\\-durability\\fR", ".SH FILES", ".SH SEE ALSO\n\\fBfusebox\\fR(1)"] {
            #expect(daemon.contains(part), "\(part)")
        }
    }

    @Test func thePageOfTheDaemonNamesEachVariableThatItReads() throws {
        let source = String(
            decoding: contents(of: "\(Package.folder)/Sources/FuseboxServer/ServiceManager.swift"), as: UTF8.self)
        let variables = Set(source.matches(of: #/environment\("([A-Z_]+)"\)/#).map { String($0.output.1) })
        #expect(variables.count > 3)
        let page = try Self.page("fuseboxd.8")
        for variable in variables { #expect(page.contains("\\fB\(variable)\\fR"), "\(variable)") }
    }

    // The sections, the tables and the examples of proto-docs/policy.md stand on its page.
    @Test func thePageOfThePolicyHasWhatItsDocumentHas() throws {
        let page = try Self.page("fusebox-policy.5")
        #expect(!page.contains("@proto") && !page.contains("@version"))
        let document = String(decoding: contents(of: "\(Package.folder)/proto-docs/policy.md"), as: UTF8.self)
        let sections = document.split(separator: "\n").filter { $0.hasPrefix("## ") }.map {
            $0.dropFirst(3).uppercased()
        }
        #expect(sections.count > 5)
        for section in sections { #expect(page.contains(".SH \"\(section)\"")) }
        for part in [
            ".TP\n\\fBreset_timeout\\fR\ntime", "\n\\- limit anthropic: 5 in flight", ".SS \"marks and names\"",
        ] {
            #expect(page.contains(part), "\(part)")
        }
    }

    @Test(.enabled(if: access("/usr/bin/man", X_OK) == 0))
    func manFindsNothingToWarnOfInAnyPage() throws {
        let pages = fileNames(in: try Manual.folder()).filter { $0.last?.isNumber == true }
        #expect(pages.count > 30)
        for page in pages {
            let shown = try Program.run(
                ["/usr/bin/man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", try Manual.folder() + "/\(page)"],
                environment: ["LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFSEQ": ""])
            #expect(shown.status == 0, "\(page)")
            #expect(shown.errors == "", "\(page)")
        }
    }

    // What begins a line, a backslash, quotes and signs that roff would replace are printed as they stand.
    @Test(.enabled(if: access("/usr/bin/man", X_OK) == 0))
    func everyCharacterIsPrintedAsItStands() throws {
        let folder = TemporaryFolder()
        try #require(mkdir(folder("programs"), 0o755) == 0)
        let odd = #".SH is no request, 'nor this; \fBnot bold\fR, "quoted", a-b, ~ ^ and µ"#
        for name in ["fusebox", "fuseboxd"] {
            let dump = #"""
                {"command": {"commandName": "\#(name)", "abstract": "An odd one.", "shouldDisplay": true, "arguments": [],
                 "discussion": "TEXT\n\nEXAMPLES\n  TEXT\n  .TH a\n  'x' `y`", "subcommands": []}}
                """#.replacing("TEXT", with: odd.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))
            folder.write("programs/\(name).json", Array(dump.utf8))
            let script = """
                #!/bin/sh
                case $1 in
                --experimental-dump-help) cat '\(folder("programs"))/\(name).json' ;;
                --version) echo '\(name) 1.2' ;;
                --help) printf 'USAGE: \(name) <x> ...\\n\\nOPTIONS:\\n' ;;
                esac
                """
            folder.write("programs/\(name)", Array(script.utf8))
            chmod(folder("programs/\(name)"), 0o755)
        }
        let made = try Program.run(["\(Package.folder)/systemd/manual/generate", folder("programs"), folder("manual")])
        try #require(made.status == 0, "\(made.errors)")
        let shown = try Program.run(
            ["/usr/bin/man", "--warnings", "-E", "UTF-8", "-l", folder("manual/fusebox.1")],
            environment: ["LC_ALL": "C.UTF-8", "MANWIDTH": "200", "MAN_KEEP_FORMATTING": "", "PAGER": "cat"])
        #expect(shown.errors == "")
        // Once as a paragraph, once as it is indented.
        #expect(shown.output.split(separator: "\n").count(where: { $0.contains(odd) }) == 2, "\(shown.output)")
        #expect(shown.output.contains("\n           .TH a\n           'x' `y`\n"), "\(shown.output)")
    }

    @Test(arguments: ["bash", "zsh"])
    func theShellCanReadTheCompletions(_ shell: String) throws {
        let path = "/usr/bin/\(shell)"
        guard access(path, X_OK) == 0 else { return }
        for program in ["fusebox", "fuseboxd"] {
            let read = try Program.run([path, "-n", try Manual.folder() + "/\(program).\(shell)"])
            #expect(read.status == 0)
            #expect(read.errors == "")
        }
    }

    // bash divides a line at colons and at @, and gives the function the parts.
    @Test(.enabled(if: access("/usr/share/bash-completion/bash_completion", R_OK) == 0))
    func bashCompletesTheRestOfATagAndOfARoute() throws {
        let daemon = try DaemonProcess()
        let record = [
            "ledger", "record", "openai", "gpt-4o", "--cost", "1", "--tag", "team:search", "--socket",
            daemon.socketPath,
        ]
        try #require(try Program.run([Program.fusebox] + record).status == 0)
        let failure = ["breaker", "failure", "openai@eu", "--socket", daemon.socketPath]
        try #require(try Program.run([Program.fusebox] + failure).status == 0)
        for (command, parts, reply) in [
            ("limit set", "--tag team : se", "search"), ("limit set", "--tag te", "team:search"),
            ("run", "--route openai @ e", "eu"), ("limit set", "--provider op", "openai"),
        ] {
            let words = ["fusebox", command, parts].joined(separator: " ")
            let script = """
                . /usr/share/bash-completion/bash_completion
                . '\(try Manual.folder())/fusebox.bash'
                fusebox() { '\(Program.fusebox)' "$@"; }
                COMP_WORDS=(\(words))
                COMP_LINE='\(words.replacing(" : ", with: ":").replacing(" @ ", with: "@"))'
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
                __fusebox_whole_words fusebox "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let told = try Program.run(
                ["/usr/bin/bash", "--norc", "-c", script], environment: ["FUSEBOX_SOCKET": daemon.socketPath])
            #expect(told.output == reply + "\n", "\(words): \(told.errors)")
        }
    }
}
