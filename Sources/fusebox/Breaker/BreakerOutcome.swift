import ArgumentParser
import FuseboxClient

extension BreakerCommands {
    /// `fusebox breaker success ROUTE`
    struct Success: ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "success", abstract: "Report that a call succeeded.")

        @OptionGroup var breaker: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.breakers.success(breaker.candidate)
            return .done
        }
    }

    /// `fusebox breaker failure ROUTE`
    struct Failed: ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "failure", abstract: "Report that a call failed.")

        @OptionGroup var breaker: RouteArgument
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.breakers.failure(breaker.candidate)
            return .done
        }
    }
}
