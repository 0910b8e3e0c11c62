"""What follows from an interruption.

Signal handlers run in the main thread between two steps of the interpreter, and what they raise (Ctrl-C, celery's soft
time limit, a timeout by an alarm) ends whatever runs. So an input of the state machine may be cut off anywhere. Each
input is therefore between `begin` and `is_torn = False`, and the next one finds out. What was cut off is put together
again from the requests, which tell by themselves how far they have come:

- A request is registered before anything else, and stays so until it is over.
- What ends a request is told by stores that follow each other at once, so that no handler runs between them.
- Its number is closed after that. Replies that were taken and lost come again, because what acknowledges them is sent
  in the end of the input.

The connection is given up, as if it were lost.
"""

from __future__ import annotations

from collections import deque

from ._errors import ClientClosed
from ._requests import IDLE, QUEUED, SENT, WAITING
from ._state import CLOSED, CONNECTED, DISCONNECTED
from ._waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._requests import Pending


class Mending(Waiting):
    """A state machine whose inputs may be cut off."""

    def begin(self, now: float) -> None:
        """An input begins. If the one before was cut off, what it left is put together first."""
        if self.is_torn:
            self._mend(now)
        self.is_torn = True

    def _mend(self, now: float) -> None:
        for request in [one for one in self.live if one.is_over]:
            self._bury(request)
        queued: list[Pending] = []
        self.sent, self.tickets = {}, {}
        for request in self.live:
            if request.stage == WAITING:
                request.sequence = 0
                self.tickets[request.ticket] = request
            elif request.stage == SENT or (request.stage == IDLE and request.sequence):
                request.stage = SENT
                self.sent[request.correlation] = request
            else:
                request.stage = QUEUED
                queued.append(request)
        queued.sort(key=lambda one: one.sequence or 1 << 64)
        self.backlog = deque(queued)
        self.window.rebuild({one.sequence for one in self.live if one.sequence})
        self.output = bytearray()
        if self.phase == CLOSED:
            for request in list(self.live):
                self._end(request, error=ClientClosed())
        elif self.phase == CONNECTED or (self.phase == DISCONNECTED and (self.sent or self.tickets)):
            self.phase = CONNECTED
            self.lost("a call was interrupted", now)

    def lost(self, reason: str, now: float) -> None:
        """The present connection is lost."""
        raise NotImplementedError
