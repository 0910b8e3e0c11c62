"""A process that leaves or delivers reports, and is killed before one of its steps on the disk.

    python -m tests.spool_process leave|deliver SOCKET FOLDER STEP LONGEST

The payloads of the reports that it leaves come at its input. It rewrites files that are longer than LONGEST. It prints
the number of its steps if it is not killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from fusebox_client import _spool, _transfer
from fusebox_client._connection import random_worker
from fusebox_client._settings import Settings
from fusebox_client._spool_records import Header, Report
from fusebox_client.protocol.admission import AdmissionReportRequest

STEPS = ("open", "ftruncate", "pwrite", "fsync", "rename", "unlink")


def leave(payloads: list[bytes], settings: Settings) -> str:
    """Leaves reports of a new worker in one file. Returns its path."""
    reports = [
        Report(number, AdmissionReportRequest.NUMBER, payload, False) for number, payload in enumerate(payloads, 1)
    ]
    header = Header(random_worker(), len(reports), settings.path, settings.name, os.getpid())
    return _spool._write(header, reports, settings, 0)


class Steps:
    """Counts the calls that change something on the disk, and kills the process before one of them."""

    def __init__(self, last: int) -> None:
        self.count = 0
        self.last = last
        for name in STEPS:
            setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count == self.last:
                if name == "pwrite":  # A crash in the middle of a write leaves a part of it.
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2], arguments[2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return watched


def main() -> None:
    task, socket, folder, last, longest = sys.argv[1:]
    settings = Settings(socket, spool=folder)
    payloads = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    _transfer.FILE_BYTES = int(longest)
    steps = Steps(int(last))
    if task == "leave":
        leave(payloads, settings)
    else:
        _transfer.Round(settings).run()
    print(steps.count)


if __name__ == "__main__":
    main()
