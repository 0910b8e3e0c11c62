import FuseboxWire
import Glibc

/// A worker process for the tests of admission: `fusebox-caller TASK KEY=VALUE…`.
///
/// It records the daemon's replies in a book that survives its death. The test may kill it at any time.
@main
struct Caller {
    static func main() {
        let arguments = Arguments(CommandLine.arguments.dropFirst())
        do {
            switch arguments.task {
            case "spend": try SpendingCaller(arguments).run()
            case "probe": try ProbingCaller(arguments).run()
            case "hold": try HoldingCaller(arguments).run()
            case "limited": try LimitedCaller(arguments).run()
            case "turn": try TurnCaller(arguments).run()
            case "settle": try settle(arguments)
            case "hostile": try HostileCaller(arguments).run()
            case "neighbour": try NeighbourCaller(arguments).run()
            default:
                throw CallerFailure(
                    "usage: fusebox-caller spend|probe|hold|limited|turn|settle|hostile|neighbour KEY=VALUE…")
            }
        } catch {
            let line = Array("fusebox-caller: \(error)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            exit(1)
        }
    }

    /// Tries to settle a permit that may belong to another worker. The exit status is the daemon's status.
    private static func settle(_ arguments: Arguments) throws {
        let daemon = DaemonConnection(try arguments.text("socket"))
        let settle = Settle(permit: UInt64(try arguments.number("permit")), outcome: .success)
        let (status, _) = try daemon.exchange(settle)
        exit(Int32(status.rawValue))
    }
}

/// An error that ends the process.
struct CallerFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The arguments after the program's name: a task, then `KEY=VALUE`.
struct Arguments {
    let task: String
    private let values: [String: String]

    init(_ words: some Collection<String>) {
        task = words.first ?? ""
        let pairs = words.dropFirst().compactMap { word in
            word.firstIndex(of: "=").map { (String(word[..<$0]), String(word[word.index(after: $0)...])) }
        }
        values = Dictionary(pairs) { $1 }
    }

    func text(_ key: String) throws -> String {
        guard let value = values[key] else { throw CallerFailure("\(key)=… is missing") }
        return value
    }

    func number(_ key: String) throws -> Int {
        guard let number = Int(try text(key)) else { throw CallerFailure("\(key) is not a number") }
        return number
    }
}

/// Waits, as for a call to a provider.
func pass(milliseconds: Int) {
    _ = poll(nil, 0, Int32(milliseconds))
}

/// Kills this process, as the kernel does when memory has run out.
func dieAtOnce() -> Never {
    kill(getpid(), SIGKILL)
    while true { pause() }
}

/// Ends this process when the test that started it has ended.
func endWithoutParent(_ parent: pid_t) {
    if getppid() != parent { exit(2) }
}
