"""The client for asyncio."""

from __future__ import annotations

from . import _calls
from ._aio_admission import AsyncAdmission
from ._aio_permits import AsyncHeldPermit
from ._call_end import checked_scope
from ._calls import LONGEST_CALL
from ._errors import AdmissionDenied
from ._failover import Failover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import TypeVar

    from typing_extensions import Unpack

    from ._aio_streams import AsyncStream, Source
    from ._call_end import ScopeName
    from ._calls import Cost, Route, Wait
    from ._guards import Guard
    from ._options import PermitOptions

    T = TypeVar("T")


class AsyncClient(AsyncAdmission):
    """A worker's connection to the daemon, for asyncio. `Client` explains the arguments.

    One client serves all tasks of an event loop, on one connection. It connects at its first call, and again after the
    connection was lost. If a task is cancelled while it waits for its turn, the wait is withdrawn; a permit that is
    granted all the same is given back. If it is cancelled while it settles, the settle counts.

    After its loop was closed, a client goes on in the next one.
    """

    def permit(
        self,
        candidates: Route | Iterable[Route],
        *,
        tags: Iterable[str] = (),
        cost: Cost | None = None,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        wait: Wait = 0.0,
        priority: int = _calls.PRIORITY,
        ttl: float = _calls.DEFAULT_TTL,
        longest: float = LONGEST_CALL,
        mark_scope: ScopeName | None = None,
    ) -> AsyncHeldPermit:
        """A call under a permit, for `async with`; see `Client.permit`.

        If the task is cancelled while it waits for its turn, the wait is withdrawn. If it is cancelled inside the
        block, the call counts as `abandoned`.
        """
        told = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        asked = (_calls.routes(candidates), _calls.checked_tags(tags), told, ttl, _calls.Turn(wait, priority))
        return AsyncHeldPermit(self, asked, _calls.number("longest", longest), checked_scope(mark_scope))

    async def run_with_failover(
        self,
        candidates: Route | Iterable[Route],
        call: Callable[[AsyncHeldPermit], Awaitable[T]],
        *,
        attempts: int | None = None,
        **options: Unpack[PermitOptions],
    ) -> T:
        """Makes a call under a permit, and tries the next candidate if the provider failed.

        `Client.run_with_failover` explains it.
        """
        walk = Failover(candidates, attempts, options)
        while True:
            held = self.permit(walk.left, **walk.options())
            try:
                async with held as permit:
                    return await call(permit)
            except AdmissionDenied as denied:
                raise walk.end(held, denied) from None
            except Exception as error:
                if not walk.goes_on(held, error):
                    raise

    def guarded(self, candidates: Route | Iterable[Route], **options: Unpack[PermitOptions]) -> Guard[AsyncHeldPermit]:
        """A coroutine function, or one that returns an asynchronous iterator, that makes its call under a permit.

        `Client.guarded` explains it. A plain function that returns an awaitable, an asynchronous iterator or a context
        manager that gives one makes its call when that is awaited, iterated over or entered.
        """
        from ._aio_streams import guarded

        return guarded(lambda: self.permit(candidates, **options))

    async def stream(
        self,
        candidates: Route | Iterable[Route],
        start: Callable[[AsyncHeldPermit], Awaitable[Source[T]] | Source[T]],
        **options: Unpack[PermitOptions],
    ) -> AsyncStream[T]:
        """Iterates over a provider's stream under a permit. `start` makes the call and returns the stream.

        It may be a coroutine function. `Client.stream` explains it.
        """
        from ._aio_streams import stream

        return await stream(self.permit(candidates, **options), start)
