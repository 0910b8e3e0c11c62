import Glibc

/// Counts what a program executes, with valgrind's tool callgrind.
enum Callgrind {
    /// The cost of a program in user space.
    struct Cost {
        var instructions = 0
        var allocations = 0

        static func - (left: Cost, right: Cost) -> Cost {
            Cost(
                instructions: left.instructions - right.instructions,
                allocations: left.allocations - right.allocations)
        }

        /// The cost of one of so many calls, with two decimals for allocations.
        func perCall(of calls: Int) -> String {
            let hundredths = Int((Double(allocations) / Double(calls) * 100).rounded())
            let decimals = "\(hundredths % 100 / 10)\(hundredths % 10)"
            return "\(instructions / calls) instructions, \(hundredths / 100).\(decimals) allocations"
        }
    }

    /// The threads whose cost is counted.
    enum Threads {
        /// All of them. The time under callgrind may bring about a snapshot, which other threads write.
        case all
        /// The first one, which has the loop.
        case first
    }

    /// Passes `body` the command prefix that starts a program under callgrind. Returns the program's cost after `body`
    /// has waited for its end.
    static func count(_ threads: Threads = .all, _ body: (_ tool: [String]) throws -> Void) throws -> Cost {
        var template = Array("/tmp/fusebox-cost-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("cannot create a folder in /tmp") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        defer {
            // A file for each thread.
            for name in names(in: folder) { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
        let counts = "\(folder)/counts"
        let separation = threads == .first ? ["--separate-threads=yes"] : []
        try body(["/usr/bin/valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=\(counts)"] + separation)
        return try read(threads == .first ? "\(counts)-01" : counts)
    }

    /// The totals in a file that callgrind wrote.
    private static func read(_ path: String) throws -> Cost {
        guard let file = fopen(path, "r") else { throw Failure("callgrind has not written \(path)") }
        defer { fclose(file) }
        var cost = Cost()
        var names: [Substring: Bool] = [:]
        var isAllocation = false
        var buffer = [CChar](repeating: 0, count: 65_536)
        while fgets(&buffer, Int32(buffer.count), file) != nil {
            let line = String(
                decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if line.hasPrefix("cfn=") {
                // A name has its text only where it first occurs: `cfn=(12) malloc`, later `cfn=(12)`.
                let parts = line.dropFirst(4).split(separator: " ", maxSplits: 1)
                if parts.count > 1 { names[parts[0]] = allocators.contains(String(parts[1])) }
                isAllocation = names[parts[0]] ?? false
            } else if line.hasPrefix("fn=") {
                let parts = line.dropFirst(3).split(separator: " ", maxSplits: 1)
                if parts.count > 1 { names[parts[0]] = allocators.contains(String(parts[1])) }
            } else if isAllocation, line.hasPrefix("calls=") {
                cost.allocations += line.dropFirst(6).split(separator: " ").first.flatMap { Int($0) } ?? 0
            } else if line.hasPrefix("summary:") || line.hasPrefix("totals:") {
                cost.instructions = line.split(separator: " ").last.flatMap { Int($0) } ?? 0
            }
        }
        try expect(cost.instructions > 0, "callgrind has counted no instructions")
        return cost
    }

    private static let allocators: Set = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"]
}
