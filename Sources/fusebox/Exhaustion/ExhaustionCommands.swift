import ArgumentParser
import FuseboxInterop
import FuseboxWire

/// `fusebox exhaustion`
struct ExhaustionCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exhaustion", abstract: "Quota exhaustion: which providers have no quota left, and until when?",
        subcommands: [List.self, Get.self, Mark.self, Clear.self, Reset.self, Default.self])

    /// The argument that names a provider.
    struct ProviderArgument: ParsableArguments {
        @Argument(help: "The provider.")
        var provider: String
    }
}
