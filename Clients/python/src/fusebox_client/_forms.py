"""The shape of the generated table of usage objects (`protocol/usage_forms.py`)."""

from __future__ import annotations


class Part:
    """A member of a usage object that counts tokens."""

    __slots__ = ("counts", "members", "within")

    def __init__(self, members: tuple[str, ...], counts: str, within: str | None) -> None:
        self.members = members
        """Names separated by points. Of several the first that is told counts."""
        self.counts = counts
        """The kind of tokens."""
        self.within = within
        """The kind whose member includes these tokens; None: no other includes them."""


class Form:
    """The usage object of a family of APIs."""

    __slots__ = ("absent", "cost", "foreign", "marks", "name", "parts", "total")

    def __init__(
        self,
        name: str,
        marks: tuple[str, ...],
        foreign: tuple[str, ...],
        parts: tuple[Part, ...],
        absent: tuple[str, ...],
        total: str | None,
        cost: str | None,
    ) -> None:
        self.name = name
        self.marks = marks
        """Members by which the form is recognised, as names separated by points. One of them is enough."""
        self.foreign = foreign
        """Members that no object of this form has."""
        self.parts = parts
        self.absent = absent
        """Kinds of which an object without their member has none."""
        self.total = total
        self.cost = cost
        """The member that tells the cost in dollars."""
