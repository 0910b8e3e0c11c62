import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxWire
import Glibc

/// The timer of the work that recurs, and what may begin it early.
struct House {
    var timer: Timer?
    /// Whether the timer is set to the long interval, because nothing recurs.
    var isResting = false
    /// The watches of the socket's and the data directory. Empty if the system has none to give. Then there is no rest.
    var watchers: [DirectoryWatcher] = []
    /// The number of requests at the last round.
    var requests: UInt64 = 0
    /// The turn that looked at the state last.
    var lookedIn: UInt64 = 0
    /// The time between rounds, in milliseconds.
    var interval: Int64 = 1_000
    var restInterval: Int64 = Bounds.restMilliseconds

    mutating func close() {
        timer?.close()
        for watcher in watchers { watcher.close() }
        watchers = []
    }
}

/// The work that recurs: deadlines, snapshots, measurements, the socket file, the clock, the log.
///
/// A round is about once a second. While nothing happens and nothing is left to do, the daemon rests: rounds are a
/// minute apart, and what must be noticed sooner wakes the loop by itself (a request, a deadline of the state, a change
/// of the directories). The first turn after a rest looks at the state at once.
extension Server {
    func startHousekeeping() throws(LoopError) {
        let soonest = min(configuration.snapshotIntervalMilliseconds, bounds.helloMilliseconds)
        house.interval = min(house.interval, max(10, soonest))
        if let watchdog = manager.watchdogMilliseconds {
            house.restInterval = min(house.restInterval, max(10, watchdog / 3))
            house.interval = min(house.interval, house.restInterval)
        }
        let timer = try Timer(on: loop) { [unowned self] in keepHouse() }
        timer.start(afterMilliseconds: house.interval, repeatingMilliseconds: house.interval)
        house.timer = timer
        watchDirectories()
    }

    /// Watches the directories whose entries clients and the next start look for.
    func watchDirectories() {
        // The turn that a change begins ends the rest. A socket file is looked for in the round after it: who removes the
        // whole directory is not to find another one in it.
        let changed = {}
        do throws(LoopError) {
            let data = try DirectoryWatcher(on: loop, configuration.dataDirectory, action: changed)
            house.watchers = [data]
            guard let path = listener?.filePath else { return }
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            let directory = parts.count > 1 ? parts.dropLast().joined(separator: "/") + "/" : "."
            house.watchers.append(
                try DirectoryWatcher(on: loop, directory, entry: parts.last.map(String.init), action: changed))
        } catch {
            house.watchers = []
            log(.debug, "\(error); the daemon looks at its directories every second instead")
        }
    }

    /// A round.
    func keepHouse() {
        for case let connection? in connections { connection.checkDeadlines(at: moment.now) }
        lookAtState()
        watchSocketFile()
        forgetProcesses()
        log.reportLeftOut()
        tellStanding()
        guard case .notBegun = shutdown else { return }
        house.isResting = mayRest
        house.requests = keeper.engine.requests
        let interval = house.isResting ? house.restInterval : house.interval
        house.timer?.start(afterMilliseconds: interval, repeatingMilliseconds: interval)
    }

    /// Goes back to rounds about once a second, because something has happened.
    func leaveRest() {
        house.isResting = false
        lookAtState()
        guard case .notBegun = shutdown else { return }
        loop.updateTime()
        house.timer?.start(afterMilliseconds: house.interval, repeatingMilliseconds: house.interval)
    }

    /// Looks at the data directory, the memory and the clock. A round that ends a rest has done so as its turn began.
    private func lookAtState() {
        guard house.lookedIn != turn else { return }
        house.lookedIn = turn
        keeper.keepHouse()
        measure()
        isClockSynchronised = SystemClock.isSynchronised
    }

    /// Whether nothing recurs until something happens.
    private var mayRest: Bool {
        guard !house.watchers.isEmpty, house.requests == keeper.engine.requests, keeper.isAtRest,
            keeper.engine.clock.doubtEnds == nil, calendarTrouble == nil, !socketFileWatch.complaint.isOpen,
            !schedule.hasWaiting, processes.values.allSatisfy(\.lost.isEmpty)
        else { return false }
        for case let connection? in connections where !connection.isQuiet { return false }
        return true
    }
}
