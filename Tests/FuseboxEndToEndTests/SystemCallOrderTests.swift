import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    /// The daemon's promises depend on the order of its system calls, which is observed from outside.
    @Suite(.enabled(if: access("/usr/bin/strace", X_OK) == 0))
    struct SystemCallOrderTests {
        /// A system call, with the positions of its start and its end in the trace.
        private struct Call {
            let name: String
            let arguments: String
            let began: Int
            var ended: Int

            func isOn(_ path: String) -> Bool { arguments.contains(path) }
        }

        private func daemon() throws -> DaemonProcess {
            let folder = TemporaryFolder()
            var options = DaemonProcess.Options()
            options.flags = ["--snapshot-interval", "60m"]
            options.prelude = """
                set -- /usr/bin/strace -D -f -yy -s 0 -o \(folder("trace")) \
                -e trace=openat,pread64,pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg,rename,renameat,renameat2,unlinkat \
                "$@"
                """
            return try DaemonProcess(options, in: folder)
        }

        /// The calls of a daemon that has ended, ordered by their start.
        private func calls(of daemon: DaemonProcess) throws -> [Call] {
            try #require(waitUntil { trace(daemon).contains("+++ exited with 0 +++") })
            var calls: [Call] = []
            var unfinished: [Substring: Int] = [:]
            for (number, line) in trace(daemon).split(separator: "\n").enumerated() {
                let parts = line.split(separator: " ", maxSplits: 1)
                guard parts.count == 2 else { continue }
                let text = parts[1].drop { $0 == " " }
                if text.hasPrefix("<... ") {
                    if let index = unfinished.removeValue(forKey: parts[0]) { calls[index].ended = number }
                } else if let bracket = text.firstIndex(of: "(") {
                    let isUnfinished = text.hasSuffix("<unfinished ...>")
                    if isUnfinished { unfinished[parts[0]] = calls.count }
                    calls.append(
                        Call(
                            name: String(text[..<bracket]), arguments: String(text[bracket...]), began: number,
                            ended: isUnfinished ? .max : number))
                }
            }
            return calls
        }

        private func trace(_ daemon: DaemonProcess) -> String {
            String(decoding: contents(of: daemon.folder("trace")), as: UTF8.self)
        }

        /// Finds the steps in order. Each must begin after the end of the one before.
        private func expect(
            _ steps: [(what: String, matches: (Call) -> Bool)], in calls: [Call],
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            var place = -1
            for step in steps {
                let call = calls.first { $0.began > place && step.matches($0) }
                place = try #require(call, "\(step.what) is missing or too early", sourceLocation: location).ended
            }
        }

        @Test func aSnapshotIsOnTheDiskAndVerifiedBeforeItIsNamedAndBeforeAnythingOlderGoes() throws {
            let daemon = try daemon()
            let peer = try RawPeer.greeted(daemon.socketPath)
            for _ in 0..<4 {
                #expect(try peer.ask(BreakerSuccess(name: try Name("one"))).status == .ok)
                #expect(try peer.ask(SnapshotNow()).status == .ok)
            }
            let newest = try #require(daemon.snapshots.last)
            #expect(daemon.snapshots.count == 3)
            #expect(try daemon.stop() == 0)
            let calls = try calls(of: daemon)
            let partial = "/\(newest).partial>"
            let data = "<\(daemon.dataPath)>"
            let lastWrite = try #require(calls.last { $0.name == "write" && $0.isOn(partial) }).ended
            #expect(calls.contains { $0.name == "fsync" && $0.isOn(partial) && $0.began > lastWrite })
            try expect(
                [
                    ("the writing", { $0.name == "write" && $0.isOn(partial) }),
                    ("its sync", { $0.name == "fsync" && $0.isOn(partial) }),
                    ("the reading back", { $0.name == "pread64" && $0.isOn(partial) }),
                    ("its name", { $0.name.hasPrefix("rename") && $0.isOn("\"\(newest)\"") }),
                    ("the sync of the directory", { $0.name == "fsync" && $0.isOn(data) }),
                    ("the removal of an older one", { $0.name == "unlinkat" && $0.isOn("\"snapshot-") }),
                ], in: calls)
            // Nothing was removed between the file's first byte and its rename.
            let first = try #require(calls.first { $0.name == "write" && $0.isOn(partial) }).began
            let named = try #require(calls.first { $0.name.hasPrefix("rename") && $0.isOn("\"\(newest)\"") }).ended
            #expect(
                !calls.contains {
                    $0.name == "unlinkat" && $0.isOn("\"snapshot-") && !$0.isOn(".partial")
                        && (first..<named).contains($0.began)
                })
        }

        @Test func aReplyFollowsTheWriteAndADurableOneTheSync() throws {
            let daemon = try daemon()
            let peer = try RawPeer.greeted(daemon.socketPath)
            let name = try Name("one")
            let rounds = 10
            for round in 0..<rounds {
                if round % 2 == 0 {
                    let record = LedgerRecord(
                        provider: name, model: name, cost: Money(nanodollars: 1), inputTokens: 1, outputTokens: 1)
                    #expect(try peer.ask(record).status == .ok)
                } else {
                    #expect(try peer.ask(BreakerSuccess(name: name)).status == .ok)
                }
            }
            #expect(try daemon.stop() == 0)
            let calls = try calls(of: daemon)
            let sends = calls.filter {
                ["write", "writev", "sendmsg", "sendto"].contains($0.name) && $0.isOn("<UNIX-STREAM:")
            }
            // The first is the answer to hello.
            try #require(sends.count >= rounds + 1)
            for round in 0..<rounds {
                let since = sends[round].began
                let until = sends[round + 1].began
                let between = calls.filter { $0.began > since && $0.began < until && $0.isOn("/journal-") }
                let write = try #require(between.first { $0.name == "pwrite64" }, "round \(round)")
                #expect(write.ended < until)
                guard round % 2 == 0 else { continue }
                let sync = try #require(between.first { $0.name == "fdatasync" && $0.began > write.ended })
                #expect(sync.ended < until, "round \(round)")
            }
        }
    }
}
