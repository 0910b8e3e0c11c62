"""Delivers the reports that other workers of this user left in the spool, each once.

A file is delivered as the worker that left it, with its numbers, in their order. A crash may come at any point, so each
step is synced before the next depends on it: the beginning before the first report is sent, a result before a later
request acknowledges its reply, the removal of the file before goodbye makes the daemon forget the worker.
"""

from __future__ import annotations

import os
from time import monotonic, time

from . import _frames
from ._connection import Connection, Lost, NotConnected
from ._errors import FuseboxError, Refused
from ._requests import Acquaintance, refusal
from ._spool import FILE_BYTES, PART, READ_BYTES, File, Folder, file_of, folders, is_own
from ._spool_records import (
    BEGINNING,
    DELIVERED,
    IN_DOUBT,
    REFUSED,
    RENUMBERED,
    RESULT,
    SUBSTITUTED,
    Contents,
    Damage,
    Report,
    Result,
    record,
)
from ._wire import REPLY
from .protocol.connection import GoodbyeRequest
from .protocol.constants import CLOSING_STATUSES, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ._settings import Settings

_AT_ONCE = 64
"""Reports that are sent before the first of their replies is waited for."""
_PATIENCE = 10.0
"""Seconds that the replies to one such batch may take."""
_FAILURES = 3
"""Files in a row that could not be delivered, after which the daemon is the cause and not the files."""
_ABANDONED = 10.0
"""Seconds without a change after which a file without its name is abandoned."""

_WAITING = frozenset((Status.BUSY, Status.LIMIT_REACHED, Status.STORAGE_FAILED, Status.TOO_MANY_CONNECTIONS))


class Round:
    """One round through the spool: every file that is for this daemon and that no other process works on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.delivered = 0
        self.undecided = 0
        self.failure: str | None = None
        self._failures = 0

    def run(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Delivers files, oldest first."""
        for path in folders(self._settings.spool):
            try:
                with Folder(path) as folder:
                    self._visit(folder, goes_on)
            except OSError:
                continue

    def _visit(self, folder: Folder, goes_on: Callable[[], bool]) -> None:
        for name in folder.names():
            if self._failures >= _FAILURES or not goes_on():
                return
            try:
                if is_own(name):
                    self._take(name, folder, goes_on)
                elif is_own(name, PART):
                    _sweep(name, folder)
            except PermissionError as error:
                # It is left alone. That says nothing of the daemon.
                self.failure = f"{name}: {error}"
            except OSError as error:
                self._fail(f"{name}: {error}")

    def _take(self, name: str, folder: Folder, goes_on: Callable[[], bool]) -> None:
        file = File.open(name, folder)
        if file is None:
            return
        transfer: Transfer | None = None
        try:
            contents = _read(file)
            if contents is None or contents.header is None or contents.header.socket != self._settings.path:
                return
            if not contents.pending:
                if not contents.undecided:
                    file.remove(folder)  # A process died after it had noted that all is delivered.
                return
            try:
                transfer = Transfer(file, contents, self._settings)
            except NotConnected as error:
                return self._fail(str(error))
            failure = transfer.run(folder, goes_on)
            self._failures = 0
            if failure is not None:
                self.failure = failure
            transfer.finish(folder)
        except (Lost, FuseboxError) as error:
            self._fail(str(error))
        finally:
            if transfer is not None:
                self.delivered += transfer.delivered
                self.undecided += transfer.undecided
                transfer.close()
            else:
                file.close()
        return None

    def _fail(self, reason: str) -> None:
        self._failures += 1
        self.failure = reason


def _read(file: File) -> Contents | None:
    """What the file holds; None if it is damaged or too long. Such files are left for a person."""
    if file.length > READ_BYTES:
        return None
    try:
        return Contents(file.read())
    except Damage:
        return None


def _sweep(name: str, folder: Folder) -> None:
    """A file that its writer did not name before it died: a complete one gets its name, any other is removed.

    So is one that was to replace a file that is still there, which holds the reports.
    """
    # The writer of a young file is about to lock it.
    if not _is_abandoned(folder.look(name)):
        return
    file = File.open(name, folder)
    if file is None:
        return
    with file:
        if not _is_abandoned(file.status) or file.length > READ_BYTES:
            return
        if folder.look(file_of(name)) is None and _read(file) is not None:
            file.adopt(folder)
        else:
            file.remove(folder)


def _is_abandoned(status: os.stat_result | None) -> bool:
    return status is not None and time() - status.st_mtime >= _ABANDONED


