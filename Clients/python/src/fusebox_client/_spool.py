"""A user's spool: the folder in which workers leave the reports that they could not deliver before they ended."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

from . import _fork, _log
from ._connection import random_worker
from ._delivery import Spooling
from ._spool_records import Header, Report, file_bytes, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._machine import Machine
    from ._requests import Pending
    from ._settings import Settings

FOLDER_BYTES, FOLDER_FILES = 64 << 20, 8_192
FILE_BYTES, FILE_REPORTS = 16 << 20, 65_536
READ_BYTES = 96 << 20
SUFFIX, PART = ".spool", ".part"
_REPORT_RECORD = 2
_DIGITS = frozenset("0123456789")
_HEX = _DIGITS | frozenset("abcdef")


def folders(place: str | bool) -> list[str]:
    """The folders in which reports may be, best first: the chosen one, or those of the user; none for False."""
    if place is False:
        return []
    if isinstance(place, str):
        return [place]
    if chosen := os.environ.get("FUSEBOX_SPOOL"):
        return [chosen]
    found = []
    state, home = os.environ.get("XDG_STATE_HOME", ""), os.environ.get("HOME", "")
    if state.startswith("/"):
        found.append(f"{state}/fusebox/spool")
    elif home.startswith("/") and _is_own_folder(home):
        found.append(f"{home}/.local/state/fusebox/spool")
    return [*found, f"/var/tmp/fusebox-spool-{os.geteuid()}"]


def _is_own_folder(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def is_own(name: str, suffix: str = SUFFIX) -> bool:
    """Whether a name has the form that the spool gives: milliseconds, and random digits."""
    stem = name[: -len(suffix)] if name.endswith(suffix) else ""
    return len(stem) == 30 and set(stem[:13]) <= _DIGITS and stem[13] == "-" and set(stem[14:]) <= _HEX


def part_of(name: str) -> str:
    """The name of a file before it gets its own, and while it is rewritten."""
    return name[: -len(SUFFIX)] + PART


def file_of(part: str) -> str:
    """The name that such a file gets."""
    return part[: -len(PART)] + SUFFIX


class Folder:
    """An open folder of the spool. It belongs to the user, and no other user has access."""

    def __init__(self, path: str) -> None:
        """Opens a folder. Raises OSError if there is none, or others have access to it."""
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        status = os.fstat(self.descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            os.close(self.descriptor)
            raise PermissionError(errno.EPERM, "others have access to the folder of the spool", path)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    @classmethod
    def make(cls, path: str) -> Folder:
        """Opens a folder; makes it and those above it if they are missing, but nothing in another user's folder."""
        try:
            return cls(path)
        except FileNotFoundError:
            _make_folders(path)
        return cls(path)

    def names(self) -> list[str]:
        return sorted(os.listdir(self.descriptor))

    def sync(self) -> None:
        os.fsync(self.descriptor)

    def look(self, name: str) -> os.stat_result | None:
        """What is known of a file; None if there is none. Other processes may write and deliver files meanwhile."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def check_room(self, length: int) -> None:
        """Raises OSError if another file of this length would exceed a bound."""
        if length > FILE_BYTES:
            raise OSError(errno.EFBIG, "the reports are longer than a file of the spool")
        count, total = 0, length
        for name in self.names():
            if is_own(name) or is_own(name, PART):
                status = self.look(name)
                if status is not None:
                    total += status.st_size
                    count += 1
        if count >= FOLDER_FILES or total > FOLDER_BYTES:
            raise OSError(errno.EDQUOT, "the spool is full")


def _make_folders(path: str) -> None:
    parent = os.path.dirname(path.rstrip("/")) or "."
    try:
        status = os.stat(parent)
    except FileNotFoundError:
        _make_folders(parent)
    else:
        # The environment may name another user's home. /var/tmp is open to all users.
        is_everybodys = status.st_mode & stat.S_ISVTX and status.st_mode & 0o002
        if status.st_uid != os.geteuid() and not is_everybodys:
            raise PermissionError(errno.EPERM, "the folder is another user's", parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    _sync_folder(parent)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def has_files(place: str | bool) -> bool:
    """Whether reports wait in the spool. Usually there is not even a folder."""
    for path in folders(place):
        try:
            with Folder(path) as folder:
                if any(is_own(name) or is_own(name, PART) for name in folder.names()):
                    return True
        except OSError:
            continue
    return False


class _Copy:
    """The copy of a locked file's descriptor that a forked child has."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def close(self) -> None:
        os.close(self.descriptor)


