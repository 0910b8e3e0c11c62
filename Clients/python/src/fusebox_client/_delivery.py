"""The spool of a client: what it delivers for others in the background, and what it has left itself.

The modules that read and write the spool are loaded when there is something in it.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._settings import Settings


class Spooling:
    """What has become of the reports that a client could not deliver before it was closed."""

    __slots__ = ("failure", "file", "reports")

    def __init__(self) -> None:
        self.reports = 0
        """The number of reports that were left."""
        self.file: str | None = None
        """The first file with these reports."""
        self.failure: str | None = None
        """Why reports could not be left; None: all were, or there were none."""


class Delivery:
    """Delivers the spool in the background while a client is connected."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_stopping = False

    def begin(self) -> None:
        """Begins a delivery if the spool has files. Called when a connection has been made."""
        from ._spool import has_files

        if not has_files(self._settings.spool):
            return
        with self._lock:
            if self._thread is not None or self._is_stopping:
                return
            self._thread = threading.Thread(target=self._run, name="fusebox-spool", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None  # No thread can be started now. The files stay for the next connection.

    def _run(self) -> None:
        from ._transfer import Round

        try:
            Round(self._settings).run(lambda: not self._is_stopping)
        finally:
            with self._lock:
                self._thread = None

    def end(self, seconds: float) -> None:
        """Waits for the delivery under way, and ends it then. The rest is left to the next client."""
        self.wait(seconds)
        self._is_stopping = True

    def wait(self, seconds: float) -> None:
        """Waits until what was in the spool is delivered, or cannot be."""
        thread = self._thread
        if thread is not None:
            thread.join(max(seconds, 0.0))
