"""The blocking client."""

from __future__ import annotations

import atexit
import weakref
from time import monotonic

from . import _calls, _fork
from ._delivery import Spooling
from ._errors import AdmissionDenied, ClientClosed, FuseboxError, TimedOut, Unavailable
from ._outcomes import call_end
from ._permits import HeldPermit
from ._process import Process
from ._settings import Settings
from ._state import SETTLES_KEPT
from ._usage import Usage
from .protocol.admission import AdmissionAdmitReply, AdmissionRenewRequest
from .protocol.connection import PingRequest
from .protocol.constants import PROVIDER_OUTCOMES
from .protocol.types import Candidate, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, ParamSpec, TypeVar

    from ._calls import Asked, Cost, DeliveryState, OutcomeName, Permit, Route, Settling, Wait
    from ._events import Events
    from ._outcomes import CallEnd
    from ._requests import Pending
    from ._settings import FailurePolicy
    from ._streams import Stream
    from ._wire import Record, Request
    from .protocol.connection import HelloReply

    T = TypeVar("T")
    ReplyT = TypeVar("ReplyT", bound=Record)
    P = ParamSpec("P")

FAREWELL = 1.0
"""The longest time that closing waits for replies, in seconds."""
LONGEST_CALL = 3600.0
"""Seconds that a permit is renewed at most. After that it ends by its time to live."""


