"""What the tests share: the built programs, and a daemon in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def tool(name: str) -> str:
    """The path of a built program: in `$FUSEBOX_PROGRAMS`, otherwise in the debug build, otherwise in the release."""
    folders = [os.environ.get("FUSEBOX_PROGRAMS"), REPOSITORY / ".build/debug", REPOSITORY / ".build/release"]
    for folder in folders:
        if folder and (Path(folder) / name).is_file():
            return str(Path(folder) / name)
    raise FileNotFoundError(f"{name} is not built; run `swift build`, or set FUSEBOX_PROGRAMS to the folder of a build")


PATIENCE = 60.0
"""Seconds that tests wait for other processes, and that their calls may take: a busy machine is slow."""


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits for something that another process does. Fails if it does not happen."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"what was waited for did not happen: {place(condition)}")
        time.sleep(0.005)


def place(condition: Callable[..., object]) -> str:
    """Where a test says what it waits for."""
    code = getattr(condition, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(condition)


class Daemon:
    """A daemon with a folder of its own, which can be killed and started again."""

    def __init__(self, *flags: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fusebox-py-", dir="/tmp")
        self.folder = self._folder.name
        self.socket = f"{self.folder}/s"
        self.spool = f"{self.folder}/spool"
        self.flags = flags
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                [tool("fuseboxd"), "--socket", self.socket, "--data", f"{self.folder}/data", *self.flags],
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the daemon has ended: {Path(self.folder, 'log').read_text()[-2000:]}")
        asked = subprocess.run([tool("fusebox"), "--socket", self.socket, "ping"], capture_output=True)
        return asked.returncode == 0

    def kill(self) -> None:
        """Kills the daemon with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stops the daemon in order."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def run(self, *arguments: str) -> str:
        """What the command-line tool prints."""
        ran = subprocess.run(
            [tool("fusebox"), *arguments, "--socket", self.socket], capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise AssertionError(f"fusebox {' '.join(arguments)}: {ran.returncode}: {ran.stderr}")
        return ran.stdout

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
