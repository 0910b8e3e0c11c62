/// A question that recovery asks about what it finds. The answer is yes or no.
///
/// Questions are asked in the order of the cases. One that makes no sense without the answer to another comes after it.
public protocol RecoveryQuestion: Hashable, CaseIterable, Sendable {
    /// The question as the page has it.
    var text: String { get }
}

/// A case that recovery can meet: the answers that make it, what it is, and what is done.
public struct RecoveryRow<Question: RecoveryQuestion, Action: Sendable>: Sendable {
    /// The case's name in the page.
    public let label: String
    /// The questions that are answered yes, and those that are answered no. The others do not matter.
    let yes: Set<Question>
    let no: Set<Question>
    /// What it means, one or more sentences.
    public let found: String
    /// What is done, one or more sentences.
    public let done: String
    /// What the code does.
    let action: Action

    init(
        _ label: String, yes: Set<Question> = [], no: Set<Question> = [], _ found: String, _ done: String,
        _ action: Action
    ) {
        self.label = label
        self.yes = yes
        self.no = no
        self.found = found
        self.done = done
        self.action = action
    }

    /// The answers that make the row, in the order of the questions.
    public var answers: [(question: Question, isYes: Bool)] {
        Question.allCases.filter { yes.contains($0) || no.contains($0) }.map { ($0, yes.contains($0)) }
    }

    /// Whether the answers are those of this row. Only questions that the row needs are asked.
    func matches<Failure: Error>(_ ask: (Question) throws(Failure) -> Bool) throws(Failure) -> Bool {
        for (question, isYes) in answers {
            guard try ask(question) == isYes else { return false }
        }
        return true
    }
}

/// A decision of recovery: its questions, and a row for every combination of answers.
public protocol RecoveryStep: SendableMetatype {
    associatedtype Question: RecoveryQuestion
    associatedtype Action: Sendable

    /// What is decided, a heading of the page.
    static var title: String { get }
    /// When it is decided, a sentence.
    static var summary: String { get }
    /// The rows. Every combination of answers meets exactly one: a test tries them all.
    static var rows: [RecoveryRow<Question, Action>] { get }
}

extension RecoveryStep {
    /// Walks the rows, and gives the one that the answers make.
    ///
    /// - Parameter ask: answers a question. It is asked once at most, and not unless a row needs it
    static func decide<Failure: Error>(
        _ ask: (Question) throws(Failure) -> Bool
    ) throws(Failure) -> RecoveryRow<Question, Action> {
        var answers: [Question: Bool] = [:]
        for row in rows {
            let matches = try row.matches { (question) throws(Failure) in
                if let known = answers[question] { return known }
                let answer = try ask(question)
                answers[question] = answer
                return answer
            }
            if matches { return row }
        }
        preconditionFailure("\(title): no row has the answers \(answers)")
    }
}

/// The decisions of recovery in the order in which they are made.
public enum RecoveryTable {
    /// The steps. The page in `proto-docs/` is printed from them.
    public static let steps: [any RecoveryStep.Type] = [
        SnapshotStep.self, EpochStep.self, SegmentStep.self, EntriesStep.self, JournalEndStep.self,
    ]
}