class Client:
    """A worker's connection to the daemon, for threads.

    One client serves all threads of a process. It connects at its first call. After a lost connection the next call
    connects again; requests that change state and were not answered are sent again, and count once. A forked child's
    client is another worker, with a connection of its own.

    - `path`: the daemon's socket; None: `$FUSEBOX_SOCKET`, otherwise `/run/fusebox/fusebox.sock`
    - `timeout`: the seconds that a call may take, reconnecting and resending included
    - `connect_timeout`: the seconds that connecting and hello may take together
    - `failure_policy`: what calls do while no daemon answers. `fail_closed`: they raise `Unavailable`. `fail_open`:
      calls to providers go on, and what they used is kept and sent when the daemon is back, up to `queue_limit` reports
    - `keeps_reports`: whether a client that fails closed keeps its reports too. The settles of `permit` are always kept
    - `restart_patience`: the seconds that calls wait for a daemon that may be restarting
    - `spool`: the folder for reports that could not be delivered before the client was closed; True: the user's; False:
      none
    - `outcome_of`: the table of exceptions; see `call_end`
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        name: str = "fusebox-client-python",
        timeout: float = 1.0,
        connect_timeout: float = 1.0,
        failure_policy: FailurePolicy = "fail_closed",
        queue_limit: int = SETTLES_KEPT,
        keeps_reports: bool = False,
        restart_patience: float = 0.0,
        operator_timeout: float = 60.0,
        backoff: tuple[float, float] = (0.05, 5.0),
        spool: str | bool = True,
        outcome_of: Callable[[BaseException], CallEnd] = call_end,
    ) -> None:
        self.settings = Settings(
            path,
            name=name,
            timeout=timeout,
            connect_timeout=connect_timeout,
            failure_policy=failure_policy,
            queue_limit=queue_limit,
            keeps_reports=keeps_reports,
            restart_patience=restart_patience,
            operator_timeout=operator_timeout,
            backoff=backoff,
            spool=spool,
            outcome_of=outcome_of,
        )
        self._process = Process(self.settings)
        self._is_closed = False
        _clients.add(self)

    def _here(self) -> Process:
        """What the client has in this process."""
        if self._is_closed:
            raise ClientClosed()
        process = self._process
        if process.exchange.generation == _fork.generation():
            return process
        with _fork.lock:
            if self._process is process:
                self._process = Process(self.settings)
        return self._process

    def _is_of_this_process(self, process: Process) -> bool:
        return process.exchange.generation == _fork.generation()

    # The connection

    def connect(self) -> HelloReply:
        """Connects now. Raises Unavailable if no daemon answers."""
        process = self._here()
        process.exchange.expect_daemon()
        self.call(PingRequest())
        hello = process.exchange.hello
        if hello is None:
            raise Unavailable(self.settings.path, "the connection was lost")
        return hello

    @property
    def hello(self) -> HelloReply | None:
        """The daemon's reply to hello on the present connection; None while there is none."""
        return None if self._is_closed else self._here().exchange.hello

    @property
    def queued_reports(self) -> int:
        """Reports that wait for the daemon's return, and were not sent."""
        return 0 if self._is_closed else self._here().exchange.queued_reports

    @property
    def dropped_reports(self) -> int:
        """Kept reports that were dropped: pushed out of a full queue, refused, or of unknown outcome."""
        return self._process.exchange.dropped_reports if self._is_of_this_process(self._process) else 0

    @property
    def spooling(self) -> Spooling:
        """What `close` has left in the user's spool."""
        return self._process.spooling

    def close(self, timeout: float = FAREWELL) -> None:
        """Closes the client. Reports without a reply by then are left in the user's spool.

        The next client of this user delivers them. Clients that are open when the interpreter ends are closed too.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._is_of_this_process(self._process):
            self._process.close(min(timeout, FAREWELL))

    def __del__(self) -> None:
        # A client that nobody refers to leaves its reports too.
        if not getattr(self, "_is_closed", True):
            self.close(0.0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_for_spool(self, seconds: float) -> None:
        """Waits until what was in the spool at the connect is delivered, or cannot be."""
        self._here().delivery.wait(seconds)

    # Requests

    def call(self, request: Request[ReplyT]) -> ReplyT:
        """Carries a command of `fusebox_client.protocol` out and returns its reply.

        The failure policy does not apply: `Unavailable`, `TimedOut`, `OutcomeUnknown` and `Refused` are raised.
        """
        exchange = self._here().exchange
        pending = _calls.prepared(request, False, _profile(exchange.hello))
        exchange.perform(pending, self.settings.timeout_of(request.EFFECT, request.ACCESS))
        reply = pending.result(request.decode_reply)
        if reply is None:
            raise TimedOut()
        return reply

    def decide(self, request: Request[ReplyT]) -> ReplyT | None:
        """As `call`, for a decision; None if no daemon answers and the client fails open."""
        try:
            return self.call(request)
        except FuseboxError as error:
            if self.settings.fails_open and error.means_away:
                return None
            raise

    def send_report(self, request: Request[Any]) -> DeliveryState:
        """Carries a report out (`ledger.record`, `breaker.failure`, …), or keeps it as the failure policy says."""
        exchange = self._here().exchange
        pending = _calls.prepared(request, self.settings.keeps_reports and request.REPORT is not None, None)
        exchange.perform(pending, self.settings.timeout)
        try:
            return "queued" if pending.result(request.decode_reply) is None else "delivered"
        except FuseboxError as error:
            if self.settings.keeps_reports and error.means_away:
                return "unknown"
            raise

    def pages(self, request: Request[ReplyT]) -> Iterator[ReplyT]:
        """The pages of a list (`breaker.list`, `limit.list`, `overview`, …), from the request's cursor on."""
        while True:
            page = self.call(request)
            yield page
            cursor: int = page.next  # type: ignore[attr-defined]
            if cursor == 0:
                return
            request.cursor = cursor  # type: ignore[attr-defined]

    def events(self, *topics: str) -> Events:
        """Subscribes to the daemon's events from now on, on a connection of its own.

        `topics` are `breaker`, `exhaustion`, `ledger` and `admission`; all if none is named. Raises Unavailable.
        """
        from ._events import Events

        self._here()
        return Events(self.settings, topics)

    # Admission

    def admit(
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
    ) -> Permit:
        """Asks which candidate a call may go to now, and holds what it may use. The caller settles the permit.

        The call may wait for its turn; see `permit`. Raises AdmissionDenied if there is none. The permit is not
        renewed; `permit` does that.
        """
        process = self._here()
        told = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        asked = (_calls.routes(candidates), _calls.checked_tags(tags), told, ttl, _calls.Turn(wait, priority))
        pending = _calls.admit(*asked, monotonic())
        try:
            permit = self._admit(process, pending, asked)
            if permit.number is not None:
                process.renewals.add(permit.number, ttl, is_renewed=False)
            return permit
        except BaseException as error:
            self._give_up(process, pending, error)
            raise

    def _admit(self, process: Process, pending: Pending, asked: Asked) -> Permit:
        candidates, tags, _, _, turn = asked
        process.exchange.perform(pending, self.settings.timeout + turn.wait)
        try:
            reply = pending.result(AdmissionAdmitReply.decode)
        except FuseboxError as error:
            if self.settings.fails_open and error.means_away:
                return _calls.Permit(candidates[0], tags)
            raise
        if reply is None:
            raise TimedOut()
        return _calls.granted(reply, candidates, tags, process.exchange.epoch)

    def _give_up(self, process: Process, pending: Pending, error: BaseException) -> None:
        """If an interruption, as by Ctrl-C, has ended the wait for a permit, one that was granted is given back."""
        if isinstance(error, Exception):
            return
        process.exchange.give_back(pending)
        if pending.admission is not None:
            # The daemon's answer to the withdrawal comes before this reply.
            process.exchange.perform(_calls.prepared(PingRequest(), False, None), self.settings.timeout)

    def settle(
        self,
        permit: Permit,
        outcome: OutcomeName = Outcome.SUCCESS,
        *,
        usage: Usage | Any = None,
        retry_after: float | None = None,
    ) -> Settling:
        """Tells how the call of a permit went and what it used. Gives back what the permit holds.

        A second settle changes nothing. If the daemon keeps nothing of the permit any more, a report is sent instead.
        """
        process = self._here()
        used = usage if usage is None or isinstance(usage, Usage) else Usage.reported(usage)
        return self._settle(
            process, permit, _calls.outcome(outcome), used, retry_after, is_kept=self.settings.keeps_reports
        )

    def _settle(
        self,
        process: Process,
        permit: Permit,
        outcome: Outcome,
        used: Usage | None,
        retry_after: float | None,
        is_kept: bool,
    ) -> Settling:
        pending = _calls.settle(permit, outcome, used, retry_after, is_kept)
        if permit.number is not None:
            process.renewals.remove(permit.number)
        process.exchange.perform(pending, self.settings.timeout)
        return _calls.kept_or_settled(pending, is_kept)

    def report(
        self,
        candidate: Route,
        outcome: OutcomeName = Outcome.SUCCESS,
        *,
        tags: Iterable[str] = (),
        usage: Usage | Any = None,
        retry_after: float | None = None,
    ) -> Settling:
        """Tells how a call without a permit went, and what it used."""
        permit = _calls.Permit(_calls.route(candidate), _calls.checked_tags(tags))
        return self.settle(permit, outcome, usage=usage, retry_after=retry_after)

    def renew(self, permit: Permit, ttl: float = _calls.DEFAULT_TTL) -> bool:
        """Extends a permit whose call is still under way. Whether it is in force."""
        if permit.number is None:
            return True
        reply = self.call(AdmissionRenewRequest(permit.number, _calls.milliseconds(ttl)))
        self._here().renewals.extend(permit.number, ttl)
        return reply.standing == 0

    def preview(
        self,
        candidates: Route | Iterable[Route],
        *,
        tags: Iterable[str] = (),
        cost: Cost | None = None,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
    ) -> Candidate:
        """The candidate that `admit` would choose now. Holds nothing. Raises AdmissionDenied, with every limit."""
        told = _calls.routes(candidates)
        held = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        reply = self.call(_calls.preview(told, _calls.checked_tags(tags), held))
        place, _ = _calls.decided(reply.decision, told)
        return told[place]

    def ranked(
        self,
        candidates: Route | Iterable[Route],
        by: _calls.Ranking,
        *,
        tags: Iterable[str] = (),
        cost: Cost | None = None,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
    ) -> list[Candidate]:
        """The candidates, best first, for a call under a permit.

        `by` is `price` (the cost that the call would hold), `latency` or `first_token` (what half of the successful
        calls of the last minutes did not exceed), or `share` (of the traffic that the breaker lets through). Candidates
        of which nothing is known come after the others, and those that would not be admitted last. Holds nothing.
        """
        told = _calls.routes(candidates)
        held = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        reply = self.call(_calls.preview(told, _calls.checked_tags(tags), held))
        return _calls.ranked(reply, told, by)

    # Calls under a permit

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
    ) -> HeldPermit:
        """A call under a permit, for `with`:

            with client.permit(["openai/gpt-4o", "anthropic"], tags=["team:search"], cost=0.01) as permit:
                answer = ask(permit.provider, permit.model)
                permit.usage(answer.usage)

        The permit is settled when the block ends: `success`, or what the exception means (`outcome_of`). It is renewed
        meanwhile, for `longest` seconds at most. A settle that fails does not change what the block's caller gets: it
        is kept while the daemon is away, and logged if the daemon refuses it.

        With `wait` (seconds, or a timedelta, up to a day) a call that other calls' ends or time can let through waits
        for its turn, on top of the client's `timeout`. Entering blocks that long at most. `priority` is 0, the most
        urgent, to 7; a call becomes one step more urgent for each 10 s of waiting. A wait outlives a restart of the
        daemon. An interruption (Ctrl-C) withdraws it.

        Entering raises AdmissionDenied if no candidate may be called now, or none could until the wait was over.
        """
        told = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        asked = (_calls.routes(candidates), _calls.checked_tags(tags), told, ttl, _calls.Turn(wait, priority))
        return HeldPermit(self, asked, longest)

    def run_with_failover(
        self,
        candidates: Route | Iterable[Route],
        call: Callable[[HeldPermit], T],
        *,
        attempts: int | None = None,
        **options: Any,
    ) -> T:
        """Makes a call under a permit, and tries the next candidate if the provider failed.

        `call` gets the permit, and returns what the caller gets. An error that is the provider's fault (`failure`,
        `throttled`, `quota_exhausted`, `unauthorized`) leads to the next candidate of another provider or deployment,
        with a permit of its own; after `quota_exhausted` one of another model will do. `options` are those of `permit`;
        all candidates together wait for `wait`. Once a call has failed, its error is raised, and not why there is no
        other candidate.
        """
        until = monotonic() + _calls.Turn(options.pop("wait", 0.0)).wait
        left = list(_calls.routes(candidates))
        chances = len(left) if attempts is None else max(attempts, 1)
        failure: Exception | None = None
        while True:
            held = self.permit(left, wait=max(0.0, until - monotonic()), **options)
            try:
                with held as permit:
                    return call(permit)
            except AdmissionDenied:
                raise failure or _current() from None
            except Exception as error:
                chances -= 1
                if held.outcome not in PROVIDER_OUTCOMES or not held.is_of_this_process:
                    raise
                left = _calls.left_after(left, held.permit, held.outcome)
                if not left or not chances:
                    raise
                failure = error

    def guarded(
        self, candidates: Route | Iterable[Route], **options: Any
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A function that makes its call under a permit. `options` are those of `permit`.

            @client.guarded("openai/gpt-4o", cost=0.01)
            def ask(question): ...

        What it returns tells the usage, if usage is found in it. A function that returns an iterator is settled when
        the iterator ends; see `stream`. A function with a parameter `permit` gets the permit.
        """
        from ._streams import guarded

        return guarded(lambda: self.permit(candidates, **options))

    def stream(
        self, candidates: Route | Iterable[Route], start: Callable[[HeldPermit], Iterable[T]], **options: Any
    ) -> Stream[T]:
        """Iterates over a provider's stream under a permit. `start` makes the call and returns the stream.

        The usage is taken from the events that tell one; the last numbers count. The permit is settled at the end of
        the stream, and as `abandoned` if the consumer stops early.
        """
        from ._streams import stream

        return stream(self.permit(candidates, **options), start)


def _profile(hello: HelloReply | None) -> int | None:
    return None if hello is None else int(hello.profile)


def _current() -> BaseException:
    import sys

    error = sys.exc_info()[1]
    assert error is not None
    return error


_clients: weakref.WeakSet[Client] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Closes the clients that are still open, so that a short-lived worker leaves its reports."""
    for client in list(_clients):
        client.close()
