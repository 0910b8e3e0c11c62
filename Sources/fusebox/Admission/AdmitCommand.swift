import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox admit --dry-run`
struct AdmitCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "admit", abstract: "Show where a call would be admitted now, without admitting it.",
        discussion: """
            Exit status 0 if a call would be admitted, 75 if not, 78 if waiting cannot change that. Nothing is reserved, so \
            the next call may get another decision. `fusebox run` admits a call and settles it. --json tells more of each \
            candidate: its share, the cost that the call would hold, and how long calls of its route have taken lately.

            EXAMPLE
              fusebox admit --dry-run --provider openai --provider anthropic --cost 0.01
            """)

    @OptionGroup var call: CallOptions

    @Flag(help: "Show the decision only. It is required, because a permit ends with the process that asked for it.")
    var dryRun = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard dryRun else {
            throw ValidationError(
                "a permit ends with the process that asked for it, so this command cannot keep one; "
                    + "add --dry-run to see the decision, or make the call with `fusebox run … -- COMMAND`")
        }
    }

    func answer(from client: FuseboxClient) throws -> Answer {
        let (decision, outlooks) = try client.admission.decisionAndOutlooks(
            try call.candidates, tags: call.tags, estimate: try call.estimate, explains: connection.json)
        switch decision {
        case .success(let preview): return Self.answer(preview, outlooks)
        case .failure(let denied): return Self.answer(denied, outlooks)
        }
    }

    private static func json(_ outlooks: [Outlook]) -> JSONValue {
        .array(
            outlooks.map { outlook in
                [
                    "provider": .string(outlook.candidate.provider.text),
                    "deployment": outlook.candidate.deployment.map { .string($0.text) } ?? .null,
                    "model": outlook.candidate.model.map { .string($0.text) } ?? .null,
                    "denial": outlook.denial.map { .string("\($0)") } ?? .null,
                    "state": .string("\(outlook.state)"), "share": JSONValue(outlook.share),
                    "heldCost": outlook.heldCost.map { .number("\($0)") } ?? .null,
                    "costBasis": .string("\(outlook.costBasis)"),
                    "duration": outlook.duration.map { JSONValue(record: $0) } ?? .null,
                    "firstToken": outlook.firstToken.map { JSONValue(record: $0) } ?? .null,
                ]
            })
    }

    private static func answer(_ preview: AdmissionPreview, _ outlooks: [Outlook]) -> Answer {
        let passed = preview.passedOver.map(AdmissionText.line)
        let chosen =
            "\(preview.candidate.route): admitted (\(preview.state), share "
            + "\(Formatting.percent(preview.share)))\(AdmissionText.held(preview))"
        return Answer(
            json: [
                "admitted": true, "provider": .string(preview.candidate.provider.text),
                "deployment": preview.candidate.deployment.map { .string($0.text) } ?? .null,
                "model": preview.candidate.model.map { .string($0.text) } ?? .null,
                "state": .string("\(preview.state)"), "share": JSONValue(preview.share),
                "heldCost": preview.heldCost.map { .number("\($0)") } ?? .null,
                "costBasis": .string("\(preview.costBasis)"),
                "denials": AdmissionText.json(preview.passedOver), "retryAfterMilliseconds": .null,
                "outlooks": json(outlooks),
            ],
            text: (passed + [Table.printable(chosen)]).joined(separator: "\n"))
    }

    private static func answer(_ denied: AdmissionDenied, _ outlooks: [Outlook]) -> Answer {
        Answer(
            json: [
                "admitted": false, "provider": .null, "deployment": .null, "model": .null, "state": .null,
                "share": .null, "heldCost": .null, "costBasis": .null,
                "denials": AdmissionText.json(denied.reasons),
                "retryAfterMilliseconds": AdmissionText.json(denied.retryAfter), "outlooks": json(outlooks),
            ],
            text: AdmissionText.lines(denied).joined(separator: "\n"), isDenial: true,
            isForGood: denied.retryAfter == nil)
    }
}
