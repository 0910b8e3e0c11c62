"""A client of Fusebox: circuit breakers, quota marks, spend and limits of LLM calls, shared by all processes of a host.

    from fusebox_client import Client

    client = Client()
    with client.permit(["openai/gpt-4o", "anthropic"], tags=["team:search"], cost=0.01) as permit:
        answer = ask(permit.provider, permit.model)
        permit.usage(answer.usage)

`AsyncClient` is the same for asyncio. It is loaded at its first use, and so is `PermitOptions`.
"""

from __future__ import annotations

from ._call_end import CallEnd
from ._calls import Permit, Settling
from ._errors import (
    AdmissionDenied,
    ClientClosed,
    Denial,
    FuseboxError,
    InvalidArgument,
    OutcomeUnknown,
    ProtocolViolation,
    Refused,
    TimedOut,
    TooManyRequests,
    Unavailable,
)
from ._money import Money
from ._outcomes import call_end
from ._permits import HeldPermit
from ._provider_answers import ProviderAnswer, Remaining
from ._retry_after import retry_after
from ._usage import Usage
from .client import Client
from .protocol.admission import MarkScope
from .protocol.types import Candidate, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import protocol as protocol
    from ._aio_permits import AsyncHeldPermit as AsyncHeldPermit
    from ._options import PermitOptions as PermitOptions
    from .aio import AsyncClient as AsyncClient

__all__ = [
    "AdmissionDenied",
    "AsyncClient",
    "AsyncHeldPermit",
    "CallEnd",
    "Candidate",
    "Client",
    "ClientClosed",
    "Denial",
    "FuseboxError",
    "HeldPermit",
    "InvalidArgument",
    "MarkScope",
    "Money",
    "Outcome",
    "OutcomeUnknown",
    "Permit",
    "PermitOptions",
    "ProtocolViolation",
    "ProviderAnswer",
    "Refused",
    "Remaining",
    "Settling",
    "TimedOut",
    "TooManyRequests",
    "Unavailable",
    "Usage",
    "call_end",
    "protocol",
    "retry_after",
]


def __getattr__(name: str) -> object:
    value: object
    if name in ("AsyncClient", "AsyncHeldPermit"):
        from . import aio

        value = getattr(aio, name)
    elif name == "PermitOptions":
        from . import _options

        value = _options.PermitOptions
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
