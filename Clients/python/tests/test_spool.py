"""The spool: what workers leave, and that the next client of the user delivers it once. Also between languages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import unittest
from pathlib import Path
from typing import Any

from fusebox_client import Client, Usage, protocol
from fusebox_client._requests import Acquaintance
from fusebox_client._settings import Settings
from fusebox_client._spool import Folder, is_own
from fusebox_client._spool_records import (
    BEGINNING,
    DELIVERED,
    IN_DOUBT,
    REFUSED,
    RENUMBERED,
    RESULT,
    Contents,
    Damage,
    Header,
    Report,
    Result,
    file_bytes,
    record,
)
from fusebox_client._transfer import Round

from .support import Daemon, tool


def example(count: int = 3) -> bytes:
    header = Header((1, 2), count, "/run/fusebox/fusebox.sock", "test", 77)
    header.acquaintance = Acquaintance(9, 0, True)
    reports = [
        Report(n, 98, bytes([n]) * 5, n == 1, 9 if n == 2 else None, b"s" if n == 2 else None) for n in (1, 2, 3)
    ]
    return file_bytes(header, reports[:count])


class FileTests(unittest.TestCase):
    def test_a_file_is_read_as_it_was_written(self) -> None:
        contents = Contents(example())
        assert contents.header is not None
        self.assertEqual((contents.header.worker, contents.header.socket), ((1, 2), "/run/fusebox/fusebox.sock"))
        self.assertEqual([one.sequence for one in contents.pending], [1, 2, 3])
        self.assertEqual([one.substitute for one in contents.pending], [None, b"s", None])
        self.assertEqual(file_bytes(contents.header, contents.reports), example())

    def test_results_are_what_becomes_of_reports(self) -> None:
        told = [Result(1, DELIVERED), Result(2, RENUMBERED, new_sequence=4), Result(3, REFUSED, "no")]
        beginning = record(BEGINNING, Acquaintance(9, 0, True))
        contents = Contents(example() + beginning + b"".join(record(RESULT, one) for one in told))
        self.assertEqual([one.sequence for one in contents.pending], [4])
        self.assertEqual([(one.sequence, one.reason) for one in contents.undecided], [(3, "no")])
        self.assertTrue(contents.has_begun)
        shorter = Contents(contents.shortened())
        self.assertEqual([(one.sequence, one.may_have_left) for one in shorter.reports], [(3, True), (4, True)])
        self.assertEqual([one.sequence for one in shorter.undecided], [3])

    def test_a_torn_end_is_cut_off_and_damage_is_not(self) -> None:
        whole = example() + record(RESULT, Result(1, DELIVERED))
        for end in range(len(example()), len(whole)):
            self.assertEqual(len(Contents(whole[:end]).pending), 3)
        for place in range(len(example())):
            with self.assertRaises(Damage):
                Contents(whole[:place])
        for place in range(len(example())):
            damaged = bytearray(whole)
            damaged[place] ^= 1
            with self.assertRaises(Damage):
                Contents(bytes(damaged))

    def test_names_have_a_form(self) -> None:
        self.assertTrue(is_own("1795993511409-2e3e00938f27d7fd.spool"))
        for name in ("1795993511409-2e3e00938f27d7fd.part", "notes.spool", "1795993511409-2E3E00938F27D7FD.spool"):
            self.assertFalse(is_own(name))


class DeliveryTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def client(self, **options: Any) -> Client:
        client = Client(self.daemon.socket, **{"spool": self.daemon.spool, **options})
        self.addCleanup(client.close)
        return client

    def files(self) -> list[str]:
        return os.listdir(self.daemon.spool) if os.path.isdir(self.daemon.spool) else []

    def spend(self, client: Client, provider: str = "p") -> str:
        account = client.call(protocol.LedgerProviderRequest(provider)).account
        assert account is not None
        return str(account.usage.spend)

    def delivered(self) -> Client:
        client = self.client()
        client.connect()
        client.wait_for_spool(30)
        return client

    def test_what_a_closed_client_leaves_counts_once(self) -> None:
        client = self.client()
        with client.permit("p") as permit:
            permit.usage(cost=1)
            self.daemon.kill()
        client.close()
        self.assertEqual((client.spooling.reports, len(self.files())), (1, 1))
        self.assertEqual(os.stat(f"{self.daemon.spool}/{self.files()[0]}").st_mode & 0o777, 0o600)
        self.daemon.start()
        clients = [self.delivered() for _ in range(3)]
        self.assertEqual((self.spend(clients[0]), self.files()), ("1", []))

    def test_a_process_that_ends_leaves_its_reports(self) -> None:
        self.daemon.kill()
        script = f"""
            from fusebox_client import Client, Usage
            client = Client({self.daemon.socket!r}, spool={self.daemon.spool!r}, failure_policy="fail_open")
            for cost in range(3):
                client.report("p/m", usage=Usage(cost=1))
        """
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, env=environment)
        self.assertEqual(len(self.files()), 1)
        self.daemon.start()
        self.assertEqual((self.spend(self.delivered()), self.files()), ("3", []))

    def test_a_report_that_may_have_counted_counts_once(self) -> None:
        """The daemon carries the report out and is killed before its reply is read."""
        client = self.client(timeout=0.05, keeps_reports=True)
        client.connect()
        assert self.daemon.process is not None
        self.daemon.process.send_signal(signal.SIGSTOP)
        settling = client.report("p", usage=Usage(cost=1))
        self.assertEqual(settling.delivery, "unknown")
        client.close(timeout=0.01)
        self.assertEqual(len(self.files()), 1)
        self.daemon.process.send_signal(signal.SIGCONT)
        self.assertEqual((self.spend(self.delivered()), self.files()), ("1", []))

    def test_the_tool_delivers_what_python_left(self) -> None:
        client = self.client(failure_policy="fail_open")
        self.daemon.kill()
        client.report("p", usage=Usage(cost=2))
        client.close()
        listed = self.tool("spool", "list", "--json")
        self.assertIn("fusebox-client-python", listed)
        self.daemon.start()
        self.tool("spool", "deliver")
        self.assertEqual((self.spend(self.client()), self.files()), ("2", []))

    def test_python_delivers_what_the_tool_left(self) -> None:
        self.daemon.kill()
        self.tool("report", "--route", "p/m", "--outcome", "success", "--cost", "3")
        self.assertEqual(len(self.files()), 1)
        self.daemon.start()
        self.assertEqual((self.spend(self.delivered()), self.files()), ("3", []))

    def tool(self, *arguments: str) -> str:
        environment = {**os.environ, "FUSEBOX_SOCKET": self.daemon.socket, "FUSEBOX_SPOOL": self.daemon.spool}
        ran = subprocess.run([tool("fusebox"), *arguments], env=environment, capture_output=True, text=True)
        self.assertNotIn("Usage:", ran.stderr, ran.stderr)
        return ran.stdout + ran.stderr

    def test_reports_of_a_state_that_was_replaced_are_in_doubt(self) -> None:
        path = self.leave()
        client = self.delivered()
        contents = Contents(Path(path).read_bytes())
        # The first may have been sent. The others were not, and are no reports that a daemon reads.
        self.assertEqual([one.result for one in contents.reports], [IN_DOUBT, REFUSED, REFUSED])
        self.assertIn("another state", contents.reports[0].reason)
        client.close()

    def leave(self) -> str:
        """A file whose header names this daemon."""
        header = Header((1, 2), 3, self.daemon.socket, "test", 77)
        header.acquaintance = Acquaintance(9, 0, True)
        contents = Contents(example())
        with Folder.make(self.daemon.spool):
            path = f"{self.daemon.spool}/1795993511409-2e3e00938f27d7fd.spool"
            Path(path).touch(0o600)
            Path(path).write_bytes(file_bytes(header, contents.reports))
        return path

    def test_files_of_others_and_damaged_files_are_left_alone(self) -> None:
        path = self.leave()
        Path(path).write_bytes(example()[:-1])
        other = f"{self.daemon.spool}/1795993511410-2e3e00938f27d7fd.spool"
        Path(other).touch(0o600)
        Path(other).write_bytes(example())  # For another daemon.
        part = f"{self.daemon.spool}/1795993511411-2e3e00938f27d7fd.part"
        Path(part).touch(0o600)
        os.utime(part, (0, 0))  # Its writer died long ago, before it was complete.
        one = Round(Settings(self.daemon.socket, spool=self.daemon.spool))
        one.run()
        self.assertEqual((one.delivered, one.failure), (0, None))
        self.assertEqual(sorted(self.files()), sorted(os.path.basename(name) for name in (path, other)))

    def test_a_folder_that_others_may_read_is_not_used(self) -> None:
        os.makedirs(self.daemon.spool)
        os.chmod(self.daemon.spool, 0o755)
        client = self.client(failure_policy="fail_open")
        self.daemon.kill()
        client.report("p", usage=Usage(cost=2))
        client.close()
        self.assertEqual((client.spooling.reports, client.dropped_reports, self.files()), (0, 1, []))
        self.assertIsNotNone(client.spooling.failure)


if __name__ == "__main__":
    unittest.main()
