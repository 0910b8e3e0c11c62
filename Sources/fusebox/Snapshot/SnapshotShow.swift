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
            commandName: "show", abstract: "Show a summary of a snapshot, or with --json its whole state.",
            discussion: """
                The limits stand as at the time of the snapshot. With --json, `state` has the format of `fusebox export`, and \
                `limits`, `templateUses`, `accounts`, `names` and `aliases` have the form in which `limit list`, `ledger list`, \
                `names` and `alias list` print them.
                """)

        @OptionGroup var snapshot: FileArgument
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let file = try snapshot.verified()
            let machine = try file.stateMachine()
            let moment = file.reader.header.moment
            let state = LLMProvidersSnapshot.export(machine, at: moment)
            let contents = try SnapshotContents(machine, at: moment)
            let header: JSONValue = ["header": .object(file.headerJSON), "state": state]
            let tables = [
                contents.limits.isEmpty ? nil : LimitReport.table(contents.limits, ifEmpty: ""),
                contents.aliases.isEmpty ? nil : AliasCommands.table(contents.aliases).fitted(ifEmpty: ""),
            ]
            try Answer(
                json: header.adding(contents.json),
                text: ([file.headerListing.text, Self.summary(machine, contents).text] + tables.compactMap(\.self))
                    .joined(separator: "\n\n")
            ).deliver(asJSON: connection.json)
        }

        private static func summary(_ machine: StateMachine, _ contents: SnapshotContents) -> Listing {
            let ledger = machine.ledger
            var spend: Money? = .zero
            ledger.forEachProvider { id in
                spend = machine.account(id).flatMap { spend?.adding($0.usage.spend) }
            }
            let unpriced = Formatting.without(unpriced: ledger.totalUnpriced())
            return [
                "breakers": "\(machine.breakers.count)",
                "exhausted": "\(machine.exhaustion.countInForce)",
                "permits": "\(contents.permits.outstanding) in force",
                "providers": "\(ledger.providerCount)",
                "deployments": "\(contents.count { $0.deployment != nil })",
                "models": "\(contents.count { $0.model != nil })",
                "tags": "\(contents.count { $0.tag != nil })",
                "limits": "\(contents.limits.count)",
                "aliases": "\(contents.aliases.count)",
                "strict names": contents.policy.isStrict ? "on" : "off",
                "required tags": NamesCommands.requiredTags(contents.policy),
                "spent": spend.map {
                    "\(Formatting.dollars($0)) since \(DaemonClock.date(wall: ledger.since))\(unpriced)"
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

    /// The state in the snapshot, as another life begins with it.
    func restored() throws(Failure) -> RestoredState {
        do throws(SnapshotDamage) { return try RestoredState(reader) } catch { throw Failure(error, in: label) }
    }

    /// Loads the state by the rules of a start and discards it. Throws if a start would refuse it.
    func tryStart() throws(Failure) {
        do throws(SnapshotDamage) { try reader.tryStart() } catch { throw Failure(error, in: label) }
    }
}
