"""What a fork means: the child's clients are other workers, with connections of their own.

A forked child closes its copies of its parent's sockets and locked files at once. Otherwise they would keep the
parent's connections and locks after its death, and the daemon would wait for it.
"""

from __future__ import annotations

import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Closable(Protocol):
        """A socket, or a locked file."""

        def close(self) -> None: ...


_generation = 0
_open: set[Closable] = set()
lock = threading.Lock()
"""Guards the making of exchanges. A child gets a new one, because another thread of its parent may have held it."""


def generation() -> int:
    """The number of forks between the process in which this package was loaded and this one."""
    return _generation


def enter(one: Closable) -> None:
    """Closes it in every forked child from here on."""
    _open.add(one)


def leave(one: Closable) -> None:
    _open.discard(one)


def _begin_child() -> None:
    global _generation, lock
    _generation += 1
    lock = threading.Lock()
    for one in list(_open):
        one.close()
    _open.clear()


os.register_at_fork(after_in_child=_begin_child)
