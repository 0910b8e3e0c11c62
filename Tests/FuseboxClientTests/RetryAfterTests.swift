import FuseboxClient
import Testing

/// The forms of providers' headers that a client reads.
struct RetryAfterTests {
    @Test func aClientReadsTimesAsProvidersTellThem() {
        #expect(Duration(retryAfter: "34.07s") == .milliseconds(34_070))
        #expect(Duration(retryAfter: "6m0s") == .seconds(360))
        #expect(Duration(retryAfter: "1.5") == .milliseconds(1_500))
        #expect(Duration(retryAfter: "Sun, 06 Nov 1994 08:49:37 GMT") == .zero)
        #expect(Duration(retryAfter: "9999-12-31T23:59:59Z").map { $0 > .seconds(366 * 86_400) } == true)
        #expect(Duration(retryAfter: "soon") == nil)
    }
}
