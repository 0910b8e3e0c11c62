"""Processes of all languages leave and deliver in one spool at once, and are killed at any moment.

`FUSEBOX_SPOOL_SECONDS` sets how long; `FUSEBOX_SPOOL_SEED` repeats the order of the kills.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

from fusebox_client import Client, Usage, protocol
from fusebox_client._settings import Settings
from fusebox_client._spool_records import Contents
from fusebox_client._transfer import Round

from .support import REPOSITORY, Daemon, tool, wait_until

SECONDS = float(os.environ.get("FUSEBOX_SPOOL_SECONDS", "1.5"))
SEED = int(os.environ.get("FUSEBOX_SPOOL_SEED", str(time.time_ns() % 1_000_000)))
FILES, REPORTS = 8, 70
"""Files that a leaver leaves, and reports in each: more than one batch."""
NODE = REPOSITORY / "Clients/node/test/support/spool-stress.mjs"


class Leaver:
    """A process that leaves reports by a provider of its own."""

    def __init__(self, words: list[str], payload: bytes, provider: str) -> None:
        self.provider = provider
        self.process = start(words, payload.hex().encode() + b"\n")
        self.is_killed = False

    def kill(self) -> None:
        self.is_killed = self.process.poll() is None
        self.process.kill()

    def kept(self) -> int:
        """The number of files that it was told of."""
        assert self.process.stdout is not None
        kept = self.process.stdout.read().count(b"kept")
        self.process.stdout.close()
        return kept


def start(words: list[str], text: bytes | None = None, **variables: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if text else subprocess.DEVNULL,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables},
    )
    assert process.stdin is not None
    if text is not None:
        process.stdin.write(text)
        process.stdin.close()
    return process


class StressTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        client = Client(self.daemon.socket, spool=self.daemon.spool, keeps_reports=True)
        client.connect()
        self.daemon.kill()
        client.report("leaver-000", usage=Usage(cost=1))
        client.close()
        (path,) = Path(self.daemon.spool).iterdir()
        self.payload = Contents(path.read_bytes()).reports[0].payload
        path.unlink()
        self.daemon.start()
        self.programs = [[sys.executable, "-m", "tests.spool_stress"]]
        node = shutil.which("node")
        if node and NODE.is_file():
            self.programs.append([node, str(NODE)])
        else:
            print("NO NODE: its processes do not take part in the stress test of the spool", file=sys.stderr)
        self.leavers: list[Leaver] = []
        self.random = random.Random(SEED)

    def leaver(self) -> Leaver:
        provider = f"leaver-{len(self.leavers):03}"
        program = self.programs[len(self.leavers) % len(self.programs)]
        words = [*program, "leave", self.daemon.socket, self.daemon.spool, str(FILES), str(REPORTS)]
        leaver = Leaver(words, self.payload.replace(b"leaver-000", provider.encode()), provider)
        self.leavers.append(leaver)
        return leaver

    def deliverer(self, number: int) -> subprocess.Popen[bytes]:
        if number % 5 == 4:
            return start(
                [tool("fusebox"), "spool", "deliver"],
                FUSEBOX_SOCKET=self.daemon.socket,
                FUSEBOX_SPOOL=self.daemon.spool,
            )
        return start([*self.programs[number % len(self.programs)], "deliver", self.daemon.socket, self.daemon.spool])

    def test_totals_are_exact_whoever_is_killed(self) -> None:
        end = time.monotonic() + SECONDS
        at_work = [self.leaver() for _ in range(4)]
        deliverers = [self.deliverer(number) for number in range(5)]
        while time.monotonic() < end:
            time.sleep(self.random.uniform(0.05, 0.5))
            for place, one in enumerate(at_work):
                if one.process.poll() is not None and len(self.leavers) < 999:
                    at_work[place] = self.leaver()
            for place, process in enumerate(deliverers):
                if process.poll() is not None:  # The command-line tool delivers once.
                    self.reap(process)
                    deliverers[place] = self.deliverer(place)
            # Rarely a leaver: what one has left that was not killed is known exactly.
            victim = self.random.randrange(2 * len(deliverers) + 1) // 2
            if victim < len(deliverers):
                deliverers[victim].kill()
                self.reap(deliverers[victim])
                deliverers[victim] = self.deliverer(victim)
            else:
                self.random.choice(at_work).kill()
        for one in deliverers:
            one.kill()
            self.reap(one)
        for leaver in self.leavers:
            self.assertIn(leaver.process.wait(), (0, -9))
        self.deliver()
        self.compare()

    def reap(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.wait()
        process.stdin.close()

    def deliver(self) -> None:
        """Delivers the rest. Files without a name are old enough."""

        def is_empty() -> bool:
            for name in os.listdir(self.daemon.spool):
                if name.endswith(".part"):
                    os.utime(f"{self.daemon.spool}/{name}", (0, 0))
            Round(Settings(self.daemon.socket, spool=self.daemon.spool)).run()
            return not os.listdir(self.daemon.spool)

        wait_until(is_empty)

    def compare(self) -> None:
        with Client(self.daemon.socket, spool=False) as reader:
            accounts = {one.provider: one for one in self.leavers}
            for provider, leaver in accounts.items():
                account = reader.call(protocol.LedgerProviderRequest(provider)).account
                counted = int(str(account.usage.spend)) if account is not None else 0
                kept = leaver.kept() * REPORTS
                # A leaver that was killed may have left another file, of which it was not told any more.
                possible = (kept, kept + REPORTS) if leaver.is_killed else (FILES * REPORTS,)
                self.assertIn(counted, possible, f"{provider}, seed {SEED}")
                if not leaver.is_killed:
                    self.assertEqual(kept, counted)
        print(
            f"spool: {len(self.leavers)} leavers, {sum(one.is_killed for one in self.leavers)} killed", file=sys.stderr
        )


if __name__ == "__main__":
    unittest.main()
