"""Starts a daemon a few times, and prints the shortest time from its start to READY=1, in milliseconds.

start_to_ready.py FUSEBOXD TIMES. Each start has an empty directory and no policy; the first one warms the caches.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time


def milliseconds(program: str) -> float:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        data = pathlib.Path(folder, "data")
        data.mkdir(mode=0o700)
        manager.bind(f"{folder}/notify")
        manager.settimeout(30)
        began = time.monotonic()
        daemon = subprocess.Popen(
            [program, "--data", data, "--socket", f"{folder}/socket"],
            env=os.environ | {"NOTIFY_SOCKET": f"{folder}/notify"},
            stderr=subprocess.DEVNULL,
        )
        try:
            while b"READY=1" not in manager.recv(4096).split(b"\n"):
                pass
            return (time.monotonic() - began) * 1000
        finally:
            daemon.terminate()
            daemon.wait()


print(round(min(milliseconds(sys.argv[1]) for _ in range(int(sys.argv[2]))), 1))
