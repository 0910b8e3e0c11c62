import FuseboxWire

/// The id of a request: one use of a place in the table. It is the correlation id on the wire, and never 0.
struct RequestID: Hashable, Sendable {
    /// The id of a free place.
    fileprivate static let nobody = RequestID(correlation: 0)

    let correlation: UInt32

    /// The index of the place in the table.
    var index: Int { Int(correlation & (1 << UInt32(ClientLimits.placeBits) - 1)) }
}

/// A request: how far it has come on its way to the daemon, and what its caller waits for.
struct Request {
    var id: RequestID
    var command: UInt16
    var effect: CommandDeclaration.Effect
    /// Whether the request is kept and sent later if the daemon is away.
    var isReport: Bool
    /// The length of the encoded fields in bytes.
    var length = 0
    /// The substitute of a settle.
    var substitute: Substitute?
    /// The sequence number. The request keeps it when it is sent again. 0: it has none.
    var sequence: UInt64 = 0
    /// The number of connections that were lost while the request was under way on them.
    var losses = 0
    /// How many attempts to connect had begun when it was queued.
    var attemptsBefore: UInt64 = 0
    var delivery = Delivery.idle
    var interest = Interest.open
    var attendance = Attendance.none
    /// Whether its caller has not released it yet.
    var isOwned = true
    /// Whether it is an admission that may wait for its turn.
    var mayWait = false
    /// Whether it had a ticket. Then it waits for a daemon that is away.
    var hasWaited = false
    /// The ticket whose wait it continues; 0: none.
    var resumes: UInt64 = 0
    /// Whether its caller has withdrawn it.
    var isWithdrawn = false

    /// The report that is sent in place of a settle if the permit's number is not valid any more.
    struct Substitute: Equatable {
        /// The epoch in which the permit's number is valid. Nil: not known.
        var epoch: UInt64?
        /// The length of the report's encoded fields in bytes.
        var length: Int
    }

    /// How far a request has come on its way to the daemon.
    ///
    /// A request may have arrived if it was sent on a connection that was lost before the reply came. The daemon may
    /// have carried it out, so it is sent again until that is known.
    enum Delivery: Equatable {
        /// It is not submitted yet, or it has ended.
        case idle
        /// Nothing of it has been written to the present connection.
        case queued(mayHaveArrived: Bool)
        /// Its frame was written, and a reply is expected. The frame ends at this byte of the connection's output.
        case sent(frameEnd: UInt64, mayHaveArrived: Bool)
        /// It was answered with a ticket, and a push is expected.
        case waiting(ticket: UInt64)
    }

    /// What the caller of a request expects.
    enum Interest {
        /// The caller expects an outcome.
        case open
        /// The caller has the outcome, or has given the request up.
        case none
        /// The caller was told that its report is kept. The client delivers it.
        case kept
    }

    /// Who waits for the outcome of a request.
    enum Attendance: Equatable {
        /// Nobody.
        case none
        /// A thread that is awake.
        case thread
        /// A thread that sleeps.
        case parked(Purpose)
        case task(until: Deadline)
    }

    /// What the thread of a request waits for.
    enum Purpose {
        /// Its frame is sent.
        case departure
        case reply
    }

    var isSequenced: Bool { effect == .written || effect == .durable }

    var mayHaveArrived: Bool {
        switch delivery {
        case .idle, .waiting: false
        case .queued(let mayHaveArrived), .sent(_, let mayHaveArrived): mayHaveArrived
        }
    }

    /// Whether this is a kept report that has not been sent.
    var isWaitingReport: Bool { interest == .kept && delivery == .queued(mayHaveArrived: false) }

    /// The order of resending: numbered requests first, in the order of their numbers.
    var resendOrder: UInt64 { sequence == 0 ? .max : sequence }
}

/// The requests of an exchange, by the place in their ids.
///
/// Each call reads the table a dozen times, and nobody copies it. So it is a plain array. A `SlotTable`, which is made
/// for copying, makes a blocking ping cost three quarters more.
struct RequestTable {
    /// The places. A free place has its last request, with the id `nobody`.
    private var requests: [Request] = []
    private var vacancies: [Int] = []
    private var serial: UInt32 = 0
    /// The number of kept reports that have not been sent.
    private(set) var waitingReports = 0

    /// Claims a place for a new request. Nil if too many are under way.
    mutating func claim(_ declaration: CommandDeclaration, isReport: Bool) -> RequestID? {
        let index = vacancies.popLast() ?? requests.count
        guard index < ClientLimits.requests else { return nil }
        let id = RequestID(correlation: nextSerial() << UInt32(ClientLimits.placeBits) | UInt32(index))
        let request = Request(id: id, command: declaration.number, effect: declaration.effect, isReport: isReport)
        if index < requests.count { requests[index] = request } else { requests.append(request) }
        return id
    }

    /// The next serial. It is never 0, so that a correlation id never is: the daemon uses 0 for frames that answer no
    /// request.
    private mutating func nextSerial() -> UInt32 {
        serial = serial == 0xFFFF ? 1 : serial + 1
        return serial
    }

    mutating func free(_ id: RequestID) {
        change(id) {
            $0.interest = .none
            $0.delivery = .idle
            $0.attendance = .none
            $0.id = .nobody
        }
        vacancies.append(id.index)
        guard requests.count > ClientLimits.restingRequests, vacancies.count == requests.count else { return }
        requests = []
        vacancies = []
    }

    /// Whether an id is in use.
    func holds(_ id: RequestID) -> Bool { id.index < requests.count && requests[id.index].id == id }

    /// The request of an id. Nil if the id is no longer in use.
    func find(_ id: RequestID) -> Request? { holds(id) ? requests[id.index] : nil }

    /// The request in a place. Nil if the place is free.
    func find(at index: Int) -> Request? {
        index < requests.count && requests[index].id != .nobody ? requests[index] : nil
    }

    /// The request of an id that is in use.
    @inline(__always)
    subscript(id: RequestID) -> Request {
        precondition(holds(id), "a request is used after it was given back")
        return requests[id.index]
    }

    /// Sets who waits for a request. Returns who waited before.
    mutating func stand(_ id: RequestID, _ attendance: Request.Attendance) -> Request.Attendance {
        precondition(holds(id), "a request is used after it was given back")
        let before = requests[id.index].attendance
        requests[id.index].attendance = attendance
        return before
    }

    /// Changes a request and updates `waitingReports`. Every other change of a request uses this.
    @inline(__always)
    mutating func change(_ id: RequestID, _ body: (inout Request) -> Void) {
        precondition(holds(id), "a request is used after it was given back")
        let before = requests[id.index].isWaitingReport
        body(&requests[id.index])
        let after = requests[id.index].isWaitingReport
        if before != after { waitingReports += after ? 1 : -1 }
    }

    /// The ids of the requests that meet a condition, in the order of their places.
    func ids(where condition: (Request) -> Bool) -> [RequestID] {
        requests.compactMap { $0.id != .nobody && condition($0) ? $0.id : nil }
    }
}
