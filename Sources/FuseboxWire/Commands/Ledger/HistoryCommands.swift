/// What accounts have used on days that are over.
public struct LedgerHistory: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .ledgerHistory, "ledger.history", .session, .reader,
            "A page of what accounts of one kind have used on days that are over. Refused with `busy` for a cursor of before the files were written anew."
        )
    }
    /// The kind of the accounts.
    public var kind: AccountKind = .host
    /// What the accounts' scopes must name. A part that is absent may be any.
    public var scope = Scope()
    /// The first day, in days since 1970-01-01.
    public var since: Int64 = 0
    /// The last day, in days since 1970-01-01.
    public var until: Int64 = 0
    /// 0 to begin, then what the last page said.
    public var cursor: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// What accounts of this kind have used from one day to another.
    public init(kind: AccountKind, scope: Scope = .host, since: Int64, until: Int64) {
        self.kind = kind
        self.scope = scope
        self.since = since
        self.until = until
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("kind", &kind, "the kind of the accounts")
        try visitor.field("scope", &scope, "what the accounts' scopes must name; a part that is absent may be any")
        try visitor.field("since", &since, "the first day, in days since 1970-01-01")
        try visitor.field("until", &until, "the last day, in days since 1970-01-01")
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of the history.
    public struct Reply: WireRecord {
        /// Days of accounts, in the order in which they were written. An account may have several records of a day, on
        /// this page and on others; they add up.
        public var days: [HistoryDay] = []
        /// What could not be written or read.
        public var problems: [HistoryProblem] = []
        /// The records of days that are over that are not on disk yet, as of this page. At least 1 while accounts close
        /// a day.
        public var waiting: UInt64 = 0
        /// The day on which use counts now, in days since 1970-01-01. It is not part of the history yet.
        public var openDay: Int64 = 0
        /// The number of tags that were forgotten and are not taken out of the files yet.
        public var erasing: UInt32 = 0
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt64 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "days", &days,
                "days of accounts, in the order in which they were written; an account may have several records of a day, and they add up"
            )
            try visitor.field("problems", &problems, "what could not be written or read")
            try visitor.field(
                "waiting", &waiting,
                "the records of days that are over that are not on disk yet; at least 1 while accounts close a day")
            try visitor.field("openDay", &openDay, "the day on which use counts now; it is not part of the history yet")
            try visitor.field(
                "erasing", &erasing, "the tags that were forgotten and are not taken out of the files yet")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
        }
    }
}

/// What an account has used on a day that is over.
public struct HistoryDay: OpenRecord, Equatable {
    /// The day, in days since 1970-01-01.
    public var day: Int64 = 0
    /// The account's scope.
    public var scope = Scope()
    /// What was spent; below $0 if more was taken back.
    public var spend = Money.zero
    /// The number of calls; below 0 if calls of an earlier day were taken back.
    public var requests: Int64 = 0
    /// Calls that used something, and whose cost nobody told.
    public var unpriced: Int64 = 0
    /// Tokens sent, neither read from a cache nor written to one.
    public var inputTokens: Int64 = 0
    /// Tokens sent and read from a cache.
    public var cachedInputTokens: Int64 = 0
    /// Tokens sent and written to a cache.
    public var cacheWriteTokens: Int64 = 0
    /// Tokens received, without reasoning.
    public var outputTokens: Int64 = 0
    /// Tokens of reasoning.
    public var reasoningTokens: Int64 = 0
    /// Why the spend was corrected when it was compared with a bill; absent: it is what calls have used.
    public var reason: String?
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("day", &day, "the day, in days since 1970-01-01")
        try visitor.field("scope", &scope, "the account's scope")
        try visitor.field("spend", &spend, "what was spent; below $0 if more was taken back")
        try visitor.field(
            "requests", &requests, "the number of calls; below 0 if calls of an earlier day were taken back")
        try visitor.field("unpriced", &unpriced, "calls that used something, and whose cost nobody told")
        try visitor.field(
            "inputTokens", &inputTokens, "tokens sent, neither read from a cache nor written to one")
        try visitor.field("cachedInputTokens", &cachedInputTokens, "tokens sent and read from a cache")
        try visitor.field("cacheWriteTokens", &cacheWriteTokens, "tokens sent and written to a cache")
        try visitor.field("outputTokens", &outputTokens, "tokens received, without reasoning")
        try visitor.field("reasoningTokens", &reasoningTokens, "tokens of reasoning")
        try visitor.field(
            "reason", &reason,
            "why the spend was corrected when it was compared with a bill; absent: it is what calls have used")
    }
}

/// A place of the history that could not be written or read.
public struct HistoryProblem: OpenRecord, Equatable {
    /// The name of the file.
    public var file = ""
    /// The byte at which the problem is.
    public var offset: UInt64 = 0
    /// The first day of which records are missing, in days since 1970-01-01; absent: it is not known.
    public var firstDay: Int64?
    /// The last day of which records are missing; absent: it is not known.
    public var lastDay: Int64?
    /// The number of records that are missing; 0: it is not known.
    public var records: UInt64 = 0
    /// What is wrong, as a clause.
    public var what = ""
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("file", &file, "the name of the file")
        try visitor.field("offset", &offset, "the byte at which the problem is")
        try visitor.field(
            "firstDay", &firstDay,
            "the first day of which records are missing, in days since 1970-01-01; absent: it is not known")
        try visitor.field("lastDay", &lastDay, "the last day of which records are missing; absent: it is not known")
        try visitor.field("records", &records, "the number of records that are missing; 0: it is not known")
        try visitor.field("what", &what, "what is wrong, as a clause")
    }
}

/// The files of the ledger's history.
public struct HistoryFiles: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .historyFiles, "history.files", .session, .operator, "The files of the ledger's history, oldest first.")
    }
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    /// A file of the history.
    public struct File: OpenRecord, Equatable {
        /// The name of the file.
        public var file = ""
        /// Its length in bytes. It may grow.
        public var length: UInt64 = 0
        /// The name of the type.
        public static var wireType: String { "HistoryFile" }
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("file", &file, "the name of the file")
            try visitor.field("length", &length, "its length in bytes; it may grow")
        }
    }

    /// The files.
    public struct Reply: WireRecord {
        /// Oldest first.
        public var files: [File] = []
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("files", &files, "oldest first")
        }
    }
}

/// A chunk of a file of the ledger's history.
public struct HistoryRead: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .historyRead, "history.read", .session, .operator,
            "A chunk of a file of the ledger's history. Refused with `notFound` if there is no such file.")
    }
    /// The name of the file.
    public var file = ""
    /// Where the chunk begins, in bytes.
    public var offset: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The chunk of this file at this offset.
    public init(file: String, offset: UInt64) {
        self.file = file
        self.offset = offset
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("file", &file, "the name of the file")
        try visitor.field("offset", &offset, "where the chunk begins, in bytes")
    }
    /// The same as that of `snapshot.read`.
    public typealias Reply = SnapshotRead.Reply
}
