import FuseboxWire

/// The prices of models.
enum PriceSection: SnapshotSection {
    static let kind: UInt32 = 23
    static let name = "prices"
    static let summary = "the prices of models, by provider and model"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        for entry in machine.prices.sorted {
            var image = PriceImage()
            image.provider = entry.provider
            image.model = entry.model
            image.input = entry.price.input
            image.cachedInput = entry.price.cachedInput
            image.cacheWrite = entry.price.cacheWrite
            image.output = entry.price.output
            image.reasoning = entry.price.reasoning
            image.request = entry.price.request
            part.add(image)
        }
    }

    static func add(_ image: PriceImage, to state: inout StateImage) throws(Refusal) {
        var price = Price()
        price.input = image.input
        price.cachedInput = image.cachedInput
        price.cacheWrite = image.cacheWrite
        price.output = image.output
        price.reasoning = image.reasoning
        price.request = image.request
        let entry = PriceEntry(provider: image.provider, model: image.model, price: price)
        try StateMachine.validate(entry)
        guard !state.builder.machine.prices.set(entry) else {
            throw Refusal(.damagedData, "a price comes twice")
        }
    }
}

struct PriceImage: VersionedRecord {
    var provider: Name?
    var model: Name?
    var input: Money?
    var cachedInput: Money?
    var cacheWrite: Money?
    var output: Money?
    var reasoning: Money?
    var request: Money?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field("input", &input, "per million tokens sent; absent: not known")
        try visitor.field("cachedInput", &cachedInput, "per million tokens read from a cache; absent: that of input")
        try visitor.field("cacheWrite", &cacheWrite, "per million tokens written to a cache; absent: that of input")
        try visitor.field("output", &output, "per million tokens received; absent: not known")
        try visitor.field("reasoning", &reasoning, "per million tokens of reasoning; absent: that of output")
        try visitor.field("request", &request, "per request; absent: nothing")
    }
}
