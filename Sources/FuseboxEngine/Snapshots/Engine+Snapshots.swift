import FuseboxCore
import FuseboxStore
import FuseboxWire

extension Engine {
    /// Notes the processor time that a turn, or the replay at the start, has used.
    package mutating func hasUsed(processorNanoseconds: Int64) {
        commit.snapshots.noteTurn(processorNanoseconds: processorNanoseconds, upTo: sequence)
    }

    /// Captures the state for a snapshot.
    package func capture(at moment: Moment) -> SnapshotCapture {
        SnapshotCapture(
            state.machine, state.workers, state.history,
            header: SnapshotHeader(
                epoch: identity.epoch, sequence: sequence, moment: moment, lead: clock.lead,
                profile: machine.profile))
    }

    /// Replaces breakers, exhaustion and ledger, or some of them, by those of an imported state. The next snapshot
    /// answers the request.
    package mutating func adopt(_ imported: consuming PreparedParts, for ticket: Ticket) {
        state.machine.replace(with: imported)
        queue.beginAnew(&state.machine)
        applied()
        commit.snapshots.request(ticket)
    }

    /// Writes the reply of deferred work.
    package static func complete<Reply: WireRecord>(
        _ ticket: Ticket, _ result: Result<Reply, Refusal>, _ output: inout ByteWriter
    ) {
        switch result {
        case .success(let reply):
            output.writeReply(reply, command: ticket.command, correlation: ticket.correlation)
        case .failure(let refusal):
            output.writeRefusal(refusal, command: ticket.command, correlation: ticket.correlation)
        }
    }
}

extension Refusal {
    /// The refusal for work on the data directory that failed.
    package init(_ failure: SnapshotFailure) {
        switch failure {
        case .storage(let error) where error.isNotFound:
            self.init(.notFound, "the snapshot is not kept, or no longer; `snapshot.list` lists those that are")
        case .storage(let error): self.init(.storageFailed, error.description)
        case .damaged: self.init(.damagedData, failure.description)
        }
    }
}
