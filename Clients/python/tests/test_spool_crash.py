"""Processes that are killed at each of their steps on the disk, while they leave or deliver reports."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from fusebox_client import Client, Usage, _fork, protocol
from fusebox_client._requests import Acquaintance
from fusebox_client._settings import Settings
from fusebox_client._spool import FILE_BYTES, File, Folder
from fusebox_client._spool_records import BEGINNING, DELIVERED, RESULT, Contents, Damage, Result, record
from fusebox_client._transfer import Round

from .spool_process import leave
from .support import Daemon
from .test_spool import example

COUNT = 70
"""Reports in a file: more than one batch."""


class CrashTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.settings = Settings(self.daemon.socket, spool=self.daemon.spool)
        client = Client(self.daemon.socket, spool=self.daemon.spool, keeps_reports=True)
        client.connect()
        self.daemon.kill()
        client.report("p/m", usage=Usage(cost=1))
        client.close()
        (path,) = Path(self.daemon.spool).iterdir()
        self.payloads = [Contents(path.read_bytes()).reports[0].payload] * COUNT
        path.unlink()
        self.daemon.start()
        self.reader = Client(self.daemon.socket, spool=False)
        self.addCleanup(self.reader.close)

    def spend(self) -> int:
        return int(float(str(self.reader.call(protocol.LedgerTotalRequest()).spend)))

    def files(self) -> list[str]:
        return os.listdir(self.daemon.spool)

    def run_process(self, task: str, step: int, longest: int = FILE_BYTES) -> bool:
        """Runs a process that is killed before a step. Returns whether it has come to its end."""
        words = ["-m", "tests.spool_process", task, self.daemon.socket, self.daemon.spool, str(step), str(longest)]
        ran = subprocess.run(
            [sys.executable, *words],
            input="\n".join(one.hex() for one in self.payloads),
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.assertIn(ran.returncode, (0, -9), ran.stderr)
        return ran.returncode == 0

    def deliver(self) -> None:
        """Delivers what is there. Files without a name are old enough."""
        for _ in range(3):
            for name in self.files():
                os.utime(f"{self.daemon.spool}/{name}", (0, 0))
            Round(self.settings).run()
        self.assertEqual(self.files(), [])

    def test_a_writer_that_is_killed_at_any_step_has_left_all_of_its_reports_or_none(self) -> None:
        before, outcomes, is_over = 0, [], False
        while not is_over:
            step = len(outcomes) + 1
            is_over = self.run_process("leave", step)
            if os.path.isdir(self.daemon.spool):
                self.deliver()
            after = self.spend()
            self.assertIn(after - before, (0, COUNT), f"step {step}")
            outcomes.append(after > before)
            before = after
        self.assertGreater(len(outcomes), 5)
        self.assertEqual((outcomes[0], outcomes[-1]), (False, True))

    def test_a_deliverer_that_is_killed_at_any_step_has_each_report_counted_once(self) -> None:
        self.assertGreater(self.kill_deliverers(FILE_BYTES), 8)

    def test_so_has_one_that_rewrites_the_file(self) -> None:
        self.assertGreater(self.kill_deliverers(100), 12)

    def kill_deliverers(self, longest: int) -> int:
        step, is_over = 0, False
        while not is_over:
            leave(self.payloads, self.settings)
            step += 1
            is_over = self.run_process("deliver", step, longest)
            self.deliver()
            self.assertEqual(self.spend(), step * COUNT, f"step {step}")
        return step

    def test_a_file_whose_reports_are_all_delivered_is_removed(self) -> None:
        path = leave(self.payloads[:2], self.settings)
        with open(path, "ab") as file:
            for number in (1, 2):
                file.write(record(RESULT, Result(number, DELIVERED)))
        self.deliver()
        self.assertEqual(self.spend(), 0)

    def test_a_full_disk_ends_a_delivery_and_harms_nothing(self) -> None:
        leave(self.payloads, self.settings)
        one = Round(self.settings)
        with mock.patch("os.pwrite", side_effect=OSError(errno.ENOSPC, "No space left on device")):
            one.run()
        self.assertIn("No space left", one.failure or "")
        self.assertEqual((len(self.files()), self.spend()), (1, 0))
        self.deliver()
        self.assertEqual(self.spend(), COUNT)

    def test_a_write_in_pieces_is_whole(self) -> None:
        write = os.pwrite
        with mock.patch("os.pwrite", side_effect=lambda file, data, offset: write(file, data[:100], offset)):
            leave(self.payloads, self.settings)
        self.deliver()
        self.assertEqual(self.spend(), COUNT)

    def test_files_that_cannot_be_opened_keep_no_others_from_their_delivery(self) -> None:
        leave(self.payloads, self.settings)
        for number in range(5):
            os.symlink("/etc/passwd", f"{self.daemon.spool}/000000000000{number}-{number:016x}.spool")
        Round(self.settings).run()
        self.assertEqual((len(self.files()), self.spend()), (5, COUNT))

    def test_a_young_file_without_a_name_is_not_even_locked(self) -> None:
        """Its writer is about to lock it, and would give up if it could not."""
        with Folder.make(self.daemon.spool):
            part = f"{self.daemon.spool}/1795993511411-2e3e00938f27d7fd.part"
            Path(part).touch(0o600)
        with mock.patch.object(File, "open", side_effect=AssertionError("it was opened")):
            Round(self.settings).run()
        self.assertEqual(len(self.files()), 1)


class ForkTests(unittest.TestCase):
    def test_a_forked_child_holds_no_lock_of_its_parent(self) -> None:
        with tempfile.TemporaryDirectory() as place, Folder(place) as folder:
            file = File.make(example(), folder)
            (ready, is_ready), (waits, end) = os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:  # It has gone through what happens after a fork, and lives on.
                os.write(is_ready, b".")
                os.close(end)
                os.read(waits, 1)
                os._exit(0)
            try:
                os.read(ready, 1)
                self.assertIsNone(File.open(file.name, folder))
                os.close(file.descriptor)  # As the parent's death would.
                again = File.open(file.name, folder)
                assert again is not None
                again.close()
            finally:
                _fork.leave(file._copy)
                os.close(end)
                os.waitpid(child, 0)
                for one in (ready, is_ready, waits):
                    os.close(one)


class DamageTests(unittest.TestCase):
    def test_an_end_of_zeros_is_torn_and_a_whole_record_that_says_nonsense_is_damage(self) -> None:
        for zeros in (1, 8, 9, 4_096):
            self.assertEqual(len(Contents(example() + bytes(zeros)).pending), 3)
        told = record(RESULT, Result(1, DELIVERED))
        beginning = record(BEGINNING, Acquaintance(9, 0, True))
        longer = bytearray(told + beginning)
        longer[0] += 100  # A length that is wrong, and a good record after it.
        for nonsense in (told + told, record(RESULT, Result(9, DELIVERED)), record(RESULT, Result(1, 9)), longer):
            with self.assertRaises(Damage):
                Contents(example() + bytes(nonsense))


if __name__ == "__main__":
    unittest.main()
