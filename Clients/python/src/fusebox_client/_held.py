"""A call under a permit: what is told of it while it runs, and how it is settled."""

from __future__ import annotations

from . import _log
from ._call_end import CallEnd
from ._errors import FuseboxError
from ._provider_answers import ProviderAnswer
from ._uncopied import Uncopied
from ._usage import Report, Usage, found_in
from .protocol.admission import MarkScope
from .protocol.types import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._call_end import OutcomeName, ScopeName
    from ._calls import Cost, Permit, Settling
    from ._settings import Settings


NOT_ENTERED = "the permit is not entered: use `with client.permit(...) as permit:`"


class HeldCall(Uncopied):
    """What `with client.permit(...) as permit:` gives. It tells where the call may go, and takes what it used."""

    def __init__(self, settings: Settings, mark_scope: MarkScope | None = None) -> None:
        self._settings = settings
        self._mark_scope = mark_scope
        self._permit: Permit | None = None
        self._told: CallEnd | None = None
        self._ended: CallEnd | None = None
        self._limited: float | None = None
        self._used: Usage | None = None
        self._current: Usage | None = None
        self._call: str | None = None
        self.outcome: Outcome | None = None
        """How the call was settled; None before that."""
        self.settling: Settling | None = None
        """The result of the settle; None before that, or if it failed."""

    def __repr__(self) -> str:
        if self._permit is None:
            return f"<{type(self).__name__}, not entered>"
        end = "under way" if self.outcome is None else self.outcome.name.lower()
        return f"<{type(self).__name__} {self.route!r}, {end}>"

    def _begin(self) -> None:
        if self._permit is not None:
            raise RuntimeError("a permit is for one call; ask for another")

    def _check_entered(self) -> None:
        """Raises RuntimeError if the call can only be told of within its block, and that was not entered."""

    @property
    def is_entered(self) -> bool:
        """Whether the call was admitted."""
        return self._permit is not None

    @property
    def is_of_this_process(self) -> bool:
        """Whether this process settles the permit. In the child of a fork the permit belongs to the parent."""
        raise NotImplementedError

    # Where the call may go

    @property
    def permit(self) -> Permit:
        """The daemon's decision."""
        if self._permit is None:
            raise RuntimeError(NOT_ENTERED)
        return self._permit

    @property
    def provider(self) -> str:
        """The provider to call."""
        return self.permit.provider

    @property
    def deployment(self) -> str | None:
        """The deployment to call; None if the candidate named none."""
        return self.permit.deployment

    @property
    def model(self) -> str | None:
        """The model to ask for; None if the candidate named none."""
        return self.permit.model

    @property
    def route(self) -> str:
        """`provider[@deployment][/model]`."""
        return self.permit.route

    @property
    def is_assumed(self) -> bool:
        """Whether the daemon did not answer and the client fails open. Nothing is held then."""
        return self.permit.is_assumed

    # What is told of it

    def usage(
        self,
        document: Any = None,
        *,
        cost: Cost | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cached_input_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> bool:
        """Tells what the call used: as the provider told it, or in numbers. Returns whether usage was found.

        A document is a usage object, an answer, or an event of a stream, as a dict or an SDK's object, or a list of
        events. Of one call the last numbers count, so every event of a stream may be told; most have no usage. A
        document with another `id` is about another call and is added, and so are numbers.

        After the end of the call it counts no more. Raises InvalidArgument if a number is out of range or no number.
        Then nothing of it counts.
        """
        self._check_entered()
        if self._ended is not None:
            _log.warn("the call by %s has ended; usage that is told now does not count", self.route)
            return False
        numbers = Usage(
            cost=cost,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=cached_input_tokens,
            cache_write_tokens=cache_write_tokens,
            reasoning_tokens=reasoning_tokens,
        )
        is_found = not numbers.is_empty
        if isinstance(document, Usage):
            document.sent()  # Its attributes may have been set to anything.
            self._add(document)
            is_found = is_found or not document.is_empty
        elif document is not None:
            for report in found_in(document):
                self._update(report)
                is_found = is_found or not report.is_empty
        if not numbers.is_empty:
            self._add(numbers)
        return is_found

    def _update(self, report: Report) -> None:
        if self._current is None or (report.call is not None and self._call is not None and report.call != self._call):
            self._close_current()
            self._current = Usage()
        self._call = report.call or self._call
        self._current.take(report)

    def _close_current(self) -> None:
        if self._current is not None:
            self._add(self._current)
        self._current, self._call = None, None

    def _add(self, used: Usage) -> None:
        self._used = used if self._used is None else self._used + used

    def tell(self, outcome: OutcomeName, retry_after: float | None = None, mark_scope: ScopeName | None = None) -> None:
        """Tells how the call went, where its exception or its end without one does not.

        `CallEnd` explains the arguments. With `success` and a `retry_after` a rate limit of the provider has nothing
        left.
        """
        self._told = CallEnd(outcome, retry_after, mark_scope)

    def answer(self, status: int, headers: Mapping[str, Any] | None = None, body: Any = None) -> ProviderAnswer:
        """Tells how the call went by the answer of its provider: status, headers, and the parsed body of an error.

        For calls that are made without a library whose exceptions are understood. Gives what the answer means.
        """
        answer = ProviderAnswer(status, headers, body)
        self._told = CallEnd(answer.outcome, answer.retry_after, answer.mark_scope)
        return answer

    def first_token(self, ago: float = 0.0) -> None:
        """Tells that the first token of the answer has arrived, `ago` seconds before now. Only the first time counts.

        Transports and streams of this package and LiteLLM's callback tell it by themselves.
        """
        self.permit.first_token(ago)

    def _tell_limit(self, retry_after: float | None) -> None:
        """Tells for how many seconds a rate limit of the provider has nothing left. It counts if the call succeeds."""
        self._limited = retry_after

    @property
    def is_told(self) -> bool:
        """Whether it was told how the call went."""
        return self._told is not None

    def fail(self, error: BaseException) -> None:
        """Tells that this error has ended the call, though it does not leave the block."""
        self._told = self._end_of(error)

    # The end

    def ending(self, error: BaseException | None) -> tuple[CallEnd, Usage | None]:
        """How the call is settled if it ends with this error, or with none."""
        self._close_current()
        if self._told is not None:
            end = self._told
        elif error is None:
            end = CallEnd(Outcome.SUCCESS, self._limited)
        else:
            end = self._end_of(error)
        used = self._used
        if used is not None and end.outcome == Outcome.CANCELLED:
            # A call that was never sent has used nothing, so one with usage cannot be cancelled.
            end = CallEnd(Outcome.ABANDONED)
        self._ended = end if self._mark_scope is None else end.marking(self._mark_scope)
        return self._ended, used

    @property
    def has_failed_for_one_model(self) -> bool:
        """Whether its end says nothing of the other models of its key."""
        return self._ended is not None and self._ended.is_of_one_model

    def _end_of(self, error: BaseException) -> CallEnd:
        try:
            return self._settings.outcome_of(error)
        except Exception as mistake:
            # The caller gets the error of the call, and its permit is settled.
            _log.warn("outcome_of cannot tell what %r means: %r", error, mistake)
            return CallEnd(Outcome.FAILURE)


def abandon(held: HeldCall) -> None:
    """Nobody reads the rest, unless it was told already how the call went."""
    if not held.is_told:
        held.tell(Outcome.ABANDONED)


def log_unsettled(permit: Permit, error: FuseboxError) -> None:
    """Says that a call could not be counted. It must not change what the caller gets."""
    _log.warn("the call by %s could not be counted: %s", permit.route, error)
