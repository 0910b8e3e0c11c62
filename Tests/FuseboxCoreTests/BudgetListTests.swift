import FuseboxTestSupport
import Testing

@testable import FuseboxCore

struct BudgetListTests {
    @Test func itKeepsTheOrderInWhichBudgetsWereSetLastOverManyRandomChangesAndCopiesAreIndependent() {
        var random = SplitMix64(seed: 7)
        var list = BudgetList()
        var model: [CreditLedger.BudgetEntry] = []
        var copies: [(BudgetList, [CreditLedger.BudgetEntry])] = []
        for step in 0..<5_000 {
            let provider = NameID(index: Int.random(in: 0..<20, using: &random))
            let number = Int.random(in: 0..<4, using: &random)
            let modelID = number == 0 ? nil : ModelID(index: number)
            let known = model.firstIndex { $0.provider == provider && $0.model == modelID }
            if Int.random(in: 0..<3, using: &random) == 0 {
                #expect(list.remove(provider, modelID) == known.map { model.remove(at: $0) })
            } else {
                let entry = CreditLedger.BudgetEntry(
                    provider: provider, model: modelID, monthly: nil, limits: [.rpm: Int64(step)])
                list.put(entry)
                if let known { model.remove(at: known) }
                model.append(entry)
            }
            if step % 500 == 0 { copies.append((list, model)) }
            #expect(list.count == model.count)
            #expect(
                list.find(provider, modelID).map { list[$0] }
                    == model.last { $0.provider == provider && $0.model == modelID })
        }
        copies.append((list, model))
        for (list, model) in copies { #expect(Array(list) == model) }
    }
}
