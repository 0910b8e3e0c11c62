"""The requests of an asynchronous client, and the one connection that they share.

Everything happens on the event loop. Requests of one turn of the loop are sent together.
"""

from __future__ import annotations

import asyncio
import socket
from time import monotonic

from . import _calls, _fork, _frames
from ._call_end import milliseconds
from ._connection import NotConnected, absence, chance, hello_request, random_worker, read_hello, sentence
from ._errors import FuseboxError
from ._machine import Machine
from ._renewals import Renewal
from ._requests import OPEN, Pending
from ._state import CLOSED, CONNECTED, DISCONNECTED
from .protocol.admission import AdmissionRenewReply, AdmissionRenewRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ._settings import Settings
    from .protocol.connection import HelloReply

_LATE = 0.05
"""A timer that is later than this tells of a blocked loop and not of a slow daemon."""


class _Link(asyncio.Protocol):
    """One connection, as the event loop tells of it."""

    def __init__(self, exchange: AioExchange) -> None:
        self._exchange = exchange
        self._frames: _frames.FrameReader | None = _frames.FrameReader()
        self.hello: asyncio.Future[HelloReply] = exchange.loop.create_future()
        self.transport: asyncio.Transport | None = None
        self.early = b""
        """What came after hello, before the task that connects went on."""
        self.end: str | None = None
        """Why the connection has ended."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            self._exchange.received(self, data)
            return
        try:
            for frame in self._frames.take(data):
                self._frames = None
                received, _, end = frame[4]
                self.early += received[end:]
                if not self.hello.done():
                    self.hello.set_result(read_hello(frame))
                return
        except (NotConnected, _frames.Garbled, FuseboxError) as error:
            if not self.hello.done():
                self.hello.set_exception(NotConnected(str(error)))

    def connection_lost(self, error: Exception | None) -> None:
        reason = sentence(error) if error else "the daemon closed the connection"
        self.end = reason
        if not self.hello.done():
            self.hello.set_exception(NotConnected(reason))
        self._exchange.lost(self, reason)


class AioExchange:
    """One process's requests to one daemon, on one event loop."""

    def __init__(self, settings: Settings, on_connected: Callable[[], None]) -> None:
        self.settings = settings
        self.generation = _fork.generation()
        self.loop = asyncio.get_running_loop()
        self.machine = Machine(settings.policy(), random_worker())
        self.machine.fresh_worker = random_worker
        self.machine.hang_up = self._hang_up
        self._on_connected = on_connected
        self._link: _Link | None = None
        self._socket: socket.socket | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._poke = asyncio.Event()
        self._is_flushing = False
        self._held: dict[int, Renewal] = {}
        self._timer: asyncio.TimerHandle | None = None

    def adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Goes on in another event loop, after the one before has been closed."""
        self.machine.lost("the event loop was closed", monotonic())
        if self.machine.phase not in (CLOSED, DISCONNECTED):
            self.machine.connect_failed("the event loop was closed", False, False, 0.0, monotonic())
            self.machine.retry_at = 0.0
        self.loop = loop
        self._connecting, self._timer, self._is_flushing = None, None, False
        self._poke = asyncio.Event()

    @property
    def hello(self) -> HelloReply | None:
        return self.machine.hello if self.machine.phase == CONNECTED else None

    @property
    def epoch(self) -> int | None:
        acquaintance = self.machine.acquaintance
        return acquaintance.epoch if acquaintance else None

    # One request

    async def perform(self, request: Pending, timeout: float) -> None:
        """Submits a request and waits until its outcome is known.

        If the task is cancelled meanwhile, a report is kept, a permit that is granted later is given back, and whatever
        else was sent counts at most once.
        """
        done = self.loop.create_future()
        request.wake = lambda: None if done.done() else done.set_result(None)
        self.post(request)
        if request.interest != OPEN:
            return
        timer = self.loop.call_later(timeout, self._expire, request, monotonic() + timeout)
        try:
            await done
        except asyncio.CancelledError:
            request.wake = None
            self.machine.abandon(request)
            self._flush_soon()
            raise
        finally:
            timer.cancel()

    def post(self, request: Pending) -> None:
        """Submits a request, and waits for nothing."""
        self.machine.submit(request, monotonic())
        self._flush_soon()

    def _expire(self, request: Pending, deadline: float, was_late: bool = False) -> None:
        is_late = not was_late and monotonic() - deadline > _LATE
        if request.interest == OPEN and is_late and self.machine.phase == CONNECTED:
            # The loop was blocked. What the daemon has sent meanwhile is read first.
            self.loop.call_later(0.001, self._expire, request, deadline, True)
            return
        self.machine.expire(request, monotonic())
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self.machine.output and not self._is_flushing:
            self._is_flushing = True
            self.loop.call_soon(self._flush)
        if self._wants_connection:
            self._poke.set()
            if self._connecting is None:
                self._connecting = self.loop.create_task(self._connect())

    def _flush(self) -> None:
        self._is_flushing = False
        output = self.machine.output
        transport = self._link.transport if self._link is not None else None
        if not output or transport is None or transport.is_closing():
            return
        is_sent_at_once = transport.get_write_buffer_size() == 0
        transport.write(bytes(output))
        if not (is_sent_at_once and transport.is_closing()):
            self.machine.flushed(len(output))
        # Otherwise the kernel took nothing, because the daemon has gone. What was not sent has changed nothing.

    # The connection

    @property
    def _wants_connection(self) -> bool:
        return self.machine.wants_connection or (self.machine.phase == DISCONNECTED and bool(self._held))

    async def _connect(self) -> None:
        """Connects, and tries again as long as something waits for it."""
        machine = self.machine
        try:
            while self._wants_connection:
                wait = machine.retry_at - monotonic()
                if wait > 0:
                    self._poke.clear()
                    try:
                        await asyncio.wait_for(self._poke.wait(), wait)
                    except asyncio.TimeoutError:
                        pass
                    continue
                machine.begin_connecting()
                try:
                    link = await self._open()
                except NotConnected as failure:
                    machine.connect_failed(str(failure), failure.is_vacant, bool(self._held), chance(), monotonic())
                    continue
                except asyncio.CancelledError:
                    machine.connect_failed("the attempt was cancelled", False, False, 0.0, monotonic())
                    raise
                if machine.phase == CLOSED:
                    self._abort(link)
                    return
                self._link = link
                machine.connected(link.hello.result(), monotonic())
                self._on_connected()
                self._flush_soon()
                if link.early:
                    self.received(link, link.early)
                if link.end is not None:
                    self.lost(link, link.end)
        finally:
            self._connecting = None

    async def _open(self) -> _Link:
        settings, machine = self.settings, self.machine
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link = _Link(self)
        _fork.enter(one)
        try:
            one.setblocking(False)
            one.connect(settings.path)
            await self.loop.create_unix_connection(lambda: link, sock=one)
            assert link.transport is not None
            link.transport.write(hello_request(machine.worker, machine.window.next - 1, settings.name))
            await asyncio.wait_for(asyncio.shield(link.hello), settings.connect_timeout)
        except BaseException as error:
            _fork.leave(one)
            link.hello.cancel()
            self._abort(link)
            one.close()
            if isinstance(error, asyncio.TimeoutError):
                raise NotConnected("something listens there but did not answer in time") from None
            if isinstance(error, OSError):
                is_vacant = isinstance(error, (ConnectionRefusedError, FileNotFoundError))
                raise NotConnected(absence(error, settings.path), is_vacant) from None
            raise
        self._socket = one
        return link

    def _abort(self, link: _Link) -> None:
        if link.transport is not None and not self.loop.is_closed():
            link.transport.abort()

    def _hang_up(self) -> None:
        """Ends the present connection."""
        link, self._link = self._link, None
        one, self._socket = self._socket, None
        if one is not None:
            _fork.leave(one)
        if link is not None:
            self._abort(link)
            if self.loop.is_closed() and one is not None:
                one.close()

    def received(self, link: _Link, data: bytes) -> None:
        if link is self._link:
            self.machine.received(data, monotonic())
            self._flush_soon()
        else:
            link.early += data

    def lost(self, link: _Link, reason: str) -> None:
        if link is self._link:
            self.machine.lost(reason, monotonic())
            self._flush_soon()

    # Permits that are held

    def hold(self, permit: int, ttl: float, is_renewed: bool = True, longest: float = 3600.0) -> None:
        """Holds a permit until `release`, or for its time to live if it is not renewed."""
        renewal = Renewal(ttl, is_renewed, longest)
        self._held[permit] = renewal
        self._wake_at(renewal.due)

    def release(self, permit: int) -> None:
        self._held.pop(permit, None)

    def _wake_at(self, due: float) -> None:
        delay = max(due - monotonic(), 0.0)
        when = self.loop.time() + delay
        if self._timer is None or when < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_later(delay, self._renew_due)

    def _renew_due(self) -> None:
        self._timer = None
        now = monotonic()
        for permit, renewal in list(self._held.items()):
            if now >= renewal.end or (renewal.due <= now and not renewal.is_renewed):
                del self._held[permit]
            elif renewal.due <= now:
                renewal.postpone(now)
                self._renew(permit, renewal.ttl)
        if self._held:
            self._wake_at(min(renewal.due for renewal in self._held.values()))

    def _renew(self, permit: int, ttl: float) -> None:
        request = AdmissionRenewRequest(permit, milliseconds(ttl))
        pending = _calls.prepared(request, False, None)
        pending.wake = lambda: self._renewed(permit, pending)
        self.post(pending)
        self.loop.call_later(self.settings.timeout, self._expire, pending, monotonic() + self.settings.timeout)

    def _renewed(self, permit: int, pending: Pending) -> None:
        try:
            reply = pending.result(AdmissionRenewReply.decode)
        except FuseboxError as error:
            # A daemon that is away may be back in time. A daemon that does not know the permit will never renew it.
            if not error.means_away:
                self.release(permit)
            return
        if reply is not None and reply.standing != 0:
            self.release(permit)

    # The end

    def end(self, keeps_reports: bool) -> list[Pending]:
        """Ends all requests. Returns the reports without a reply."""
        self._held.clear()
        if not self.loop.is_closed():
            if self._timer is not None:
                self._timer.cancel()
            if self._connecting is not None:
                self._connecting.cancel()
        self._timer = None
        return self.machine.close(keeps_reports)
