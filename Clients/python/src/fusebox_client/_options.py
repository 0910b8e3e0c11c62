"""The options of a permit, for type checkers and for functions that pass them on."""

from __future__ import annotations

from typing import TypedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._call_end import ScopeName
    from ._calls import Cost, Wait


class PermitOptions(TypedDict, total=False):
    """The keyword arguments of `Client.permit` and `AsyncClient.permit`, which explain them."""

    tags: Iterable[str]
    cost: Cost | None
    tokens: int | None
    input_tokens: int | None
    output_tokens: int | None
    wait: Wait
    priority: int
    ttl: float
    longest: float
    mark_scope: ScopeName | None
