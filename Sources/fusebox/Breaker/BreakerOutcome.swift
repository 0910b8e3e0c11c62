import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker success NAME`
    struct Success: ReportingCommand {
        static let configuration = CommandConfiguration(abstract: "Report that a call succeeded.")

        @OptionGroup var breaker: NameArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.breakers.success(breaker.name)
            return .done
        }
    }

    /// `fusebox breaker failure NAME`
    struct Failed: ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "failure", abstract: "Report that a call failed.")

        @OptionGroup var breaker: NameArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.breakers.failure(breaker.name)
            return .done
        }
    }
}
