"""Calls that wait, in the exchange's state machine: one input, what follows from it."""

from __future__ import annotations

import unittest
from collections import deque

from fusebox_client import ClientClosed, TimedOut, Unavailable, protocol
from fusebox_client._calls import Turn, admit, route
from fusebox_client._requests import Pending
from fusebox_client._state import DISCONNECTED
from fusebox_client._wire import HEADER, PUSH, SEQUENCE, Reader, encoded
from fusebox_client.protocol.admission import (
    AdmissionAdmitReply,
    AdmissionAdmitRequest,
    AdmissionSettleRequest,
    AdmissionTicketsRequest,
    AdmissionWithdrawRequest,
    AdmitReply,
    TicketEntry,
    TicketStanding,
)
from fusebox_client.protocol.constants import Status
from fusebox_client.protocol.types import AdmissionDecision, Estimate, Outcome

from .test_machine import RESUMED, MachineTestCase

ADMIT, SETTLE, WITHDRAW = AdmissionAdmitRequest.NUMBER, AdmissionSettleRequest.NUMBER, AdmissionWithdrawRequest.NUMBER
DECISION = AdmissionDecision(candidate=0)


class WaitingTestCase(MachineTestCase):
    def admission(self, wait: float = 30.0, now: float = 0.0) -> Pending:
        pending = admit((route("p"),), (), Estimate(), 60.0, Turn(wait), now)
        self.machine.submit(pending, now)
        return pending

    def waiting(self, ticket: int = 1) -> Pending:
        """An admission that was answered with a ticket."""
        pending = self.admission()
        self.told()
        self.reply(pending, payload=encoded(AdmissionAdmitReply(ticket=ticket)))
        return pending

    def told(self) -> list[tuple[str, int]]:
        """What was sent since the last look, about tickets and permits."""
        said = []
        data = bytes(self.machine.output)
        self.machine.flushed(len(data))
        at = 0
        while at < len(data):
            length, command, *_ = HEADER.unpack_from(data, at)
            payload, at = data[at + HEADER.size : at + 4 + length], at + 4 + length
            if command == ADMIT:
                asked = AdmissionAdmitRequest.decode(Reader(payload, SEQUENCE.size))
                said.append((f"admit {asked.wait_milliseconds}", asked.resumes))
            elif command == WITHDRAW:
                said.append(("withdraw", AdmissionWithdrawRequest.decode(Reader(payload)).ticket))
            elif command == SETTLE:
                settle = AdmissionSettleRequest.decode(Reader(payload, SEQUENCE.size))
                self.assertEqual(settle.outcome, Outcome.CANCELLED)
                said.append(("settle", settle.permit))
            else:
                said.append((str(command), 0))
        return said

    def push(self, ticket: int, standing: TicketStanding, permit: int | None = None) -> None:
        entry = TicketEntry(ticket, standing, AdmitReply(permit=permit, decision=DECISION))
        body = encoded(entry)
        frame = HEADER.pack(8 + len(body), AdmissionTicketsRequest.NUMBER, PUSH, 0, 0) + body
        for byte in range(len(frame)):
            self.machine.received(frame[byte : byte + 1], 0.0)

    def expect_permit_once(self, pending: Pending) -> None:
        """The connection is lost. The permit is pushed before the reply to the request that is sent again has it."""
        self.lose()
        self.connect(RESUMED)
        self.told()
        self.push(1, TicketStanding.GRANTED, permit=9)
        self.reply(pending, payload=encoded(AdmissionAdmitReply(permit=9, decision=DECISION)))
        self.assertEqual((self.permit_of(pending), self.told()), (9, []))

    def withdrawn(self, standing: TicketStanding, ticket: int = 1, permit: int | None = None) -> None:
        """The daemon answers the withdrawal under way."""
        withdrawal = next(one for one in self.machine.sent.values() if one.is_withdrawal)
        admission = AdmitReply(permit=permit, decision=DECISION)
        self.reply(withdrawal, payload=encoded(TicketEntry(ticket, standing, admission)))

    def permit_of(self, pending: Pending) -> int | None:
        reply = pending.result(AdmissionAdmitReply.decode)
        assert reply is not None
        return reply.permit


