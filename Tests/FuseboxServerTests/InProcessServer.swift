import FuseboxCore
import FuseboxLoop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

@testable import FuseboxServer

/// A server on a loop of the test's own thread. It serves only while a method of this class runs the loop.
///
/// So a test sees the server's state between two turns, and clients can send before the turn that serves them begins. It
/// watches no signals, because those belong to the whole process.
final class InProcessServer: EventLoopDelegate {
    let server: Server
    let folder: TemporaryFolder
    let path: String
    /// Called at the end of each turn.
    var whenTurnEnds: (Server) -> Void = { _ in }
    private var isDone: () -> Bool = { false }

    /// Starts a server with the shortest journal.
    ///
    /// - Parameter inherited: a listening socket that is handed over
    init(
        in folder: TemporaryFolder = TemporaryFolder(), inheriting inherited: Int32? = nil,
        _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = ServerConfiguration()
        configuration.socketPath = folder("socket")
        configuration.dataDirectory = folder("data")
        configuration.journalSegmentLength = Bounds.segmentLengths.lowerBound
        configuration.logLevel = .critical
        change(&configuration)
        // As the daemon does: a write to a peer that is gone fails instead.
        SignalWatcher.ignore(SIGPIPE)
        self.folder = folder
        path = configuration.socketPath
        server = try Server(configuration)
        try server.listen(on: inherited)
        server.loop.delegate = self
    }

    deinit { server.loop.delegate = nil }

    func turnBegins(_ loop: EventLoop) { server.turnBegins(loop) }

    func turnEnds(_ loop: EventLoop) {
        server.turnEnds(loop)
        whenTurnEnds(server)
        if isDone() { loop.stop() }
    }

    // MARK: Running

    /// Serves until a condition holds at the end of a turn. Fails the test if that takes longer than any machine should
    /// need.
    func run(
        _ location: SourceLocation = #_sourceLocation, until condition: @escaping () -> Bool
    ) throws {
        let loop = server.loop
        var isLate = false
        let guardian = try Timer(on: loop) {
            isLate = true
            loop.stop()
        }
        guardian.keepsLoopRunning = false
        loop.updateTime()
        guardian.start(afterMilliseconds: 60_000)
        isDone = condition
        defer {
            isDone = { false }
            guardian.close()
        }
        while !condition() {
            let goesOn = !isLate && loop.isAlive
            try #require(goesOn, "the server does not get there", sourceLocation: location)
            loop.run()
        }
    }

    /// Serves for one turn at least.
    func turn() throws {
        let before = server.turn
        server.loop.runAgain()
        try run { [server] in server.turn > before }
    }

    /// Stops the server in order, as a signal does, and serves until it has ended.
    func stop() throws {
        server.beginShutdown()
        try run { [server] in
            if case .flushing = server.shutdown { server.quotas.connections == 0 } else { false }
        }
    }

    // MARK: Clients

    /// The next frame for a peer; nil once the server has closed its connection.
    func next(for peer: RawPeer, _ location: SourceLocation = #_sourceLocation) throws -> RawPeer.Frame? {
        try run(location) { peer.hasInput(withinMilliseconds: 0) }
        return try peer.next()
    }

    /// Whether the server closes a peer's connection without sending more.
    func closes(_ peer: RawPeer) throws -> Bool { try next(for: peer) == nil }

    /// Sends a command. Returns the frame of the reply.
    func ask<C: Command>(
        _ command: C, by peer: RawPeer, _ location: SourceLocation = #_sourceLocation
    ) throws -> RawPeer.Frame {
        peer.send(command)
        return try #require(try next(for: peer, location), sourceLocation: location)
    }

    /// A peer that has said hello.
    func greeted(_ location: SourceLocation = #_sourceLocation) throws -> RawPeer {
        let peer = try RawPeer(path)
        peer.send(RawPeer.hello())
        let answer = try next(for: peer, location)
        try #require(answer?.status == .ok, sourceLocation: location)
        return peer
    }

    // MARK: Its state

    var connections: Int { server.quotas.connections }
    var requests: Int { Int(server.keeper.engine.requests) }

    /// Looks for connections whose time is over, as the server does about once a second.
    func checkDeadlines(at moment: Timestamp) throws {
        for case let connection? in server.connections { connection.checkDeadlines(at: moment) }
        try turn()
    }

    /// The connection, where there is one.
    var connection: Connection? {
        for case let connection? in server.connections { return connection }
        return nil
    }
}
