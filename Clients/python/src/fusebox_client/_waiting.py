"""Calls that wait for their turn: tickets, the pushes that end their waits, withdrawals.

An admission that may wait stays under way after its reply if that is a ticket. The end of the wait is pushed:

| input | what follows |
|---|---|
| a push with a permit, or with the end of the time | the request ends with it |
| any other push | the request is sent again without a wait, and the daemon tells why |
| a push for a ticket whose request is under way, for the first time or again | nothing: the reply tells what counts |
| the connection is lost | the request is sent again, and continues the wait of its ticket |
| the daemon is away | the request waits for its return, where the client fails closed |
| the caller gives up | the wait is withdrawn, also after a lost connection |
| a permit that nobody waits for | it is given back |
"""

from __future__ import annotations

from . import _frames
from ._errors import FuseboxError
from ._requests import GONE, OPEN, QUEUED, Pending, payload_of
from ._state import CLOSED, State
from .protocol.admission import AdmissionWithdrawRequest, TicketStanding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Waiting(State):
    """What follows from inputs that concern calls which wait."""

    def _take_ticket(self, request: Pending, answer: tuple[bytes, int, int]) -> bool:
        """Takes the reply to an admission that may wait. Whether it is a ticket."""
        ticket = _frames.ticket_in(answer)
        if ticket is None:
            return False
        request.begin_waiting(ticket)
        self.tickets[ticket] = request
        self._close_number(request)
        if request.interest != OPEN:
            self._stop_waiting(request)
        return True

    def _take_push(self, ticket: int, standing: int, answer: tuple[bytes, int, int]) -> None:
        """Takes the push that ends a wait."""
        request = self.tickets.pop(ticket, None)
        if request is None:
            if not self._is_asked_for(ticket):
                self._give_back(answer)
        elif standing in (TicketStanding.GRANTED, TicketStanding.EXPIRED) or request.interest != OPEN:
            self._end(request, answer=answer)
        else:
            request.ask_without_wait()
            self._enqueue(request)

    def _is_asked_for(self, ticket: int) -> bool:
        """Whether the reply to a request under way tells what became of a ticket.

        A request that is sent again may begin a new wait with the same ticket. The daemon sends that reply behind the
        push.
        """
        for request in self._under_way():
            if request.command == _frames.ADMIT and ticket in (request.sequence, request.resumes):
                return True
            if request.is_withdrawal and request.ticket == ticket:
                return True
        return False

    def _under_way(self) -> Iterator[Pending]:
        yield from self.sent.values()
        yield from self.backlog

    def _stop_waiting(self, request: Pending, error: FuseboxError | None = None) -> None:
        """The caller of a waiting request gives up."""
        ticket = request.ticket
        self.tickets.pop(ticket, None)
        self._end(request, error=error)
        self._withdraw(ticket)
        self._drain()

    def _withdraw(self, ticket: int) -> None:
        """Ends a wait that nobody is interested in. The reply tells whether its permit was granted before."""
        if self.phase == CLOSED:
            return
        withdrawal = Pending(AdmissionWithdrawRequest, payload_of(AdmissionWithdrawRequest(ticket)))
        withdrawal.interest = GONE
        withdrawal.ticket = ticket
        self._enqueue(withdrawal)

    def _take_waiting(self) -> list[Pending]:
        """The waiting requests of a lost connection, which continue their waits on the next one."""
        tickets, self.tickets = self.tickets, {}
        again = [tickets[ticket] for ticket in sorted(tickets)]
        for request in again:
            request.stage = QUEUED
            request.resumes = request.ticket
        return again

    def _continue_waits(self, now: float) -> None:
        """There is a connection again. What is sent for the first time waits for the rest of its time."""
        for request in self.backlog:
            if request.admission is not None and not request.sequence:
                request.ask_again(now)
