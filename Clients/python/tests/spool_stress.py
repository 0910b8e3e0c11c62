"""A process of the stress test of the spool.

    python -m tests.spool_stress leave SOCKET FOLDER FILES REPORTS
    python -m tests.spool_stress deliver SOCKET FOLDER

The payload of the reports that it leaves comes at its input. It prints a line for each file that is kept. A deliverer
goes on until its input ends.
"""

from __future__ import annotations

import sys
import threading

from fusebox_client import _transfer
from fusebox_client._settings import Settings

from .spool_process import leave


def main() -> None:
    task, socket, folder, *counts = sys.argv[1:]
    settings = Settings(socket, spool=folder)
    if task == "leave":
        files, reports = map(int, counts)
        payload = bytes.fromhex(sys.stdin.readline())
        for _ in range(files):
            leave([payload] * reports, settings)
            print("kept", flush=True)
        return
    _transfer.FILE_BYTES = 500  # Files are rewritten often.
    ends = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ends.set()), daemon=True).start()
    while not ends.is_set():
        _transfer.Round(settings).run(lambda: not ends.is_set())


if __name__ == "__main__":
    main()
