"""A connection to the daemon, after hello."""

from __future__ import annotations

import os
import select
import struct
from time import monotonic

from . import _fork, _frames
from ._errors import ProtocolViolation
from ._requests import decoded, payload_of, refusal
from ._wire import REPLY
from .protocol.connection import HelloRequest
from .protocol.constants import HIGHEST_VERSION, LOWEST_VERSION, MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    from ._wire import Record, Request
    from .protocol.connection import HelloReply

    ReplyT = TypeVar("ReplyT", bound=Record)

DEFAULT_PATH = "/run/fusebox/fusebox.sock"
_CHUNK = 65_536
_KIND, _SOCKET = 0o170000, 0o140000
"""`stat.S_IFMT` and `stat.S_IFSOCK`"""
_BOTH_WAYS = 2
"""`socket.SHUT_RDWR`"""


class Lost(Exception):
    """The connection does not work any more, and why."""


class NotConnected(Exception):
    """No connection was made."""

    def __init__(self, reason: str, is_vacant: bool = False) -> None:
        self.is_vacant = is_vacant
        """Whether the kernel said at once that nobody listens."""
        super().__init__(reason)


def default_path() -> str:
    """The path in `$FUSEBOX_SOCKET`, otherwise `/run/fusebox/fusebox.sock`."""
    return os.environ.get("FUSEBOX_SOCKET") or DEFAULT_PATH


def random_worker() -> tuple[int, int]:
    """A new worker id."""
    high, low = struct.unpack("<QQ", os.urandom(16))
    return (high, low) if high or low else (0, 1)


def chance() -> float:
    """A random number from 0 to 1. The module `random` would cost a tenth of the package's loading time."""
    return int.from_bytes(os.urandom(4), "little") / 0x1_0000_0000


def hello_request(worker: tuple[int, int], last_sequence: int, name: str) -> bytes:
    """The frame of hello."""
    client = name.encode(errors="replace")[:64].decode(errors="ignore")
    hello = HelloRequest(MAGIC, LOWEST_VERSION, HIGHEST_VERSION, worker[0], worker[1], last_sequence, client)
    return _frames.request(HelloRequest.NUMBER, 1, payload_of(hello))


def read_hello(frame: _frames.Frame) -> HelloReply:
    """The reply to hello. Raises NotConnected if the daemon refuses."""
    _, kind, status, _, answer = frame
    if kind != REPLY:
        raise NotConnected("the peer does not speak this protocol: hello is not answered")
    if status:
        raise NotConnected(f"the daemon refused the connection: {refusal(status, answer).message}")
    hello = decoded(HelloRequest.decode_reply, answer)
    if not LOWEST_VERSION <= hello.version <= HIGHEST_VERSION:
        raise NotConnected(f"the daemon chose protocol version {hello.version}, which this client does not speak")
    return hello


