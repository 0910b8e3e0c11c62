import FuseboxClient
import FuseboxWire

// Declarations that the documents' examples assume: a program's own way to call a provider.

struct ProviderReply {
    var text: String
    var model: String
    var cost: Money
    var inputTokens: Int
    var outputTokens: Int
}

enum ProviderError: Error {
    case quotaExhausted(retryAfter: Duration?)
    case unavailable
}

/// Providers whose results a test decides.
enum FakeProviders {
    @TaskLocal static var reply: @Sendable (_ provider: String) throws -> ProviderReply = { provider in
        ProviderReply(
            text: "\(provider) says so", model: "large", cost: Money(nanodollars: 1_230_000), inputTokens: 120,
            outputTokens: 300)
    }
}

func call(_ provider: String, _ prompt: String) throws -> ProviderReply { try FakeProviders.reply(provider) }
