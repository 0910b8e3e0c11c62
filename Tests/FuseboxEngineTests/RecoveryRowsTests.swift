import Testing

@testable import FuseboxEngine

/// The rows of recovery as a whole. `RecoveryTests` meets them with files.
struct RecoveryRowsTests {
    @Test func everyCombinationOfAnswersMeetsExactlyOneRowAndTheWalkFindsIt() {
        for step in RecoveryTable.steps { expectOneRow(step) }
    }

    private func expectOneRow<Step: RecoveryStep>(_ step: Step.Type) {
        let questions = Array(Step.Question.allCases)
        for combination in 0..<(1 << questions.count) {
            func answer(_ question: Step.Question) -> Bool {
                combination >> (questions.firstIndex(of: question) ?? 0) & 1 == 1
            }
            let met = Step.rows.filter { $0.matches(answer) }.map(\.label)
            let answers = questions.map { "\($0) \(answer($0) ? "yes" : "no")" }.joined(separator: ", ")
            #expect(met.count == 1, "\(Step.title): \(answers): \(met)")
            guard met.count == 1 else { continue }
            #expect(Step.decide(answer).label == met[0])
        }
    }

    @Test func aQuestionIsAskedOnceAndNotBeforeARowNeedsIt() {
        var asked: [SegmentStep.Question] = []
        let row = SegmentStep.decide { question in
            asked.append(question)
            // A segment whose head is damaged, and of which nothing tells that it was on the disk.
            return question == .isKnown
        }
        #expect(row.label == "tornHead")
        #expect(asked == [.isKnown, .hasGoodHead, .isProven])
    }

    @Test func everyRowHasALabelOfItsOwnSentencesAndAnswersThatDoNotContradictEachOther() {
        var labels: [String] = []
        for step in RecoveryTable.steps { labels += checkedLabels(step) }
        #expect(Set(labels).count == labels.count)
        #expect(labels.count > 30)
    }

    private func checkedLabels<Step: RecoveryStep>(_ step: Step.Type) -> [String] {
        #expect(Step.summary.hasSuffix("."))
        for question in Step.Question.allCases {
            #expect(question.text.contains("?"))
            #expect(Step.rows.contains { row in row.answers.contains { $0.question == question } }, "\(question)")
        }
        for row in Step.rows {
            #expect(row.found.hasSuffix(".") && row.done.hasSuffix("."), "\(row.label)")
            #expect(row.yes.isDisjoint(with: row.no), "\(row.label)")
        }
        return Step.rows.map(\.label)
    }
}