class Connection:
    """A socket, and what was received on it. Several threads may send; one at a time receives."""

    def __init__(self, path: str, worker: tuple[int, int], last_sequence: int, name: str, timeout: float) -> None:
        """Connects and says hello. Raises NotConnected."""
        import socket  # A third of the package's loading time, which a program need not pay before it connects.

        self._receive_flags = socket.MSG_DONTWAIT
        self._send_flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
        deadline = monotonic() + max(timeout, 0.001)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        _fork.enter(self._socket)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._frames = _frames.FrameReader()
        self._users = 0
        self._is_ended = False
        self._is_broken = False
        self.early = b""
        """What came with the reply to hello."""
        try:
            # A listener whose queue is full makes connect wait. The kernel ends that by this timeout.
            whole = int(timeout)
            wait = struct.pack("@ll", whole, max(int((timeout - whole) * 1e6), 1))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
            self._socket.connect(path)
            self.hello = self._greet(hello_request(worker, last_sequence, name), deadline)
        except (OSError, Lost, _frames.Garbled, ProtocolViolation) as error:
            self._close()
            is_vacant = isinstance(error, (ConnectionRefusedError, FileNotFoundError))
            raise NotConnected(absence(error, path), is_vacant) from None
        except BaseException:
            self._close()
            raise

    def _greet(self, hello: bytes, deadline: float) -> HelloReply:
        self._socket.send(hello, self._send_flags)
        while True:
            for frame in self._frames.take(self.receive(deadline) or b""):
                received, _, end = frame[4]
                self.early = received[end:]
                return read_hello(frame)
            if monotonic() >= deadline:
                raise NotConnected("something listens there but did not answer in time")

    # One request after the other

    def ask(self, request: Request[ReplyT], deadline: float) -> ReplyT:
        """Sends one request and waits for its reply. Nothing else may be under way on this connection."""
        self.send_all(_frames.request(request.NUMBER, 1, payload_of(request)), deadline)
        for frame in self.frames(deadline):
            if frame[1] == REPLY:
                if frame[2]:
                    raise refusal(frame[2], frame[4])
                return decoded(request.decode_reply, frame[4])
        raise Lost("it did not answer in time")

    def frames(self, deadline: float) -> Iterator[_frames.Frame]:
        """The frames that arrive until then."""
        while (data := self.receive(deadline)) is not None:
            yield from self.frames_in(data)

    def frames_in(self, data: bytes) -> Iterator[_frames.Frame]:
        """The frames that are complete with these bytes. Raises Lost."""
        try:
            yield from self._frames.take(data)
        except _frames.Garbled as error:
            raise Lost(f"the peer does not speak this protocol: {error}") from None

    def send_all(self, data: bytes, deadline: float) -> None:
        """Sends all bytes. Raises Lost."""
        rest = bytearray(data)
        while rest:
            del rest[: self.send(rest)]
            if self._is_broken or (rest and not self.wait_writable(deadline)):
                raise Lost("the daemon took nothing in time")

    # Bytes

    def send(self, output: bytearray) -> int:
        """Sends as much as the socket takes without waiting. A failure shows when the end is received."""
        if self._is_broken or self._is_ended:
            return 0
        try:
            return self._socket.send(output, self._send_flags)
        except BlockingIOError:
            return 0
        except OSError:
            self._is_broken = True
            return 0

    @property
    def takes_output(self) -> bool:
        return not (self._is_broken or self._is_ended)

    def wait_writable(self, deadline: float) -> bool:
        """Waits until the socket takes more. Whether it does."""
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        return bool(poll.poll(_milliseconds(deadline)))

    def receive(self, deadline: float) -> bytes | None:
        """Waits for bytes; None if none came in time. Raises Lost at the end of the connection."""
        try:
            if not self._poll.poll(_milliseconds(deadline)):
                return None
            data = self._socket.recv(_CHUNK, self._receive_flags)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Lost(sentence(error)) from None
        if not data:
            raise Lost("the daemon closed the connection")
        return data

    # The end

    def begin_use(self) -> None:
        """A thread waits on the socket. It is closed when the last such thread has gone. The caller holds a lock."""
        self._users += 1

    def end_use(self) -> None:
        self._users -= 1
        if self._is_ended and not self._users:
            self._close()

    def hang_up(self) -> None:
        """Ends the connection, and wakes the thread that waits on it. The caller holds a lock."""
        if self._is_ended:
            return
        self._is_ended = True
        try:
            self._socket.shutdown(_BOTH_WAYS)
        except OSError:
            pass  # It has ended already.
        if not self._users:
            self._close()

    def _close(self) -> None:
        _fork.leave(self._socket)
        self._socket.close()


def _milliseconds(deadline: float) -> int:
    """Rounded up, so that a wait does not end too early and begin again."""
    return max(0, int((deadline - monotonic()) * 1000) + 1)


def absence(error: Exception, path: str) -> str:
    """Why nobody answers at a path."""
    if isinstance(error, FileNotFoundError):
        return "there is no socket"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens on the socket" if _is_socket(path) else "this is not a socket"
    return sentence(error)


def _is_socket(path: str) -> bool:
    try:
        return os.stat(path).st_mode & _KIND == _SOCKET
    except OSError:
        return True  # It has gone meanwhile.


def sentence(error: Exception) -> str:
    """Why there is no connection."""
    if isinstance(error, _frames.Garbled):
        return f"the peer does not speak this protocol: {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
