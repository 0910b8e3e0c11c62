/// A question that recovery asks about the files. The answer is yes or no.
///
/// Questions are asked in the order of the cases. A question that depends on another comes after it.
package protocol RecoveryQuestion: Hashable, CaseIterable, Sendable {
    /// The question's text in the page.
    var text: String { get }
}

/// A case of recovery: the answers that lead to it, what it means, and what is done.
package struct RecoveryRow<Question: RecoveryQuestion, Action: Sendable>: Sendable {
    /// The case's name in the page.
    package let label: String
    /// The questions that must be answered yes, and those that must be answered no. The others do not matter.
    let yes: Set<Question>
    let no: Set<Question>
    /// What the case means, in one or more sentences.
    package let found: String
    /// What is done, in one or more sentences.
    package let done: String
    /// The action for the code.
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

    /// The answers that lead to the row, in the order of the questions.
    package var answers: [(question: Question, isYes: Bool)] {
        Question.allCases.filter { yes.contains($0) || no.contains($0) }.map { ($0, yes.contains($0)) }
    }

    /// Whether the answers lead to this row. Asks only the questions of the row.
    func matches<Failure: Error>(_ ask: (Question) throws(Failure) -> Bool) throws(Failure) -> Bool {
        for (question, isYes) in answers {
            guard try ask(question) == isYes else { return false }
        }
        return true
    }
}

/// A decision of recovery: its questions, and a row for every combination of answers.
package protocol RecoveryStep: SendableMetatype {
    associatedtype Question: RecoveryQuestion
    associatedtype Action: Sendable

    /// What is decided. This is a heading of the page.
    static var title: String { get }
    /// A sentence that says when it is decided.
    static var summary: String { get }
    /// The rows. Every combination of answers leads to exactly one of them. A test tries all combinations.
    static var rows: [RecoveryRow<Question, Action>] { get }
}

extension RecoveryStep {
    /// Finds the row that the answers lead to.
    ///
    /// - Parameter ask: answers a question. Each question is asked at most once, and only if a row needs it.
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

/// The decisions of recovery, in the order in which they are made.
package enum RecoveryTable {
    /// The steps. The page in `proto-docs/` is printed from them.
    package static let steps: [any RecoveryStep.Type] = [
        SnapshotStep.self, EpochStep.self, SegmentStep.self, EntriesStep.self, JournalEndStep.self,
    ]
}
