import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension BreakerCommands {
    /// `fusebox breaker acquire ROUTE`
    struct Acquire: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "acquire", abstract: "Ask whether a call may go out now. Exit status 0 if so, 75 if not.",
            discussion: "EXAMPLE\n  fusebox breaker acquire openai && call-openai")

        @OptionGroup var breaker: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let admission = try client.breakers.acquire(breaker.candidate)
            let wait = admission.retryAfter / .milliseconds(1)
            let text =
                admission.admitted
                ? "admitted"
                : "not admitted; "
                    + (wait > 0 ? "try again in \(Formatting.span(milliseconds: Int64(wait)))" : "the next call may be")
            return Answer(
                json: [
                    "admitted": JSONValue(admission.admitted), "retryAfterMilliseconds": JSONValue(Int64(wait)),
                    "consecutiveFailures": JSONValue(admission.consecutiveFailures),
                    "share": JSONValue(admission.share),
                ],
                text: "\(text) (share \(Formatting.percent(admission.share)))", isDenial: !admission.admitted)
        }
    }
}
