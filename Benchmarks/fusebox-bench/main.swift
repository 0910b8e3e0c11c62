import Glibc

// The benchmarks of the daemon, against the real binary:
//
//   fusebox-bench load  [--workers 4] [--requests 250000] [--in-flight 64] fusebox-bench stall [--accounts 100000]
//   [--seconds 10] fusebox-bench import [--providers 2000] [--models 120] [--breakers 60000] [--records 3000000]
//   [--parts 7] fusebox-bench echo  [--rounds 20000] fusebox-bench durable [--rounds 2000] [--records 300000]
//   [--in-flight 1000]   (needs redis-server) fusebox-bench restart [--entries 1000000] [--mebibytes 96] [--kind
//   outcomes|breakers|records|recordsOverMany|limits|workers|goodbyes] fusebox-bench cost [--calls 4000] [--in-flight
//   1]   (needs valgrind) fusebox-bench client [--calls 10000]   (needs valgrind)
//   fusebox-bench waits [--calls 2048] [--waiting 16384] [--in-flight 64] [--rounds 2000]   (needs valgrind)
//   fusebox-bench users [--users 10000] [--calls 2000]   (needs valgrind)
//   fusebox-bench limits [--permits 65536] [--users 10000]   (without a daemon)
//   fusebox-bench history [--tags 10000] [--days 365]
//
// Each starts `fuseboxd` from its own directory in a temporary folder, prints its figures, and exits with 1 if a
// requirement is not met. Build with `swift build -c release`.

let arguments = Arguments(CommandLine.arguments)
do {
    switch arguments.command {
    case "load": try LoadBenchmark(arguments).run()
    case "worker":
        var worker = try LoadWorker(arguments)
        try worker.run()
    case "stall": try StallBenchmark(arguments).run()
    case "import": try ImportBenchmark(arguments).run()
    case "echo": try EchoBenchmark(arguments).run()
    case "durable": try DurableBenchmark(arguments).run()
    case "restart": try RestartBenchmark(arguments).run()
    case "cost": try CostBenchmark(arguments).run()
    case "waits": try WaitsBenchmark(arguments).run()
    case "users": try UsersBenchmark(arguments).run()
    case "limits": try LimitsBenchmark(arguments).run()
    case "history": try HistoryBenchmark(arguments).run()
    case "client": try ClientBenchmark(arguments).run()
    case "caller": try Caller(arguments).run()
    default:
        print(
            "usage: fusebox-bench load|stall|import|echo|durable|restart|cost|waits|users|limits|history|client [--option NUMBER]…"
        )
        exit(64)
    }
} catch {
    print("fusebox-bench: \(error)")
    exit(1)
}

/// The subcommand and its `--name value` pairs.
struct Arguments {
    let command: String
    private var values: [String: String] = [:]

    init(_ arguments: [String]) {
        command = arguments.count > 1 ? arguments[1] : ""
        var rest = arguments.dropFirst(2)
        while let name = rest.popFirst(), let value = rest.popFirst() { values[name] = value }
    }

    func text(_ name: String) -> String { values["--\(name)"] ?? "" }

    func number(_ name: String, default standard: Int) -> Int { values["--\(name)"].flatMap { Int($0) } ?? standard }
}

/// A requirement that was not met.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func expect(_ condition: Bool, _ failure: @autoclosure () -> String) throws {
    if !condition { throw Failure(failure()) }
}
