import FuseboxWire

/// What a call takes of each dimension: estimated at its admission, or used when it ends.
struct CallNeed: Sendable, Equatable {
    /// In nano-dollars.
    var cost: Int64 = 0
    var requests: Int64 = 1
    var inputTokens: Int64 = 0
    var outputTokens: Int64 = 0

    /// Input and output together. Each is below 2³², so the sum fits.
    var tokens: Int64 { inputTokens + outputTokens }

    subscript(dimension: LimitDimension) -> Int64 {
        switch dimension {
        case .cost: cost
        case .requests: requests
        case .tokens: tokens
        case .inputTokens: inputTokens
        case .outputTokens: outputTokens
        case .inFlight: requests
        }
    }
}
