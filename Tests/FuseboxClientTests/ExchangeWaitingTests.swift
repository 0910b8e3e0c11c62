import FuseboxWire
import Testing

@testable import FuseboxClient

/// Calls that wait for their turn. Each row of the table in `ExchangeMachine+Waiting` is a test.
struct ExchangeWaitingTests {
    // MARK: Turns

    @Test func aTicketClosesTheNumberAndKeepsTheRequestOpen() {
        let script = ExchangeScript()
        let call = script.admission()
        #expect(script.reply(call, ticket: 1) == [])
        // Nothing below the next number is unanswered any more.
        let next = script.claim(BreakerSuccess.self)
        #expect(script.submit(next) == [.write(next, 2, oldest: 2), .send])
    }

    @Test(arguments: [TicketStanding.granted, .expired])
    func aPushWithAPermitOrWithTheEndOfTheTimeEndsTheRequest(standing: TicketStanding) {
        let script = ExchangeScript()
        let call = script.waiting()
        #expect(script.push(1, standing, permit: standing == .granted ? 9 : nil) == [.pushed(call)])
        // The permit is the caller's now.
        #expect(script.release(call) == [.free(call)])
    }

    @Test func aRefusedCallAsksAgainWithoutAWait() {
        let script = ExchangeScript()
        let call = script.waiting()
        #expect(script.push(1, .refused) == [.askAgain(call, ticket: 0), .write(call, 2, oldest: 2), .send])
        #expect(script.reply(call, permit: 9) == [.answered(call)])
    }

    @Test func eachOfSeveralWaitsEndsWithItsOwnPush() {
        let script = ExchangeScript()
        let (first, second) = (script.waiting(ticket: 1), script.waiting(ticket: 2))
        #expect(script.push(2, .granted, permit: 8) == [.pushed(second)])
        #expect(script.push(1, .granted, permit: 9) == [.pushed(first)])
    }

    @Test func aPermitThatNobodyWaitsForIsGivenBack() {
        let script = ExchangeScript()
        #expect(script.push(7, .granted, permit: 9) == [.giveBack(9)])
        #expect(script.push(7, .expired) == [])
    }

    // MARK: A lost connection

    @Test func aWaitIsContinuedOnTheNextConnection() {
        let script = ExchangeScript()
        let call = script.waiting()
        #expect(script.lose() == [.close, .askAgain(call, ticket: 1)])
        #expect(script.connect(.daemon(.resumed)) == [.write(call, 2, oldest: 2), .send])
        #expect(script.reply(call, ticket: 1) == [])
        #expect(script.push(1, .granted, permit: 9) == [.pushed(call)])
    }

    @Test func theEndOfAContinuedWaitIsToldByTheReplyAlone() {
        let script = ExchangeScript()
        let call = script.waiting()
        script.lose()
        script.connect(.daemon(.resumed))
        #expect(script.push(1, .granted, permit: 9) == [])
        #expect(script.reply(call, permit: 9) == [.answered(call)])
    }

    /// The ticket was lost with the connection, and the call had its turn before it was sent again.
    @Test func thePermitOfARequestThatIsSentAgainIsNotGivenBack() {
        let script = ExchangeScript()
        let call = script.admission()
        script.takeOutput()
        script.lose()
        #expect(script.connect(.daemon(.resumed)) == [.write(call, 1, oldest: 1), .send])
        #expect(script.push(1, .granted, permit: 9) == [])
        #expect(script.reply(call, permit: 9) == [.answered(call)])
    }

    /// The wait that began on the lost connection is over. The request that is sent again begins a new one with
    /// the same ticket.
    @Test(arguments: [TicketStanding.expired, .granted, .refused, .withdrawn])
    func theEndOfAnEarlierWaitDoesNotEndANewOneWithTheSameTicket(standing: TicketStanding) {
        let script = ExchangeScript()
        let call = script.admission()
        script.takeOutput()
        script.lose()
        script.connect(.daemon(.resumed))
        #expect(script.push(1, standing, permit: standing == .granted ? 8 : nil) == [])
        #expect(script.reply(call, ticket: 1) == [])
        #expect(script.push(1, .granted, permit: 9) == [.pushed(call)])
    }

    /// The number of another request is no ticket.
    @Test func aReportWithTheNumberOfATicketKeepsNoPermit() {
        let script = ExchangeScript()
        _ = script.request(BreakerSuccess.self)
        #expect(script.push(1, .granted, permit: 9) == [.giveBack(9)])
    }

    @Test func aCallThatHasWaitedOutlastsTheAbsenceOfTheDaemonAndOneThatHasNotDoesNot() {
        let script = ExchangeScript()
        let call = script.waiting()
        let other = script.admission()
        script.lose()
        #expect(script.tryInVain() == [.failed(other, .absent)])
        script.now = script.now + 10_000
        #expect(script.connect(.daemon(.resumed)).contains { $0 == .send })
        #expect(script.reply(call, permit: 9) == [.answered(call)])
    }

    // MARK: Withdrawals

    @Test(arguments: [TicketStanding.withdrawn, .expired, .granted])
    func aCancelledTaskWithdrawsItsWaitAndThePushEndsIt(standing: TicketStanding) {
        let script = ExchangeScript()
        let call = script.waiting()
        #expect(script.cancel(call) == [.withdraw(1)])
        let ended = script.push(1, standing, permit: standing == .granted ? 9 : nil)
        #expect(ended == [standing == .withdrawn ? .failed(call, .cancelled) : .pushed(call)])
    }

    @Test func aTaskThatIsCancelledBeforeTheTicketWithdrawsWithIt() {
        let script = ExchangeScript()
        let call = script.admission()
        #expect(script.cancel(call) == [])
        #expect(script.reply(call, ticket: 1) == [.withdraw(1)])
        #expect(script.push(1, .withdrawn) == [.failed(call, .cancelled)])
    }

    @Test func theDeadlineWithdrawsAndALatePermitIsGivenBack() {
        let script = ExchangeScript()
        let call = script.waiting()
        #expect(script.expire(call) == [.withdraw(1), .failed(call, .timedOut)])
        #expect(script.push(1, .granted, permit: 9) == [.giveBack(9)])
    }

    /// Its permit may have been granted, so the daemon is asked.
    @Test func aWithdrawnWaitIsContinuedAfterALostConnection() {
        let script = ExchangeScript()
        let call = script.waiting()
        _ = script.cancel(call)
        #expect(script.lose() == [.close, .failed(call, .cancelled), .askAgain(call, ticket: 1)])
        #expect(script.connect(.daemon(.resumed)) == [.write(call, 2, oldest: 2), .send])
        #expect(script.reply(call, permit: 9) == [.giveBack(9)])
    }

    @Test func aWithdrawnWaitThatGoesOnIsWithdrawnAgain() {
        let script = ExchangeScript()
        let call = script.waiting()
        _ = script.cancel(call)
        script.lose()
        script.connect(.daemon(.resumed))
        #expect(script.reply(call, ticket: 1) == [.withdraw(1)])
        #expect(script.push(1, .withdrawn) == [])
        #expect(script.release(call) == [.free(call)])
    }
}
