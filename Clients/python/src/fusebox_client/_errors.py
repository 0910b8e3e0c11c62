"""Why a call has no reply, and why a provider may not be called."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .protocol.constants import Status
    from .protocol.types import BreakerRule, Candidate, DenialReason, FullQueue, LimitObjection


class FuseboxError(Exception):
    """The base of all errors of this package.

    An error is made anew by its class and its `args`, which JSON can hold: celery hands errors on in that way.
    """

    means_away = False
    """Whether the daemon did not answer. The failure policy applies to these errors."""

    def __reduce__(self) -> tuple[Any, ...]:
        # A class that is derived from these may take other arguments than its `args`.
        return _restored, (type(self), self.args), self.__dict__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class Unavailable(FuseboxError, ConnectionError):
    """No daemon answers at this path. Nothing has changed."""

    means_away = True

    def __init__(self, path: str, reason: str) -> None:
        super().__init__()
        self.args = (path, reason)  # The base class would take two arguments for a number and a text.
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        advice = "is fuseboxd running, and is $FUSEBOX_SOCKET right?"
        if self.reason == "permission denied":
            advice = "members of the socket's group may connect, from their next login on"
        return f"no daemon answers at {self.path}: {self.reason}; {advice}"


class TimedOut(FuseboxError, TimeoutError):
    """The reply did not come in time. A request that changes state may have been carried out, at most once."""

    means_away = True

    def __str__(self) -> str:
        return "the daemon did not answer in time; ask `fusebox status` how it is doing, or allow more time"


class OutcomeUnknown(FuseboxError):
    """The request may have been carried out, and there is no way to find out.

    A lost connection alone does not cause this: the request is sent again and counts once. It is raised if the daemon
    has forgotten this worker, if its state was restored, or if another process uses this worker's id.
    """

    means_away = True

    def __str__(self) -> str:
        return (
            "the connection to the daemon was lost, and the daemon does not remember the requests of this client, so "
            "the request may have counted; check that before you send it again"
        )


class Refused(FuseboxError):
    """The daemon refused the request. Nothing has changed."""

    def __init__(self, status: Status | int, message: str) -> None:
        from .protocol.constants import Status

        super().__init__(int(status), message)
        self.status = Status(status)
        self.message = message

    def __str__(self) -> str:
        return f"the daemon refused the request: {self.message}"


class InvalidArgument(FuseboxError, ValueError):
    """An argument is no valid name, or out of range. Nothing was sent."""


class ProtocolViolation(FuseboxError):
    """The peer does not speak this protocol, or no version of it that this client knows."""


class TooManyRequests(FuseboxError):
    """Too many requests are under way."""


class ClientClosed(FuseboxError):
    """The client is closed."""

    def __str__(self) -> str:
        return "the client has been closed; make a new one"


class Denial:
    """Why one candidate may not be called."""

    __slots__ = ("candidate", "failed_recoveries", "limits", "opened_by", "reason", "reset_timeout", "retry_after")

    def __init__(
        self,
        candidate: Candidate,
        reason: DenialReason,
        retry_after: float | None,
        limits: Sequence[LimitObjection],
        opened_by: BreakerRule | None = None,
        failed_recoveries: int = 0,
        reset_timeout: float | None = None,
    ) -> None:
        self.candidate = candidate
        self.reason = reason
        """The reason that lasts longest."""
        self.retry_after = retry_after
        """Seconds until another attempt can succeed; 0: another call's end may help; None: time alone does not."""
        self.limits = tuple(limits)
        """With the reason `limit` that limit; every one if the request asked for all."""
        self.opened_by = opened_by
        """What has opened the breaker first since it last was closed; None if it has not opened, or does not deny."""
        self.failed_recoveries = failed_recoveries
        """With `opened_by`: how often it has opened again since it last was closed."""
        self.reset_timeout = reset_timeout
        """Quiet seconds that take one failure off the breaker, after recoveries that have failed; None if none has."""

    def __repr__(self) -> str:
        return f"Denial({route_text(self.candidate)!r}, {self.reason.name.lower()}, retry_after={self.retry_after})"


class AdmissionDenied(FuseboxError):
    """None of the candidates may be called now."""

    def __init__(
        self, denials: Sequence[Denial] | str, retry_after: float | None, full_queue: FullQueue | None = None
    ) -> None:
        told = () if isinstance(denials, str) else tuple(denials)
        each = ", ".join(f"{route_text(one.candidate)}: {_reason_text(one)}" for one in told)
        super().__init__(denials if isinstance(denials, str) else each, retry_after, full_queue)
        self.denials: tuple[Denial, ...] = told
        """The reason of each candidate, in their order; empty if the error came through JSON, which has their text."""
        self.retry_after = retry_after
        """Seconds until any candidate can be admitted; 0: with the next call; None: time alone does not help."""
        self.full_queue = full_queue
        """For whom the queue is full, if that keeps the call from waiting; None: that does not."""

    def __str__(self) -> str:
        from .protocol.types import FullQueue

        if self.retry_after is None:
            hope = "waiting alone does not help"
        else:
            hope = f"try again in {self.retry_after:g} s" if self.retry_after else "try again with the next call"
        # Through JSON it is a number.
        queue = "" if self.full_queue is None else f"; the queue is full for {FullQueue(self.full_queue).name.lower()}"
        return f"no provider may be called now ({self.args[0]}){queue}; {hope}"


def _restored(kind: type[FuseboxError], arguments: tuple[Any, ...]) -> FuseboxError:
    """An error of another process, or a copy. Its attributes are set afterwards."""
    error = kind.__new__(kind)
    error.args = arguments
    return error


def _reason_text(denial: Denial) -> str:
    rule = "" if denial.opened_by is None else f", opened by {denial.opened_by.name.lower()}"
    return f"{denial.reason.name.lower()}{rule}"


def route_text(candidate: Candidate) -> str:
    """`provider[@deployment][/model]`."""
    deployment = f"@{candidate.deployment}" if candidate.deployment else ""
    model = f"/{candidate.model}" if candidate.model else ""
    return f"{candidate.provider}{deployment}{model}"
