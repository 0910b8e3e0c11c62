import FuseboxClient
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

extension EndToEnd {
    struct RestartTests {
        /// A worker that only records does not notice that the daemon is killed and restarted. Every record counts
        /// once: the totals are those of the worker.
        @Test func aKilledDaemonCostsAWorkerNothing() throws {
            let folder = TemporaryFolder()
            var daemon = try DaemonProcess(in: folder)
            var configuration = FuseboxClient.Configuration(clientName: "books", requestTimeoutMilliseconds: 30_000)
            configuration.connectTimeoutMilliseconds = 30_000
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: configuration)
            var cost = Money.zero
            for index in 1...1_000 {
                let each = Money(nanodollars: Int64(index))
                let pending = try client.submit(
                    LedgerRecord(
                        provider: Name("openai"), model: Name("gpt"), cost: each, inputTokens: 1, outputTokens: 2))
                // The kill comes before the reply can be read, and often before it is sent.
                if index % 200 == 100 {
                    daemon.send(SIGKILL)
                    _ = try daemon.wait()
                    daemon = try DaemonProcess(in: folder)
                }
                _ = try pending.wait()
                cost = try #require(cost.adding(each))
            }
            let account = try #require(try client.ledger.provider("openai"))
            #expect(account.usage.spend == cost)
            #expect(account.usage.requests == 1_000)
        }

        /// A worker's first request is lost with a daemon that has not read it. The next daemon does not know the
        /// worker, so nothing was counted, and the request is sent again.
        @Test(arguments: [true, false])
        func theFirstRequestOfAWorkerCountsOnceThoughTheDaemonIsKilled(isCarriedOut: Bool) throws {
            let daemon = try DaemonProcess()
            var configuration = FuseboxClient.Configuration(requestTimeoutMilliseconds: 60_000)
            configuration.connectTimeoutMilliseconds = 60_000
            configuration.spool = .none
            let client = try FuseboxClient.connect(to: daemon.socketPath, configuration: configuration)
            if !isCarriedOut { daemon.send(SIGSTOP) }
            let pending = try client.submit(
                LedgerRecord(
                    provider: Name("openai"), model: Name("gpt"), cost: .dollars("0.5"), inputTokens: 1, outputTokens: 2
                ))
            if isCarriedOut {
                let watching = try FuseboxClient.connect(to: daemon.socketPath, configuration: configuration)
                #expect(waitUntil { (try? watching.ledger.provider("openai")?.usage.requests) == 1 })
            }
            daemon.send(SIGKILL)
            #expect(try daemon.wait() == 128 + SIGKILL)
            let next = try DaemonProcess(in: daemon.folder)
            _ = try pending.wait()
            let account = try #require(try client.ledger.provider("openai"))
            #expect(account.usage.requests == 1 && account.usage.spend == .dollars("0.5"))
            #expect(try next.stop() == 0)
        }
    }
}
