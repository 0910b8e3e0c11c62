"""What belongs to one owner in one process."""

from __future__ import annotations


class Uncopied:
    """Refuses to be copied and pickled. The end of a copy would be the end of the original too.

    Raises TypeError.
    """

    def __reduce_ex__(self, _: object) -> str:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled; share it, or make another")
