"""How a client behaves. The defaults suit a worker that asks before every call to a provider."""

from __future__ import annotations

from os import PathLike, fspath

from ._connection import default_path
from ._outcomes import call_end
from ._state import SETTLES_KEPT, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from ._call_end import CallEnd

    FailurePolicy = Literal["fail_closed", "fail_open"]

FAREWELL = 1.0
"""The longest time that closing waits for replies, in seconds."""
LONGEST_QUEUE = 32_768
"""The highest `queue_limit`."""


class Settings:
    """What `Client` and `AsyncClient` were made with. Times are in seconds."""

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
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
        if failure_policy not in ("fail_closed", "fail_open"):
            raise ValueError(f"failure_policy is 'fail_closed' or 'fail_open', not {failure_policy!r}")
        for option, told in (
            ("timeout", timeout),
            ("connect_timeout", connect_timeout),
            ("queue_limit", queue_limit),
            ("restart_patience", restart_patience),
            ("operator_timeout", operator_timeout),
        ):
            if isinstance(told, bool) or not isinstance(told, (int, float)):
                raise ValueError(f"{option} is a number, not {told!r}")
        if not (path is None or isinstance(path, (str, PathLike))):
            raise ValueError(f"path is that of the daemon's socket, a text, not {path!r}")
        self.path = fspath(path) if path else default_path()
        self.name = name
        self.timeout = max(timeout, 0.001)
        self.connect_timeout = max(connect_timeout, 0.001)
        self.fails_open = failure_policy == "fail_open"
        self.queue_limit = min(max(queue_limit, 0), LONGEST_QUEUE)
        self.keeps_reports = keeps_reports or self.fails_open
        self.restart_patience = max(restart_patience, 0.0)
        self.operator_timeout = max(operator_timeout, 0.001)
        self.backoff = backoff
        self.spool = spool
        self.outcome_of = outcome_of

    def policy(self) -> Policy:
        """The settings that the machine decides by."""
        return Policy(
            self.path,
            fails_open=self.fails_open,
            queue_limit=self.queue_limit,
            timeout=self.timeout,
            patience=self.restart_patience,
            backoff_shortest=self.backoff[0],
            backoff_longest=self.backoff[1],
        )

    def timeout_of(self, effect: str, access: str) -> float:
        """Snapshots and imports wait until a whole snapshot is on disk."""
        return self.operator_timeout if effect == "session" and access != "worker" else self.timeout
