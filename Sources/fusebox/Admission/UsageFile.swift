import FuseboxClient
import FuseboxWire
import Glibc

/// Where a command tells what its call used: a file of its own, named in `FUSEBOX_USAGE`, with a `key=value` a line.
struct UsageFile: ~Copyable {
    let path: String

    /// More than this is no report of a call.
    private static let longest = 256 * 1024

    init() throws(Failure) {
        let folder = unsafe getenv("TMPDIR").flatMap { unsafe $0.pointee == 0 ? nil : unsafe String(cString: $0) }
        var template = Array("\(folder ?? "/tmp")/fusebox-usage-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw .system("create", path) }
        close(descriptor)
        self.path = path
    }

    deinit { _ = unsafe unlink(path) }

    /// What it says, and what in it cannot be understood.
    func read() -> (told: ToldUsage, complaints: [String]) {
        var told = ToldUsage()
        var bytes: [UInt8] = []
        do throws(Failure) {
            let file = try Descriptor(open: path, O_RDONLY)
            while bytes.count < Self.longest, try file.read(into: &bytes) {}
        } catch {
            return (told, [error.message])
        }
        var complaints: [String] = []
        let lines = String(decoding: bytes.prefix(Self.longest), as: UTF8.self)
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            if !told.take(line) { complaints.append("FUSEBOX_USAGE, line \(index + 1) is not understood: \(line)") }
        }
        return (told, complaints)
    }
}

/// What a command tells of its call.
struct ToldUsage {
    /// What was used, over all lines; nil if nothing was told.
    private(set) var usage: Usage?
    /// How it went, if the command says it better than its exit status.
    private(set) var outcome: Outcome?
    /// How long the provider takes no calls.
    private(set) var retryAfter: Duration?
    /// The model that answered.
    private(set) var model: String?

    /// Takes a line: amounts add up, of the rest the last counts. Returns false if it cannot be understood.
    mutating func take(_ line: some StringProtocol) -> Bool {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        let value = Self.trimmed(parts[1])
        switch Self.trimmed(parts[0]) {
        case "cost": return add(MoneyArgument(argument: value).map { Usage(cost: $0.money) })
        case "input-tokens": return add(UInt32(value).map { Usage(inputTokens: Int($0)) })
        case "output-tokens": return add(UInt32(value).map { Usage(outputTokens: Int($0)) })
        case "model":
            guard (try? Name(value)) != nil else { return false }
            model = value
            usage?.model = value
        case "outcome":
            guard let outcome = OutcomeArgument(argument: value)?.outcome else { return false }
            self.outcome = outcome
        case "retry-after":
            // Seconds, as HTTP has it, or with a unit.
            let seconds = UInt32(value).map { Duration.seconds(Int64($0)) }
            guard let time = seconds ?? DurationArgument(argument: value)?.duration else { return false }
            retryAfter = time
        default: return false
        }
        return true
    }

    private mutating func add(_ more: Usage?) -> Bool {
        guard let more else { return false }
        var sum = usage ?? Usage(model: model)
        guard let cost = sum.cost.adding(more.cost) else { return false }
        let (input, output) = (sum.inputTokens + more.inputTokens, sum.outputTokens + more.outputTokens)
        guard max(input, output) <= Int(UInt32.max) else { return false }
        (sum.cost, sum.inputTokens, sum.outputTokens) = (cost, input, output)
        usage = sum
        return true
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let rest = text.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(rest[...last])
    }
}
