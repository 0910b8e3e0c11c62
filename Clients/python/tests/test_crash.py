"""Every cost counts exactly once, however often the daemon is killed, and at most once where a worker is killed.

`FUSEBOX_CRASH_CYCLES` is the number of kills.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import unittest
from pathlib import Path

from fusebox_client import Client, protocol

from .support import Daemon, wait_until

CYCLES = int(os.environ.get("FUSEBOX_CRASH_CYCLES", "10"))
WORKER = Path(__file__).with_name("crash_worker.py")


class Worker:
    """A process that makes calls."""

    def __init__(self, daemon: Daemon, kind: str, number: int) -> None:
        self.kind = kind
        self.log = Path(daemon.folder, f"worker-{number}")
        self.log.touch()
        arguments = [sys.executable, str(WORKER), kind, daemon.socket, daemon.spool, str(self.log)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE)

    def costs(self) -> tuple[int, int]:
        """What was settled, and what may have been."""
        settled = begun = 0
        for line in self.log.read_text().split():
            if line[0] == "=":
                settled += int(line[1:])
            else:
                begun += int(line[1:])
        return settled, begun

    def calls(self) -> int:
        return self.log.read_text().count("=")

    def finish(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


class CrashTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def spent(self) -> int:
        """What the ledger says, after the spool is delivered."""
        with Client(self.daemon.socket, spool=self.daemon.spool, timeout=10) as client:
            client.connect()
            client.wait_for_spool(60)
            self.assertEqual(os.listdir(self.daemon.spool), [])

            def accounts() -> list[protocol.ProviderAccount]:
                told = [client.call(protocol.LedgerProviderRequest(name)).account for name in ("crash", "other")]
                return [account for account in told if account]

            # A permit whose grant the worker never saw is free once the grace after a start is over.
            wait_until(lambda: all(account.in_flight == 0 for account in accounts()), 30)
            return sum(account.usage.spend.nanodollars for account in accounts())

    def kill_often(self, workers: list[Worker], cycles: int) -> None:
        for _ in range(cycles):
            self.kill_amid_calls(workers)
            self.daemon.start()

    def wait_for_calls(self, workers: list[Worker], more: int) -> None:
        before = [worker.calls() for worker in workers]
        wait_until(lambda: all(worker.calls() >= count + more for worker, count in zip(workers, before)), 60)

    def kill_amid_calls(self, workers: list[Worker]) -> None:
        self.wait_for_calls(workers, 1)
        time.sleep(random.random() / 20)  # The kill comes at any moment.
        self.daemon.kill()

    def test_totals_are_exact_over_kills_of_the_daemon(self) -> None:
        os.makedirs(self.daemon.spool, 0o700, exist_ok=True)
        workers = [Worker(self.daemon, kind, n) for n, kind in enumerate(("threads", "asyncio") * 2)]
        self.kill_often(workers, CYCLES)
        for worker in workers:
            self.assertEqual(worker.finish(), 0)
        told = [worker.costs() for worker in workers]
        self.assertEqual([settled for settled, _ in told], [begun for _, begun in told])
        self.assertEqual(self.spent(), sum(settled for settled, _ in told))
        print(f"\n{CYCLES} kills, {sum(worker.calls() for worker in workers)} calls: exact", file=sys.stderr)

    def test_a_last_kill_leaves_the_rest_in_the_spool(self) -> None:
        os.makedirs(self.daemon.spool, 0o700, exist_ok=True)
        workers: list[Worker] = []
        # All calls may wait for their admission when the kill comes. Then nothing is left, and others try again.
        left: list[str] = []
        while not left and len(workers) < 40:
            pair = [Worker(self.daemon, kind, len(workers) + n) for n, kind in enumerate(("threads", "asyncio"))]
            workers += pair
            self.kill_amid_calls(pair)
            for worker in pair:
                self.assertEqual(worker.finish(), 0)
            left = os.listdir(self.daemon.spool)
            self.daemon.start()
        self.assertNotEqual(left, [])
        self.assertEqual(self.spent(), sum(worker.costs()[0] for worker in workers))

    def test_a_killed_worker_counts_at_most_once_and_holds_nothing(self) -> None:
        os.makedirs(self.daemon.spool, 0o700, exist_ok=True)
        workers = [Worker(self.daemon, kind, n) for n, kind in enumerate(("threads", "asyncio") * 2)]
        self.kill_often(workers, 1)
        # While the daemon was away, a worker kept up to 8 settles in its memory. They are sent before further calls.
        self.wait_for_calls(workers, 9)
        for worker in workers[:2]:
            worker.kill()
        self.kill_often(workers[2:], 1)
        for worker in workers[2:]:
            self.assertEqual(worker.finish(), 0)
        spent = self.spent()
        self.assertTrue(sum(one.costs()[0] for one in workers) <= spent <= sum(one.costs()[1] for one in workers))


if __name__ == "__main__":
    unittest.main()
