import FuseboxWire

/// One use of a place in the table of requests; another for every use. It is the correlation id on the wire, and never 0.
struct RequestID: Hashable, Sendable {
    /// The id of a place that is free.
    fileprivate static let nobody = RequestID(correlation: 0)

    let correlation: UInt32

    /// The place.
    var index: Int { Int(correlation & (1 << UInt32(ClientLimits.placeBits) - 1)) }
}

/// A request as the exchange sees it: how far it has come on its way to the daemon, and what its caller waits for.
struct Request {
    var id: RequestID
    var command: UInt16
    var effect: CommandDeclaration.Effect
    /// Whether it is kept and sent later if there is no daemon.
    var isReport: Bool
    /// The bytes of its encoded fields.
    var length = 0
    /// What is sent in its place if the daemon does not know what it is about.
    var substitute: Substitute?
    /// Its sequence number, which it keeps however often it is sent; 0 if it has none.
    var sequence: UInt64 = 0
    /// How many connections it was lost with.
    var losses = 0
    var delivery = Delivery.idle
    var interest = Interest.open
    var attendance = Attendance.none
    /// Whether a caller will still release it.
    var isOwned = true

    /// A settle names a permit by its number. Where that number means nothing any more, the call's report is sent.
    struct Substitute: Equatable {
        /// The life of the daemon's state in which the number means something; nil: not known.
        var epoch: UInt64?
        /// The bytes of the report's encoded fields.
        var length: Int
    }

    /// How far it has come on its way to the daemon.
    ///
    /// It may have arrived if it was sent over a connection that was lost before the reply came. The daemon may have carried
    /// it out, and it is sent again until that is known.
    enum Delivery: Equatable {
        /// It is not submitted yet, or over.
        case idle
        /// Nothing of it has been written to the present connection.
        case queued(mayHaveArrived: Bool)
        /// Its frame was written, and ends there in the connection's output; a reply will come.
        case sent(frameEnd: UInt64, mayHaveArrived: Bool)
    }

    /// What its caller waits for.
    enum Interest {
        /// Its outcome.
        case open
        /// Nothing: it has its outcome, or wants none.
        case none
        /// Nothing: it was told that its report is kept, and it is for the client to have it counted.
        case kept
    }

    /// Who waits for the outcome.
    enum Attendance: Equatable {
        /// Nobody, or nobody yet.
        case none
        /// A thread that is awake.
        case thread
        /// A thread that sleeps.
        case parked(Purpose)
        case task(until: Deadline)
    }

    /// What a thread waits for.
    enum Purpose {
        /// That the frame leaves.
        case departure
        case reply
    }

    var isSequenced: Bool { effect == .written || effect == .durable }

    var mayHaveArrived: Bool {
        switch delivery {
        case .idle: false
        case .queued(let mayHaveArrived), .sent(_, let mayHaveArrived): mayHaveArrived
        }
    }

    /// Whether it is a report that is kept and of which the daemon has nothing yet.
    var isWaitingReport: Bool { interest == .kept && delivery == .queued(mayHaveArrived: false) }

    /// Numbered requests are sent again first, in the order of their numbers.
    var resendOrder: UInt64 { sequence == 0 ? .max : sequence }
}

/// The requests, by the place that their ids carry.
///
/// Each call looks here a dozen times, and nobody copies the table. So it is a plain array: a `SlotTable`, whose chunks are copied
/// one by one, makes a blocking ping cost three quarters more.
struct RequestTable {
    /// A place that is free holds what was there before, with an id that nobody has.
    private var requests: [Request] = []
    private var vacancies: [Int] = []
    private var serial: UInt32 = 0
    /// Reports that are kept and of which the daemon has nothing yet.
    private(set) var waitingReports = 0

    /// A place for a new request; nil if too many are under way.
    mutating func claim(_ declaration: CommandDeclaration, isReport: Bool) -> RequestID? {
        let index = vacancies.popLast() ?? requests.count
        guard index < ClientLimits.requests else { return nil }
        let id = RequestID(correlation: nextSerial() << UInt32(ClientLimits.placeBits) | UInt32(index))
        let request = Request(id: id, command: declaration.number, effect: declaration.effect, isReport: isReport)
        if index < requests.count { requests[index] = request } else { requests.append(request) }
        return id
    }

    /// Serials never are 0, so a correlation id never is: that one is the daemon's, for what answers no request.
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

    /// Whether the use of a place that this id names is not over.
    func holds(_ id: RequestID) -> Bool { id.index < requests.count && requests[id.index].id == id }

    /// The request of an id; nil if its use of the place is over.
    func find(_ id: RequestID) -> Request? { holds(id) ? requests[id.index] : nil }

    /// The request in a place.
    func find(at index: Int) -> Request? {
        index < requests.count && requests[index].id != .nobody ? requests[index] : nil
    }

    /// A request that is known to be there.
    @inline(__always)
    subscript(id: RequestID) -> Request {
        precondition(holds(id), "a request is used after it was given back")
        return requests[id.index]
    }

    /// Who waits for a request from here on. Returns who did before.
    mutating func stand(_ id: RequestID, _ attendance: Request.Attendance) -> Request.Attendance {
        precondition(holds(id), "a request is used after it was given back")
        let before = requests[id.index].attendance
        requests[id.index].attendance = attendance
        return before
    }

    /// Every other change goes through here: what is counted follows from it.
    @inline(__always)
    mutating func change(_ id: RequestID, _ body: (inout Request) -> Void) {
        precondition(holds(id), "a request is used after it was given back")
        let before = requests[id.index].isWaitingReport
        body(&requests[id.index])
        let after = requests[id.index].isWaitingReport
        if before != after { waitingReports += after ? 1 : -1 }
    }

    /// Those that meet a condition, by their places.
    func ids(where condition: (Request) -> Bool) -> [RequestID] {
        requests.compactMap { $0.id != .nobody && condition($0) ? $0.id : nil }
    }
}