class File:
    """An open file of the spool. This process holds its lock, so no other works on it."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor = descriptor
        self.name = name
        # A forked child closes its copy. Otherwise the lock could outlive this process.
        self._copy = _Copy(descriptor)
        _fork.enter(self._copy)

    def close(self) -> None:
        _fork.leave(self._copy)
        try:
            # A program that is being started holds a copy of the descriptor until its exec.
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        finally:
            os.close(self.descriptor)

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def open(cls, name: str, folder: Folder) -> File | None:
        """Opens a file and locks it; None if another process works on it, or has just removed it.

        Raises PermissionError if it is not a file of this user alone.
        """
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = cls(os.open(name, flags, dir_fd=folder.descriptor), name)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise PermissionError(errno.EPERM, "this is not a file", name) from None
            raise
        try:
            fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(file.descriptor)
            named = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
            # The file may have been removed or renamed between the open and the lock.
            if named.st_ino == status.st_ino and status.st_nlink:
                is_private = status.st_uid == os.geteuid() and not status.st_mode & 0o077
                if not (stat.S_ISREG(status.st_mode) and is_private and status.st_nlink == 1):
                    raise PermissionError(errno.EPERM, "the file is not only this user's", name)
                return file
        except (BlockingIOError, FileNotFoundError):
            pass
        except BaseException:
            file.close()
            raise
        file.close()
        return None

    @classmethod
    def make(cls, data: bytes, folder: Folder, replacing: str | None = None, rank: int = 0) -> File:
        """Makes a file with these bytes, or replaces one that this process has locked.

        They are synced before the file gets its name.
        """
        final = replacing or _new_name(rank) + SUFFIX
        part = part_of(final)
        if replacing is not None:
            _unlink(part, folder)  # Only who has the file's lock rewrites it. This is what a crash has left.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = cls(os.open(part, flags, 0o600, dir_fd=folder.descriptor), part)
        try:
            # Nobody else locks a file that is as young.
            fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.append(data, 0)
            os.rename(part, final, src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor)
            try:
                folder.sync()
            except OSError:
                # The caller is told that the reports are not kept, so this file must not be delivered.
                if replacing is None:
                    _unlink(final, folder)
                raise
        except BaseException:
            _unlink(part, folder)
            file.close()
            raise
        file.name = final
        return file

    @property
    def length(self) -> int:
        return os.fstat(self.descriptor).st_size

    @property
    def status(self) -> os.stat_result:
        return os.fstat(self.descriptor)

    def read(self) -> bytes:
        pieces, offset = [], 0
        while piece := os.pread(self.descriptor, 1 << 20, offset):
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)

    def append(self, data: bytes, offset: int) -> None:
        """Cuts the file off there and appends bytes. They are synced when this returns."""
        os.ftruncate(self.descriptor, offset)
        written = 0
        while written < len(data):
            written += os.pwrite(self.descriptor, data[written:], offset + written)
        os.fsync(self.descriptor)

    def adopt(self, folder: Folder) -> None:
        """Gives the file its name, because its writer died before it could."""
        os.fsync(self.descriptor)
        final = file_of(self.name)
        os.rename(self.name, final, src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor)
        folder.sync()

    def remove(self, folder: Folder) -> None:
        """Removes the file. The removal is synced when this returns.

        What is left of a rewriting goes first. As soon as the file is gone, it would be taken for a file that its
        writer could not name.
        """
        if self.name.endswith(SUFFIX) and folder.look(part_of(self.name)) is not None:
            _unlink(part_of(self.name), folder)
            folder.sync()
        os.unlink(self.name, dir_fd=folder.descriptor)
        folder.sync()


def _unlink(name: str, folder: Folder) -> None:
    try:
        os.unlink(name, dir_fd=folder.descriptor)
    except OSError:
        pass


def _new_name(rank: int) -> str:
    return f"{int(time.time() * 1000) + rank:013d}-{int.from_bytes(os.urandom(8), 'little'):016x}"


# What a client leaves


def leave(left: list[Pending], machine: Machine, settings: Settings) -> Spooling:
    """Writes reports to the first folder of the spool that can be used. They are on disk when this returns."""
    outcome = Spooling()
    reports = [
        Report(
            one.sequence,
            one.command,
            one.payload,
            one.may_have_left,
            one.permit_epoch if one.substitute is not None else None,
            one.substitute,
        )
        for one in left
    ]
    for rank, (header, part) in enumerate(_divided(reports, machine, settings)):
        try:
            path = _write(header, part, settings, rank)
        except OSError as error:
            outcome.failure = error.strerror or str(error)
            machine.dropped_reports += len(part)
            _log.warn("reports are lost (%d), because the spool cannot be used: %s", len(part), outcome.failure)
            continue
        outcome.reports += len(part)
        outcome.file = outcome.file or path
    if outcome.reports:
        _log.warn("the daemon is away; what it was not told (%d) is in %s", outcome.reports, outcome.file)
    return outcome


def _divided(reports: list[Report], machine: Machine, settings: Settings) -> list[tuple[Header, list[Report]]]:
    """The reports in files of a bounded size.

    Reports that may have been sent stay with this worker, in the first file. Each further file is delivered as a new
    worker.
    """
    groups = [[one for one in reports if one.may_have_left]]
    size = sum(len(record(_REPORT_RECORD, one)) for one in groups[0])
    for one in reports:
        if one.may_have_left:
            continue
        length = len(record(_REPORT_RECORD, one))
        if len(groups[-1]) >= FILE_REPORTS or size + length > FILE_BYTES - 4_096:
            groups.append([])
            size = 0
        groups[-1].append(one)
        size += length
    files = []
    for rank, group in enumerate(groups):
        header = Header(machine.worker, machine.window.next - 1, settings.path, settings.name[:64], os.getpid())
        if rank == 0:
            group.sort(key=lambda one: one.sequence)
            header.acquaintance = machine.acquaintance
        else:
            header.worker, header.last_sequence = random_worker(), len(group)
            for number, one in enumerate(group, start=1):
                one.sequence = number
        header.at = int(time.time() * 1000)
        files.append((header, group))
    return files


def _write(header: Header, reports: list[Report], settings: Settings, rank: int) -> str:
    data = file_bytes(header, reports)
    failure: OSError = FileNotFoundError(errno.ENOENT, "there is no spool")
    for path in folders(settings.spool):
        try:
            with Folder.make(path) as folder:
                folder.check_room(len(data))
                with File.make(data, folder, rank=rank) as file:
                    return f"{path}/{file.name}"
        except OSError as error:
            failure = error
    raise failure
