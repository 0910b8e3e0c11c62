import FuseboxInterop

/// What an examination has found about one subject.
struct Finding {
    enum Standing: String {
        /// It is as it should be.
        case ok
        /// It cannot be examined, or deserves a look. Nothing must be done.
        case note
        /// Something must be done.
        case todo
    }

    let subject: String
    let standing: Standing
    /// What was found, and what to do about it.
    let text: String

    static func ok(_ subject: String, _ text: String) -> Finding {
        Finding(subject: subject, standing: .ok, text: text)
    }
    static func note(_ subject: String, _ text: String) -> Finding {
        Finding(subject: subject, standing: .note, text: text)
    }
    static func todo(_ subject: String, _ text: String) -> Finding {
        Finding(subject: subject, standing: .todo, text: text)
    }

    var json: JSONValue {
        ["subject": .string(subject), "standing": .string(standing.rawValue), "text": .string(text)]
    }

    /// The findings below each other. Long ones continue below their own beginning.
    static func text(_ findings: [Finding]) -> String {
        let width = findings.map(\.subject.count).max() ?? 0
        return findings.map { finding in
            let standing = finding.standing.rawValue.uppercased()
            let head = (finding.standing == .ok ? "ok" : standing).padded(to: 6) + finding.subject.padded(to: width + 2)
            let lines = TerminalText.wrapped(finding.text.printable, indent: head.count).joined(separator: "\n")
            return head + lines.dropFirst(head.count)
        }.joined(separator: "\n")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
