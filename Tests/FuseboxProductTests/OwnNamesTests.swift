import Application
import ApplicationNames
import FuseboxTestSupport
import Testing

/// The names that the client leaves to an application.
struct OwnNamesTests {
    @Test func anApplicationWithACommandAStatusAPageAnEventAndAMoneyOfItsOwnUsesTheClientBesideThem() throws {
        let daemon = try DaemonProcess()
        var application = try Application(try daemon.connect(), budget: Budget(Money(cents: 100)))
        let page = try application.carryOut(Application.Question("why?"), for: Name("Ada"), price: Money(cents: 7))
        #expect(page == Page(title: "openai to Ada: why?", price: Money(cents: 7)))
        #expect(application.events == [.answered(page)])
        #expect(try application.spent() == Money(cents: 7))
        #expect(try application.isHealthy())
        #expect(try daemon.stop() == 0)
    }
}