class TurnTests(WaitingTestCase):
    def test_a_ticket_closes_the_number_and_a_push_ends_the_request(self) -> None:
        self.connect()
        pending = self.waiting()
        self.assertFalse(pending.is_done)
        self.assertTrue(self.machine.window.is_quiet)
        self.push(1, TicketStanding.GRANTED, permit=9)
        self.assertEqual((self.permit_of(pending), self.told()), (9, []))

    def test_the_end_of_the_time_is_a_denial(self) -> None:
        self.connect()
        pending = self.waiting()
        self.push(1, TicketStanding.EXPIRED)
        self.assertIsNone(self.permit_of(pending))

    def test_a_call_that_could_not_be_granted_asks_why(self) -> None:
        self.connect()
        pending = self.waiting()
        self.push(1, TicketStanding.REFUSED)
        self.assertEqual((pending.is_done, self.told()), (False, [("admit 0", 0)]))
        self.reply(pending, payload=encoded(AdmissionAdmitReply()))
        self.assertIsNone(self.permit_of(pending))

    def test_the_end_of_an_earlier_wait_does_not_end_a_new_one_with_the_same_ticket(self) -> None:
        self.connect()
        pending = self.admission()
        self.lose()
        self.connect(RESUMED)
        self.told()
        for standing, permit in ((TicketStanding.EXPIRED, None), (TicketStanding.GRANTED, 8)):
            self.push(1, standing, permit)
        self.reply(pending, payload=encoded(AdmissionAdmitReply(ticket=1)))
        self.assertEqual((pending.is_done, self.told()), (False, []))
        self.push(1, TicketStanding.GRANTED, permit=9)
        self.assertEqual((self.permit_of(pending), self.told()), (9, []))

    def test_the_permit_of_a_request_that_is_sent_again_is_told_twice_and_not_given_back(self) -> None:
        self.connect()
        pending = self.admission()
        self.expect_permit_once(pending)

    def test_a_permit_that_nobody_waits_for_is_given_back(self) -> None:
        self.connect()
        self.push(7, TicketStanding.GRANTED, permit=9)
        self.assertEqual(self.told(), [("settle", 9)])

    def test_other_pushes_are_passed_over(self) -> None:
        self.connect()
        pending = self.read()
        self.machine.received(HEADER.pack(8, 999, PUSH, 0, 0), 0.0)
        self.reply(pending)
        self.assertTrue(pending.is_done)


class WithdrawalTests(WaitingTestCase):
    def test_a_caller_that_gives_up_withdraws(self) -> None:
        for standing, permit, said in (
            (TicketStanding.WITHDRAWN, None, []),
            (TicketStanding.GRANTED, 9, [("settle", 9)]),
            (TicketStanding.EXPIRED, None, []),
        ):
            with self.subTest(standing.name):
                self.make()
                self.connect()
                pending = self.waiting()
                self.machine.abandon(pending)
                self.assertEqual(self.told(), [("withdraw", 1)])
                self.push(1, standing, permit)
                self.withdrawn(standing, permit=permit)
                self.assertEqual(self.told(), said)

    def test_a_caller_that_gives_up_before_the_reply_withdraws_after_it(self) -> None:
        self.connect()
        pending = self.admission()
        self.told()
        self.machine.abandon(pending)
        self.assertEqual(self.told(), [])
        self.reply(pending, payload=encoded(AdmissionAdmitReply(ticket=1)))
        self.assertEqual((self.told(), self.machine.tickets), ([("withdraw", 1)], {}))

    def test_a_wait_that_is_too_long_for_the_caller_is_withdrawn(self) -> None:
        self.connect()
        pending = self.waiting()
        self.machine.expire(pending, 31.0)
        self.assertIsInstance(pending.error, TimedOut)
        self.assertEqual(self.told(), [("withdraw", 1)])

    def test_a_withdrawal_is_sent_again_because_the_permit_may_have_been_granted(self) -> None:
        self.connect()
        pending = self.waiting()
        self.machine.abandon(pending)
        self.told()
        self.lose()
        self.connect(RESUMED)
        self.assertEqual(self.told(), [("withdraw", 1)])
        self.withdrawn(TicketStanding.GRANTED, permit=9)
        self.assertEqual(self.told(), [("settle", 9)])

    def test_a_caller_that_gives_up_while_the_daemon_is_away_withdraws_on_its_return(self) -> None:
        self.connect()
        pending = self.waiting()
        self.lose()
        self.machine.abandon(pending)
        self.connect(RESUMED)
        self.assertEqual(self.told(), [("withdraw", 1)])

    def test_goodbye_waits_for_the_answer_to_a_withdrawal(self) -> None:
        self.connect()
        self.machine.abandon(self.waiting())
        self.request(protocol.GoodbyeRequest())
        self.assertEqual(self.told(), [("withdraw", 1)])
        self.withdrawn(TicketStanding.WITHDRAWN)
        self.assertEqual(self.told(), [("2", 0)])

    def test_closing_ends_a_wait(self) -> None:
        self.connect()
        pending = self.waiting()
        self.machine.close(keeps_reports=True)
        self.assertIsInstance(pending.error, ClientClosed)


