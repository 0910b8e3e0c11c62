"""The blocking client."""

from __future__ import annotations

from . import _calls
from ._admission import Admission
from ._call_end import checked_scope
from ._calls import LONGEST_CALL
from ._errors import AdmissionDenied
from ._failover import Failover
from ._permits import HeldPermit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from typing_extensions import Unpack

    from ._call_end import ScopeName
    from ._calls import Cost, Route, Wait
    from ._guards import Guard
    from ._options import PermitOptions
    from ._streams import Stream

    T = TypeVar("T")


class Client(Admission):
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
    ) -> HeldPermit:
        """A call under a permit, for `with`:

            with client.permit(["openai/gpt-4o", "anthropic"], tags=["team:search"], cost=0.01) as permit:
                answer = ask(permit.provider, permit.model)
                permit.usage(answer.usage)

        - `candidates`: routes, `provider[@deployment][/model]`, best first; the first that may be called is admitted
        - `tags`: names that the call is made for, such as a team or a user; at most 8
        - `cost` (dollars), `tokens`, `input_tokens`, `output_tokens`: what the call may use at most; None: not known
        - `wait`, `priority`: how long the call may wait for its turn, and how urgent it is
        - `ttl`: the seconds after which the permit of a worker that is stuck ends; it is renewed for `longest` at most
        - `mark_scope`: how much of the route is marked if the call ends so that it marks, and its end does not tell, as
          that of a 403 does: `provider`, `deployment`, `model` or `route`; see `CallEnd`

        The permit is settled when the block ends: `success`, or what the exception means (`outcome_of`). A settle
        that fails does not change what the block's caller gets: it is kept while the daemon is away, and logged if the
        daemon refuses it.

        With `wait` (seconds, or a timedelta, up to a day; None: 0) a call that other calls' ends or time can let
        through waits for its turn, on top of the client's `timeout`. Entering blocks that long at most. `priority` is
        0, the most urgent, to 7; a call becomes one step more urgent for each 10 s of waiting. A wait outlives a
        restart of the daemon. An interruption (Ctrl-C) withdraws it.

        Raises InvalidArgument for what is out of range or of another type. Entering raises AdmissionDenied if no
        candidate may be called now, or none could until the wait was over.
        """
        told = _calls.estimate(cost, tokens, input_tokens, output_tokens)
        asked = (_calls.routes(candidates), _calls.checked_tags(tags), told, ttl, _calls.Turn(wait, priority))
        return HeldPermit(self, asked, _calls.number("longest", longest), checked_scope(mark_scope))

    def run_with_failover(
        self,
        candidates: Route | Iterable[Route],
        call: Callable[[HeldPermit], T],
        *,
        attempts: int | None = None,
        **options: Unpack[PermitOptions],
    ) -> T:
        """Makes a call under a permit, and tries the next candidate if the provider failed.

        `call` gets the permit, and returns what the caller gets. An error that is the provider's fault (`failure`,
        `throttled`, `quota_exhausted`, `unauthorized`) leads to the next candidate of another provider or deployment,
        with a permit of its own; after `quota_exhausted` one of another model will do. At most `attempts` calls are
        made; None: one for each candidate. `options` are those of `permit`; all candidates together wait for `wait`.
        Once a call has failed, its error is raised, and not why there is no other candidate.
        """
        walk = Failover(candidates, attempts, options)
        while True:
            held = self.permit(walk.left, **walk.options())
            try:
                with held as permit:
                    return call(permit)
            except AdmissionDenied as denied:
                raise walk.end(held, denied) from None
            except Exception as error:
                if not walk.goes_on(held, error):
                    raise

    def guarded(self, candidates: Route | Iterable[Route], **options: Unpack[PermitOptions]) -> Guard[HeldPermit]:
        """A function that makes its call under a permit. `options` are those of `permit`.

            @client.guarded("openai/gpt-4o", cost=0.01)
            def ask(question): ...

            @client.guarded("openai/gpt-4o", cost=0.01)
            def ask_model(permit, question): ...  # It is called as `ask_model(question)`.

        What it returns tells the usage, if usage is found in it. A function that returns an iterator, or a context
        manager that gives one, is settled when the iterator ends; see `stream`. A function with a parameter `permit`
        gets the permit. Type checkers know that if it is the first one, after `self` in a method.
        """
        from ._streams import guarded

        return guarded(lambda: self.permit(candidates, **options))

    def stream(
        self,
        candidates: Route | Iterable[Route],
        start: Callable[[HeldPermit], Iterable[T] | AbstractContextManager[Iterable[T]]],
        **options: Unpack[PermitOptions],
    ) -> Stream[T]:
        """Iterates over a provider's stream under a permit. `start` makes the call and returns the stream.

            with client.stream("anthropic/claude-opus-4", lambda permit: sdk.messages.stream(…)) as events:
                for event in events: ...

        A context manager that gives the stream, as this one, is entered at once and left at the end. The usage is taken
        from the events that tell one; the last numbers count. The permit is settled at the end of the stream, and as
        `abandoned` if the consumer stops early. Raises InvalidArgument if `start` returns no stream.
        """
        from ._streams import stream

        return stream(self.permit(candidates, **options), start)
