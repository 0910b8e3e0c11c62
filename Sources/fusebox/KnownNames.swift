import ArgumentParser
import FuseboxClient

/// Names that the shell completes, as a running daemon knows them. Without a daemon, and without the permission to read
/// them, there are none.
enum KnownNames {
    /// The providers that have an account or a breaker.
    static let providers = completion { client in try client.ledger.providers().map(\.provider.text) }
    /// The routes that have a breaker, and the providers.
    static let routes = completion { client in
        try client.breakers.list().map(\.route) + client.ledger.providers().map(\.provider.text)
    }
    /// The deployments of every provider.
    static let deployments = completion { client in
        try client.ledger.accounts(.deployment).compactMap(\.scope.deployment?.text)
    }
    /// The models of every provider.
    static let models = completion { client in try client.ledger.accounts(.model).compactMap(\.scope.model?.text) }
    /// The tags that calls were made for.
    static let tags = completion { client in try client.ledger.accounts(.tag).compactMap(\.scope.tag?.text) }

    private static func completion(
        _ names: @escaping @Sendable (FuseboxClient) throws -> [String]
    ) -> CompletionKind {
        .custom { words, _, _ in
            guard let client = try? FuseboxClient.connect(to: socket(in: words), configuration: impatient) else {
                return []
            }
            defer { client.close() }
            let known = (try? names(client)) ?? []
            return Set(known.filter(isOneWord)).sorted().map(spelled)
        }
    }

    /// A person waits for the key to have an effect.
    private static var impatient: FuseboxClient.Configuration {
        var configuration = FuseboxClient.Configuration(
            clientName: "fusebox completion", requestTimeoutMilliseconds: 300)
        configuration.connectTimeoutMilliseconds = 200
        configuration.spool = .none
        return configuration
    }

    /// The socket that the words of a command line name; nil if they name none.
    static func socket(in words: [String]) -> String? {
        for (place, word) in words.enumerated() {
            if word == "--socket", place + 1 < words.count { return words[place + 1] }
            if word.hasPrefix("--socket=") { return String(word.dropFirst("--socket=".count)) }
        }
        return nil
    }

    /// Whether a name can be typed without quotes. The scripts of the shells quote none.
    private static func isOneWord(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:@+,%=".utf8.contains(byte)
            }
        }
    }

    /// In zsh a colon divides a completion from its description.
    private static func spelled(_ name: String) -> String {
        CompletionShell.requesting == .zsh ? name.replacing(":", with: "\\:") : name
    }
}
