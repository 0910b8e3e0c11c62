import FuseboxWire
import Testing

@testable import FuseboxCore

@Suite("Limits")
struct LimitsTests {
    @Test("The limits of a daemon that is told no others do not contradict each other")
    func defaults() {
        #expect(Limits().conflicts == [])
    }

    @Test("A relation names both bounds, what they are, and why")
    func relation() {
        let relation = Limits.Relation("small", 3, .atMost, "large", 2, "it has to fit")
        #expect(relation.conflict == "small is 3, and must be at most large, which is 2: it has to fit")
        #expect(Limits.Relation("small", 2, .atMost, "large", 2, "").conflict == nil)
        #expect(Limits.Relation("small", 1, .exactly, "large", 2, "why").conflict?.contains("exactly large") == true)
        #expect(Limits.Relation("small", 2, .exactly, "large", 2, "").conflict == nil)
    }

    @Test("Every relation between bounds that may be set can be broken, and is told then")
    func broken() {
        let changes: [(name: String, change: (inout Limits) -> Void)] = [
            ("names", { $0.names = $0.namesPerUser - 1 }),
            ("models", { $0.models = $0.modelsPerUser - 1 }),
            ("providerAccounts", { $0.providerAccounts = $0.providerAccountsPerUser - 1 }),
            ("modelAccounts", { $0.modelAccounts = $0.modelAccountsPerUser - 1 }),
            ("permits", { $0.permits = $0.permitsPerUser - 1 }),
            ("keptBytesPerUser", { $0.keptBytesPerUser = $0.keptBytesPerWorker - 1 }),
            ("keptBytes", { $0.keptBytes = $0.keptBytesPerUser - 1 }),
            ("bufferBytes", { $0.bufferBytes = $0.bufferBytesPerUser - 1 }),
            ("unopenedConnections", { $0.unopenedConnections = $0.unopenedConnectionsPerUser - 1 }),
            ("outputHardLimit", { $0.outputSoftLimit = $0.outputHardLimit - WireLimits.frameLength }),
            ("outputHardLimit", { $0.eventBacklog = $0.outputHardLimit + 1 }),
        ]
        #expect(changes.count == Limits().relations.count)
        for (name, change) in changes {
            var limits = Limits()
            change(&limits)
            #expect(limits.conflicts.count == 1, "\(limits.conflicts)")
            #expect(limits.conflicts.first?.contains(" \(name), which is ") == true, "\(limits.conflicts)")
        }
    }

    @Test("Whatever the daemon's flags allow keeps the relations", arguments: [1 << 20, 64 << 30])
    func flags(bufferBytes: Int) {
        for count in [1, 1_000_000] {
            var limits = Limits()
            limits.helloMilliseconds = count == 1 ? 10 : 366 * 86_400_000
            limits.connections = count
            limits.connectionsPerUser = count
            limits.workers = count
            limits.bufferBytes = bufferBytes
            limits.bufferBytesPerUser = bufferBytes / 2
            #expect(limits.conflicts == [])
        }
    }
}
