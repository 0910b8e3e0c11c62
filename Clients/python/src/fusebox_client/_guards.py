"""The types of the decorators `guarded`. For type checkers; nothing imports it when programs run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar, overload

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Owner = TypeVar("Owner")
Owner_contra = TypeVar("Owner_contra", contravariant=True)
Held_co = TypeVar("Held_co", covariant=True)
Held_contra = TypeVar("Held_contra", contravariant=True)


class TakesPermit(Protocol[Held_contra, P, T_co]):
    """A function whose first parameter is `permit`."""

    def __call__(self, permit: Held_contra, *args: P.args, **kwargs: P.kwargs) -> T_co: ...


class MethodTakesPermit(Protocol[Owner_contra, Held_contra, P, T_co]):
    """A method whose first parameter after `self` is `permit`."""

    def __call__(_, self: Owner_contra, permit: Held_contra, *args: P.args, **kwargs: P.kwargs) -> T_co: ...


class Guard(Protocol[Held_co]):
    """Decorates a function. A permit that is the first parameter is not told by who calls it."""

    @overload
    def __call__(self, function: TakesPermit[Held_co, P, T], /) -> Callable[P, T]: ...
    @overload
    def __call__(self, function: MethodTakesPermit[Owner, Held_co, P, T], /) -> Callable[Concatenate[Owner, P], T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Callable[P, T]: ...