class AbsenceTests(WaitingTestCase):
    def lose_for(self, seconds: float) -> None:
        """The daemon is away for so long, and each attempt to connect fails."""
        self.machine.lost("it went away", 0.0)
        for now in (0.0, seconds):
            self.machine.begin_connecting()
            self.machine.connect_failed("nobody", True, False, 1.0, now)

    def test_a_wait_goes_on_after_a_lost_connection_for_the_rest_of_its_time(self) -> None:
        self.connect()
        pending = self.waiting()
        other = self.read()
        self.lose_for(10.0)
        self.assertIsInstance(other.error, Unavailable)
        self.assertFalse(pending.is_done)
        self.assertTrue(self.machine.wants_connection)
        self.connect(RESUMED, now=12.0)
        self.assertEqual(self.told(), [("admit 18000", 1)])
        self.reply(pending, payload=encoded(AdmissionAdmitReply(ticket=2)))
        self.push(2, TicketStanding.GRANTED, permit=9)
        self.assertEqual((self.permit_of(pending), self.told()), (9, []))

    def test_a_grant_on_return_comes_before_the_reply_and_is_not_given_back(self) -> None:
        self.connect()
        pending = self.waiting()
        self.expect_permit_once(pending)

    def test_a_continued_wait_that_is_lost_again_is_sent_again_as_it_was(self) -> None:
        self.connect()
        pending = self.waiting()
        self.lose()
        self.connect(RESUMED, now=1.0)
        self.assertEqual(self.told(), [("admit 29000", 1)])
        self.lose()
        self.connect(RESUMED, now=5.0)
        self.assertEqual(self.told(), [("admit 29000", 1)])
        self.reply(pending, payload=encoded(AdmissionAdmitReply(ticket=1)))
        self.lose()
        self.connect(RESUMED, now=6.0)
        self.assertEqual(self.told(), [("admit 24000", 1)])

    def test_waits_return_in_the_order_of_their_tickets(self) -> None:
        self.connect()
        pending = [self.admission() for _ in range(3)]
        for ticket, request in reversed(list(enumerate(pending, start=1))):
            self.reply(request, payload=encoded(AdmissionAdmitReply(ticket=ticket)))
        self.told()
        self.lose()
        self.connect(RESUMED)
        self.assertEqual([ticket for _, ticket in self.told()], [1, 2, 3])

    def test_a_client_that_fails_open_does_not_wait_for_a_daemon_that_is_away(self) -> None:
        self.make(fails_open=True)
        self.connect()
        pending = self.waiting()
        self.lose_for(1.0)
        self.assertIsInstance(pending.error, Unavailable)
        self.connect(RESUMED)
        self.assertEqual(self.told(), [("withdraw", 1)])

    def test_a_deadline_passes_while_the_daemon_is_away(self) -> None:
        self.connect()
        pending = self.waiting()
        self.lose_for(20.0)
        self.machine.expire(pending, 31.0)
        self.assertIsInstance(pending.error, Unavailable)

    def test_a_client_with_a_waiting_call_is_back_within_a_third_of_the_grace(self) -> None:
        self.connect(grace=300)
        self.waiting()
        self.lose_for(10.0)
        self.assertAlmostEqual(self.machine.retry_at, 10.1)
        self.assertEqual(self.machine.phase, DISCONNECTED)

    def test_a_call_that_has_no_ticket_yet_does_not_wait_for_the_daemon(self) -> None:
        pending = self.admission()
        self.lose_for(1.0)
        self.machine.begin_connecting()
        self.machine.connect_failed("nobody", True, False, 1.0, 1.0)
        self.assertIsInstance(pending.error, Unavailable)


class MendingTests(WaitingTestCase):
    def test_requests_are_put_together_again_after_an_interruption(self) -> None:
        self.connect()
        waiting, sent = self.waiting(), self.admission()
        number = sent.sequence
        # What the machine knows of them is gone, as if both had been taken out of their places.
        self.machine.sent, self.machine.tickets, self.machine.is_torn = {}, {}, True
        self.machine.window.close(number)
        self.machine.begin(0.0)
        self.assertEqual((self.machine.phase, self.hung_up), (DISCONNECTED, 1))
        self.assertFalse(self.machine.window.is_quiet)
        self.connect(RESUMED)
        self.assertEqual((self.told(), sent.sequence), ([("admit 30000", 0), ("admit 30000", 1)], number))
        self.reply(sent, payload=encoded(AdmissionAdmitReply(permit=9, decision=DECISION)))
        self.assertEqual((self.permit_of(sent), waiting.is_done), (9, False))

    def test_what_was_over_before_the_interruption_stays_over(self) -> None:
        self.connect()
        pending = self.admission()
        self.told()
        self.reply(pending, payload=encoded(AdmissionAdmitReply(permit=9, decision=DECISION)))
        self.machine.live[pending], self.machine.is_torn = None, True
        self.machine.begin(0.0)
        self.assertEqual((self.machine.live, self.machine.backlog, self.permit_of(pending)), ({}, deque(), 9))
        self.assertTrue(self.machine.window.is_quiet)

    def test_a_withdrawal_goes_with_the_worker_that_was_taken_over(self) -> None:
        self.connect()
        self.machine.abandon(self.waiting())
        body = b"\x02\x00no"
        self.machine.received(HEADER.pack(8 + len(body), 0, 1, Status.FENCED, 0) + body, 0.0)
        self.lose()
        self.assertEqual((self.machine.live, self.machine.backlog), ({}, deque()))


if __name__ == "__main__":
    unittest.main()
