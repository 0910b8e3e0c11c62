import FuseboxCollections
import FuseboxWire

/// The answer of a streaming call under a permit, as it arrives.
///
/// It passes on the elements of the provider's stream. It notes when the first one came, what usage they tell, and
/// whether the stream came to its end, so that `withPermit` knows how the call went.
public struct PermittedStream<Base: AsyncSequence>: AsyncSequence {
    /// The elements of the provider's stream.
    public typealias Element = Base.Element
    /// The error that the provider's stream throws.
    public typealias Failure = Base.Failure

    private let base: Base
    private let permit: HeldPermit
    private let usage: @Sendable (Base.Element) -> Usage?
    private let course = Course()

    init(_ base: Base, _ permit: HeldPermit, usage: @escaping @Sendable (Base.Element) -> Usage?) {
        self.base = base
        self.permit = permit
        self.usage = usage
    }

    /// Begins to read the provider's stream.
    public func makeAsyncIterator() -> Iterator {
        Iterator(base: base.makeAsyncIterator(), permit: permit, usage: usage, course: course)
    }

    /// A reader of the stream.
    public struct Iterator: AsyncIteratorProtocol {
        var base: Base.AsyncIterator
        let permit: HeldPermit
        let usage: @Sendable (Base.Element) -> Usage?
        let course: Course

        /// The next element; nil at the end of the stream.
        ///
        /// - Throws: what the provider's stream throws
        public mutating func next() async throws(Base.Failure) -> Base.Element? {
            try await next(isolation: nil)
        }

        /// The next element; nil at the end of the stream.
        ///
        /// - Throws: what the provider's stream throws
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(Base.Failure) -> Base.Element? {
            let element: Base.Element?
            do throws(Base.Failure) { element = try await base.next(isolation: actor) } catch {
                course.note(.failed)
                throw error
            }
            guard let element else {
                // Many streams end without an error when their task is cancelled.
                course.note(Task.isCancelled ? .stopped : .ended)
                return nil
            }
            permit.firstToken()
            course.noteElement(usage(element))
            return element
        }
    }

    /// How far a stream has come.
    final class Course: Sendable {
        enum End { case ended, failed, stopped }

        private struct State {
            var hasBegun = false
            var end: End?
            var usage: Usage?
        }

        private let state = Lock(State())

        func note(_ end: End) { state.withLock { $0.end = $0.end ?? end } }

        func noteElement(_ usage: Usage?) {
            state.withLock { state in
                state.hasBegun = true
                if let usage { state.usage = usage }
            }
        }

        var hasBegun: Bool { state.withLock { $0.hasBegun } }
        var end: End? { state.withLock { $0.end } }
        var usage: Usage? { state.withLock { $0.usage } }
    }

    /// Whether the provider's stream has failed before its first element. Then another candidate may answer.
    var hasFailedAtOnce: Bool { course.end == .failed && !course.hasBegun }

    /// How the call went, if its reader has returned.
    var outcome: CallOutcome {
        course.end == .ended ? .success(usage: course.usage) : .abandoned(usage: course.usage)
    }

    /// How the call went, if its reader has thrown an error.
    func outcome(of error: any Error, _ policy: CallPolicy) -> CallOutcome {
        // An error of the reader itself says nothing of the provider.
        guard course.end == .failed else { return .abandoned(usage: course.usage) }
        let told = policy.outcome(error)
        return CallOutcome(
            told.outcome, usage: told.usage ?? course.usage, retryAfter: told.retryAfter, markScope: told.markScope)
    }
}

extension PermittedStream: Sendable where Base: Sendable {}

extension FuseboxClient {
    /// Makes a call whose answer is a stream, under a permit that lasts until the stream has been read.
    ///
    /// The permit is settled by how far the stream has come:
    ///
    /// | the reader | the stream | outcome |
    /// |---|---|---|
    /// | returns | came to its end | `success` |
    /// | returns | was not read to its end, or its task was cancelled | `abandoned` |
    /// | throws | threw this error | what `CallPolicy.outcome` says of it |
    /// | throws | threw no error | `abandoned` |
    ///
    /// Whatever the outcome, the last usage that was told counts. The next candidate is tried while no element has come;
    /// a reader that has seen a part of an answer does not get another one. Otherwise the rules are those of
    /// `withPermit(_:tags:estimate:waiting:priority:policy:_:)`.
    ///
    /// - Parameters:
    ///   - candidates: where the call may go, best first; 1 to `WireLimits.candidates`
    ///   - tags: what the call is made for, such as `team:search`: at most 8
    ///   - estimate: what the call may use at most, held until it is settled
    ///   - waiting: how long the call may wait for its turn; zero: it is denied at once
    ///   - priority: how urgent a waiting call is: 0, the most urgent, to 7
    ///   - policy: how long permits last, how many candidates are tried, what errors mean
    ///   - usage: the usage that an element tells of the whole call so far; nil: it tells none
    ///   - stream: asks `permit.provider` and returns its answer as a stream
    ///   - read: reads the stream
    /// - Returns: the value that `read` returned
    /// - Throws: as `withPermit`; and what `read` threw
    public nonisolated(nonsending) func withPermit<Chunks: AsyncSequence, Value>(
        _ candidates: [Candidate], tags: [String] = [], estimate: Estimate = Estimate(),
        waiting: Duration = .zero, priority: Int = Int(WireLimits.defaultPriority), policy: CallPolicy = CallPolicy(),
        usage: @escaping @Sendable (Chunks.Element) -> Usage? = { _ in nil },
        stream: nonisolated(nonsending) (_ permit: HeldPermit) async throws -> Chunks,
        read: nonisolated(nonsending) (_ chunks: PermittedStream<Chunks>) async throws -> Value
    ) async throws -> Value {
        let result: Result<Value, any Error> = try await withPermit(
            candidates, tags: tags, estimate: estimate, waiting: waiting, priority: priority, policy: policy
        ) { permit in
            let chunks = PermittedStream(try await stream(permit), permit, usage: usage)
            do {
                let value = try await read(chunks)
                return CallResult(.success(value), outcome: chunks.outcome)
            } catch {
                if chunks.hasFailedAtOnce { throw error }
                return CallResult(.failure(error), outcome: chunks.outcome(of: error, policy))
            }
        }
        return try result.get()
    }
}
