import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

extension BreakerCommands {
    /// `fusebox breaker serialize ROUTE`
    struct Serialize: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "serialize", abstract: "Print the whole state of a breaker in the format of llm-providers.")

        @OptionGroup var breaker: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let route = try breaker.candidate
            let record = try client.withKnown(route.route) { () throws(ClientError) in
                try client.breakers.serialize(route)
            }
            let snapshot = LLMProvidersSnapshot.breaker(record)
            return Answer(json: snapshot, text: snapshot.text(pretty: true))
        }
    }

    /// `fusebox breaker deserialize FILE|-`
    struct Deserialize: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "deserialize",
            abstract: "Replace a breaker with a serialized breaker of the same name. Operators only.",
            discussion: """
                EXAMPLE
                  fusebox breaker serialize openai > openai.json
                  fusebox breaker deserialize openai.json
                """)

        @Argument(
            help: "A file with the output of `serialize` or of llm-providers; - for standard input.",
            completion: .file())
        var file: String

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let document = try LocalFile.readJSON(file)
            let record: BreakerRecord
            do throws(JSONFieldError) { record = try LLMProvidersSnapshot.breakerRecord(from: document) } catch {
                throw Failure(error, in: LocalFile.label(file))
            }
            try client.breakers.deserialize(record)
            return .done
        }
    }
}