class Transfer:
    """The delivery of one file."""

    def __init__(self, file: File, contents: Contents, settings: Settings) -> None:
        """Connects as the worker that left the file. Raises NotConnected."""
        assert contents.header is not None
        self._connection = Connection(
            settings.path, contents.header.worker, contents.last_sequence, settings.name, settings.connect_timeout
        )
        self._file = file
        self._contents = contents
        self._hello = self._connection.hello
        self.delivered = 0
        self.undecided = 0

    def close(self) -> None:
        self._connection.hang_up()
        self._file.close()

    def run(self, folder: Folder, goes_on: Callable[[], bool]) -> str | None:
        """Sends the pending reports. Returns why some have to wait; None: none has.

        Raises Lost if the daemon has stopped answering, OSError if the file cannot be written. No report is lost then,
        and none counts twice.
        """
        if self._contents.length > FILE_BYTES:
            self._shorten(folder)
        self._begin()
        while pending := self._contents.pending:
            if not goes_on():
                return None
            kept = self._hello.kept_replies
            batch = pending[: min(_AT_ONCE, max(kept // 2, 1) if kept else _AT_ONCE)]
            failure = self._send(batch)
            if failure is not None:
                return failure
        return None

    def finish(self, folder: Folder) -> None:
        """Removes the file if all its reports are delivered. Says goodbye if no report will be sent again."""
        if self._contents.pending:
            return
        if not self._contents.undecided:
            self._file.remove(folder)
        self._connection.ask(GoodbyeRequest(), monotonic() + _PATIENCE)

    def _shorten(self, folder: Folder) -> None:
        """Writes the file anew, without what was delivered."""
        old = self._file
        data = self._contents.shortened()
        self._file = File.make(data, folder, replacing=old.name)
        old.close()
        self._contents = Contents(data)

    def _begin(self) -> None:
        contents = self._contents
        known = contents.acquaintance
        results = []
        if known is not None and not known.allows_resending(self._hello):
            what = "has forgotten the worker" if self._hello.epoch == known.epoch else "has another state than then"
            reason = f"the daemon {what}, so it is not known whether the report counted"
            in_doubt = [one for one in contents.pending if contents.has_begun or one.may_have_left]
            results = [Result(one.sequence, IN_DOUBT, reason) for one in in_doubt]
        beginning = Acquaintance.of(self._hello)
        self._append(b"".join((*(record(RESULT, one) for one in results), record(BEGINNING, beginning))))
        self._apply(results)
        contents.begin(beginning)

    def _send(self, batch: list[Report]) -> str | None:
        deadline = monotonic() + _PATIENCE
        results: list[Result] = []
        waits: str | None = None
        next_number = max(self._contents.last_sequence, self._hello.last_sequence) + 1
        self._connection.send_all(self._frames_of(batch), deadline)
        left = dict(enumerate(batch, start=1))
        lost: Lost | None = None
        try:
            for _, kind, status, correlation, answer in self._connection.frames(deadline):
                if kind != REPLY:
                    continue
                refused = refusal(status, answer) if status else None
                if refused is not None and (status in CLOSING_STATUSES or correlation not in left):
                    raise Lost(str(refused))
                report = left.pop(correlation, None)
                if report is None:
                    continue
                result = _verdict(report, refused, next_number)
                next_number = max(next_number, result.new_sequence + 1)
                results.append(result)
                if refused is not None and refused.status in _WAITING:
                    waits = refused.message
                if not left:
                    break
            else:
                raise Lost("something listens there but did not answer in time")
        except Lost as error:
            lost = error
        self._note(results)
        if lost is not None:
            raise lost
        return waits

    def _frames_of(self, batch: list[Report]) -> bytes:
        frames = []
        for number, report in enumerate(batch, start=1):
            command, payload = report.command, report.payload
            # A permit's number is valid in its own epoch only.
            if report.substitute is not None and report.permit_epoch != self._hello.epoch:
                report.become_substitute()
                command, payload = report.command, report.payload
            frames.append(_frames.request(command, number, payload, report.sequence, batch[0].sequence))
        return b"".join(frames)

    def _note(self, results: list[Result]) -> None:
        """Writes the results of a batch, unless the file can be removed."""
        is_all = len(results) == len(self._contents.pending) and all(one.kind == DELIVERED for one in results)
        if results and (not is_all or self._contents.undecided):
            self._append(b"".join(record(RESULT, one) for one in results))
        self._apply(results)

    def _append(self, data: bytes) -> None:
        self._file.append(data, self._contents.length)
        self._contents.length += len(data)

    def _apply(self, results: list[Result]) -> None:
        for result in results:
            self._contents.note(result)
            self.delivered += result.kind == DELIVERED
            self.undecided += result.kind in (REFUSED, IN_DOUBT)


def _verdict(report: Report, refused: Refused | None, next_number: int) -> Result:
    """What the daemon's answer means for a report."""
    if refused is None:
        return Result(report.sequence, DELIVERED)
    if refused.status == Status.NOT_FOUND and report.substitute is not None:
        return Result(report.sequence, SUBSTITUTED, new_sequence=next_number)
    if refused.status == Status.OUTCOME_UNKNOWN:
        return Result(report.sequence, IN_DOUBT, refused.message)
    if refused.status == Status.SEQUENCE_OUT_OF_ORDER or refused.status in _WAITING:
        # A refused number becomes invalid as soon as a higher one is carried out.
        return Result(report.sequence, RENUMBERED, new_sequence=next_number)
    return Result(report.sequence, REFUSED, refused.message)
