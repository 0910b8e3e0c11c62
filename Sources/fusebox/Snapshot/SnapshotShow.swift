import ArgumentParser
import FuseboxCore
import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import FuseboxWire

extension SnapshotCommands {
    /// `fusebox snapshot show FILE`
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a summary of a snapshot, or with --json its whole state.",
            discussion: "With --json the state has the format of `fusebox export`, at the time of the snapshot.")

        @OptionGroup var snapshot: FileArgument
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let file = try snapshot.verified()
            let machine = try file.stateMachine()
            let state = LLMProvidersSnapshot.export(machine, at: file.reader.header.moment)
            try Answer(
                json: ["header": .object(file.headerJSON), "state": state],
                text: file.headerListing.text + "\n\n" + Self.contents(machine).text
            ).deliver(asJSON: connection.json)
        }

        private static func contents(_ machine: StateMachine) -> Listing {
            let ledger = machine.ledger
            var spend: Money? = .zero
            ledger.forEachProvider { id in
                spend = machine.account(id).flatMap { spend?.adding($0.usage.spend) }
            }
            var limits = 0
            machine.forEachLimit { _, _ in limits += 1 }
            return [
                "breakers": "\(machine.breakers.count)",
                "exhausted": "\(machine.exhaustion.count)",
                "providers": "\(ledger.providerCount)",
                "models": "\(machine.models.count)",
                "limits": "\(limits)",
                "spent": spend.map {
                    "\(Formatting.dollars($0)) since \(DaemonClock.date(wall: ledger.since))"
                },
            ]
        }
    }
}

extension SnapshotFile {
    /// The state in the snapshot.
    func stateMachine() throws(Failure) -> StateMachine {
        do throws(SnapshotDamage) { return try reader.stateMachine() } catch {
            throw Failure(error, in: label)
        }
    }

    /// Loads the state by the rules of a start and discards it. Throws if a start would refuse it.
    func tryStart() throws(Failure) {
        do throws(SnapshotDamage) { try reader.tryStart() } catch { throw Failure(error, in: label) }
    }
}
