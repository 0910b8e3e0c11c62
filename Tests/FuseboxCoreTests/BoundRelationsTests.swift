import FuseboxWire
import Testing

@testable import FuseboxCore

struct BoundRelationsTests {
    @Test func theBoundsOfADaemonThatIsToldNoOthersDoNotContradictEachOther() {
        #expect(Bounds().conflicts == [])
    }

    @Test func aRelationNamesBothBoundsWhatTheyAreAndWhy() {
        let relation = Bounds.Relation("small", 3, .atMost, "large", 2, "it has to fit")
        #expect(relation.conflict == "small is 3, and must be at most large, which is 2: it has to fit")
        #expect(Bounds.Relation("small", 2, .atMost, "large", 2, "").conflict == nil)
        #expect(Bounds.Relation("small", 1, .exactly, "large", 2, "why").conflict?.contains("exactly large") == true)
        #expect(Bounds.Relation("small", 2, .exactly, "large", 2, "").conflict == nil)
    }

    @Test func everyRelationBetweenBoundsThatMayBeSetCanBeBrokenAndIsToldThen() {
        let changes: [(name: String, change: (inout Bounds) -> Void)] = [
            ("names", { $0.names = $0.namesPerUser - 1 }),
            ("models", { $0.models = $0.modelsPerUser - 1 }),
            ("providerAccounts", { $0.providerAccounts = $0.providerAccountsPerUser - 1 }),
            ("modelAccounts", { $0.modelAccounts = $0.modelAccountsPerUser - 1 }),
            ("modelMarks", { $0.modelMarks = $0.modelMarksPerUser - 1 }),
            ("modelBreakers", { $0.modelBreakers = $0.modelBreakersPerUser - 1 }),
            ("permits", { $0.permits = $0.permitsPerUser - 1 }),
            ("waiting", { $0.waiting = $0.waitingPerUser - 1 }),
            ("latencyRoutes", { $0.latencyRoutes = $0.latencyRoutesPerUser - 1 }),
            ("keptBytesPerUser", { $0.keptBytesPerUser = $0.keptBytesPerWorker - 1 }),
            ("keptBytes", { $0.keptBytes = $0.keptBytesPerUser - 1 }),
            ("bufferBytes", { $0.bufferBytes = $0.bufferBytesPerUser - 1 }),
            ("unopenedConnections", { $0.unopenedConnections = $0.unopenedConnectionsPerUser - 1 }),
            ("outputHardLimit", { $0.outputSoftLimit = $0.outputHardLimit - WireLimits.frameLength }),
            ("outputHardLimit", { $0.eventBacklog = $0.outputHardLimit + 1 }),
        ]
        #expect(changes.count == Bounds().relations.count)
        for (name, change) in changes {
            var bounds = Bounds()
            change(&bounds)
            #expect(bounds.conflicts.count == 1, "\(bounds.conflicts)")
            #expect(bounds.conflicts.first?.contains(" \(name), which is ") == true, "\(bounds.conflicts)")
        }
    }

    @Test(arguments: [1 << 20, 64 << 30]) func whateverTheDaemonsFlagsAllowKeepsTheRelations(bufferBytes: Int) {
        for count in [1, 1_000_000] {
            var bounds = Bounds()
            bounds.helloMilliseconds = count == 1 ? 10 : 366 * 86_400_000
            bounds.connections = count
            bounds.connectionsPerUser = count
            bounds.workers = count
            bounds.bufferBytes = bufferBytes
            bounds.bufferBytesPerUser = bufferBytes / 2
            #expect(bounds.conflicts == [])
        }
    }
}
