import FuseboxCollections
import FuseboxWire

/// Hands events from the thread that reads them to the task that consumes them.
final class EventFeed: Sendable {
    private let limit: Int
    private let state = Lock(State())
    /// The reading thread sleeps here while the buffer is full.
    private let room = Parker()

    private struct State {
        var isStarted = false
        /// Events that the task has not taken yet.
        var events = Fifo<ReceivedEvent>()
        var waiting: TaskSleep?
        /// Why no further event will come. It is set once.
        var end: End?
        var iterator: EventIterator?
    }

    private enum End {
        case stopped
        case failed(ClientError)
    }

    /// The daemon and the topics of a subscription.
    struct Subscription: Sendable {
        let path: String
        let topics: Topics
        let configuration: FuseboxClient.Configuration

        func begin() throws(ClientError) -> EventIterator { try EventIterator(path, topics, configuration) }
    }

    init(limit: Int) { self.limit = max(limit, 1) }

    // MARK: The task's side

    /// Starts the reading thread, unless it has been started.
    func start(_ subscription: Subscription) {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        do throws(SystemFailure) {
            try Thread.start { self.read(subscription) }
        } catch {
            finish(.failed(.unavailable(path: subscription.path, reason: error.description)))
        }
    }

    func next() async throws(ClientError) -> ReceivedEvent? {
        if Task.isCancelled { stop() }
        while true {
            let (event, end, hasMadeRoom) = state.withLock { state in
                let wasFull = state.events.count == limit
                return state.events.count > 0 ? (state.events.removeFirst(), nil, wasFull) : (nil, state.end, false)
            }
            if hasMadeRoom { room.wake() }
            if let event { return event }
            switch end {
            case .stopped: return nil
            case .failed(let error): throw error
            case nil: await waitForEvent()
            }
        }
    }

    private func waitForEvent() async {
        await withTaskCancellationHandler {
            await TaskSleep.sleep { task in
                let isReady = state.withLock { state in
                    guard state.events.count == 0, state.end == nil else { return true }
                    state.waiting = task
                    return false
                }
                if isReady { task.wake() }
            }
        } onCancel: {
            stop()
        }
    }

    /// Ends the subscription.
    func stop() { finish(.stopped) }

    private func finish(_ end: End) {
        let (waiting, iterator) = state.withLock { state in
            if state.end == nil { state.end = end }
            if case .stopped = end { state.events.removeAll() }
            defer { (state.waiting, state.iterator) = (nil, nil) }
            return (state.waiting, state.iterator)
        }
        iterator?.close()
        room.wake()
        waiting?.wake()
    }

    // MARK: The thread's side

    private func read(_ subscription: Subscription) {
        do throws(ClientError) {
            let iterator = try subscription.begin()
            guard keep(iterator) else { return iterator.close() }
            while let event = iterator.next(), add(event) {}
            finish(iterator.failure.map { .failed($0) } ?? .stopped)
        } catch {
            finish(.failed(error))
        }
    }

    /// Remembers the iterator, which is closed when the task stops. Returns false if the task has stopped already.
    private func keep(_ iterator: EventIterator) -> Bool {
        state.withLock { state in
            guard state.end == nil else { return false }
            state.iterator = iterator
            return true
        }
    }

    /// Waits for room and adds an event. Returns whether more events are wanted.
    private func add(_ event: ReceivedEvent) -> Bool {
        while true {
            let (isAdded, isEnded, waiting) = state.withLock { state -> (Bool, Bool, TaskSleep?) in
                guard state.end == nil else { return (false, true, nil) }
                guard state.events.count < limit else { return (false, false, nil) }
                state.events.append(event)
                defer { state.waiting = nil }
                return (true, false, state.waiting)
            }
            waiting?.wake()
            if isAdded || isEnded { return isAdded }
            room.park(until: .never)
        }
    }
}
