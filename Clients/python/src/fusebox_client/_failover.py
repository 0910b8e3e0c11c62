"""One question to several candidates: which are left after each call, and how long all of them may wait together."""

from __future__ import annotations

from time import monotonic

from ._calls import Turn, routes
from .protocol.constants import PROVIDER_OUTCOMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._calls import Route
    from ._errors import AdmissionDenied
    from ._held import HeldCall
    from ._options import PermitOptions
    from .protocol.types import Candidate


class Failover:
    """The candidates of a question, best first, and what became of those that were tried."""

    __slots__ = ("_attempts", "_failure", "_options", "_until", "left")

    def __init__(self, candidates: Route | Iterable[Route], attempts: int | None, options: PermitOptions) -> None:
        self.left: list[Candidate] = list(routes(candidates))
        """The candidates that the next call may go to."""
        self._attempts = len(self.left) if attempts is None else max(attempts, 1)
        self._until = monotonic() + Turn(options.get("wait", 0.0)).wait
        self._options = options
        self._failure: Exception | None = None

    def options(self) -> PermitOptions:
        """The options of the next permit, which waits for what is left of the time."""
        self._options["wait"] = max(0.0, self._until - monotonic())
        return self._options

    def goes_on(self, held: HeldCall, error: Exception) -> bool:
        """Whether another candidate is to be tried after this error has ended a call.

        Not one by the same key, and after a failure that is of one model not one by the same route.
        """
        if held.outcome not in PROVIDER_OUTCOMES or not held.is_of_this_process:
            return False
        self._failure = error
        self._attempts -= 1
        failed = held.permit.candidate
        self.left = [
            one
            for one in self.left
            if (one.provider, one.deployment) != (failed.provider, failed.deployment)
            or (held.has_failed_for_one_model and one.model != failed.model)
        ]
        return bool(self.left) and self._attempts > 0

    def end(self, held: HeldCall, denied: AdmissionDenied) -> Exception:
        """The error for the caller if no candidate is admitted: that of the last call, if there was one."""
        return denied if self._failure is None or held.is_entered else self._failure
