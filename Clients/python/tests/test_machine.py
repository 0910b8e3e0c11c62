"""The exchange's state machine: one input, what follows from it. No socket, no clock, no thread."""

from __future__ import annotations

import unittest
from typing import Any

from fusebox_client import (
    CallEnd,
    ClientClosed,
    OutcomeUnknown,
    Refused,
    TimedOut,
    TooManyRequests,
    Unavailable,
    protocol,
)
from fusebox_client._calls import Permit as Granted
from fusebox_client._calls import Turn, admit, route, settle
from fusebox_client._machine import Machine
from fusebox_client._requests import Backoff, Pending, SequenceWindow, payload_of
from fusebox_client._state import CONNECTED, DISCONNECTED, Policy
from fusebox_client._wire import HEADER, SEQUENCE, encoded
from fusebox_client.protocol.connection import HelloReply, WorkerStanding
from fusebox_client.protocol.constants import Status
from fusebox_client.protocol.types import AdmissionDecision, Estimate

NEW, RESUMED, FORGOTTEN = WorkerStanding.NEW, WorkerStanding.RESUMED, WorkerStanding.FORGOTTEN


class MachineTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.hung_up = 0
        self.make()

    def make(self, **policy: Any) -> None:
        self.machine = Machine(Policy("/s", **policy), (1, 2))
        self.machine.hang_up = self.hang_up
        self.machine.fresh_worker = lambda: (3, 4)

    def hang_up(self) -> None:
        self.hung_up += 1

    def connect(
        self,
        worker: WorkerStanding = NEW,
        epoch: int = 7,
        kept: int = 0,
        forgotten: int = 0,
        grace: int = 0,
        now: float = 0.0,
    ) -> None:
        self.machine.begin_connecting()
        hello = HelloReply(
            version=1,
            epoch=epoch,
            worker=worker,
            kept_replies=kept,
            forgotten_workers=forgotten,
            grace_milliseconds=grace,
        )
        self.machine.connected(hello, now)

    def request(self, request: Any, is_report: bool = False, now: float = 0.0) -> Pending:
        pending = Pending(type(request), payload_of(request), is_report)
        self.machine.submit(pending, now)
        return pending

    def read(self) -> Pending:
        return self.request(protocol.PingRequest())

    def written(self) -> Pending:
        return self.request(protocol.BreakerSuccessRequest("openai"))

    def sent(self) -> list[tuple[int, int | None, int | None]]:
        """The frames that were sent since the last look: command, number, oldest number."""
        frames = []
        data = bytes(self.machine.output)
        self.machine.flushed(len(data))
        at = 0
        while at < len(data):
            length, command, *_ = HEADER.unpack_from(data, at)
            is_sequenced = command not in (1, 2, 3, 82)
            numbers = SEQUENCE.unpack_from(data, at + HEADER.size) if is_sequenced else (None, None)
            frames.append((command, *numbers))
            at += 4 + length
        return frames

    def reply(self, request: Pending, status: int = 0, payload: bytes | None = None) -> None:
        body = payload if payload is not None else b"" if status == 0 else b"\x02\x00no"
        frame = HEADER.pack(8 + len(body), request.command, 1, status, request.correlation) + body
        for byte in range(len(frame)):  # A frame may come in pieces.
            self.machine.received(frame[byte : byte + 1], 0.0)

    def lose(self) -> None:
        self.machine.lost("it went away", 0.0)


class LossTests(MachineTestCase):
    def test_what_follows_when_a_connection_is_lost(self) -> None:
        snapshot = protocol.SnapshotNowRequest()
        for name, request, leaves, error, again in (
            ("a read that was sent", protocol.PingRequest(), True, None, (3, None, None)),
            ("a read that was not", protocol.PingRequest(), False, None, (3, None, None)),
            ("a sequenced request", protocol.BreakerSuccessRequest("p"), True, None, (17, 1, 1)),
            ("one that was not sent", protocol.BreakerSuccessRequest("p"), False, None, (17, 1, 1)),
            ("a snapshot", snapshot, True, OutcomeUnknown, None),
            ("a snapshot that was not asked for yet", snapshot, False, None, (82, None, None)),
        ):
            with self.subTest(name):
                self.make()
                self.connect()
                pending = self.request(request)
                if leaves:
                    self.sent()
                self.lose()
                self.assertEqual(type(pending.error) if pending.error else None, error)
                self.connect(RESUMED)
                self.assertEqual(self.sent(), [again] if again else [])

    def test_numbers_are_sent_again_in_their_order_before_anything_else(self) -> None:
        self.connect()
        first, second, third = self.written(), self.written(), self.written()
        self.sent()
        self.reply(second)
        read = self.read()
        self.sent()
        self.lose()
        later = self.written()
        self.connect(RESUMED)
        self.assertEqual(self.sent(), [(17, 1, 1), (17, 3, 1), (3, None, None), (17, 4, 1)])
        for request in (first, third, read, later):
            self.assertFalse(request.is_done)
        self.reply(first)
        self.written()
        self.assertEqual(self.sent(), [(17, 5, 3)])

    def test_what_waits_for_room_does_not_overtake_what_is_sent_again(self) -> None:
        self.connect(kept=1)
        self.written()
        self.written()
        self.assertEqual(self.sent(), [(17, 1, 1)])
        self.lose()
        self.connect(RESUMED, kept=1)
        self.assertEqual(self.sent(), [(17, 1, 1)])

    def test_nothing_is_sent_again_to_a_daemon_that_may_have_forgotten(self) -> None:
        for name, before, hello, is_known in (
            ("another epoch", NEW, {"worker": RESUMED, "epoch": 8}, False),
            ("forgotten, though something had counted", NEW, {"worker": FORGOTTEN}, True),
            ("forgotten, and others too", NEW, {"worker": FORGOTTEN, "forgotten": 1}, False),
            ("forgotten, though it was known", RESUMED, {"worker": FORGOTTEN}, False),
        ):
            with self.subTest(name):
                self.make()
                self.connect(before)
                if is_known:
                    counted = self.written()
                    self.reply(counted)
                pending = self.written()
                self.sent()
                self.lose()
                waiting = self.written()
                self.connect(**hello)  # type: ignore[arg-type]
                self.assertIsInstance(pending.error, OutcomeUnknown)
                self.assertFalse(waiting.is_done)
                self.assertEqual([command for command, *_ in self.sent()], [17])

    def test_a_daemon_that_never_knew_the_worker_gets_everything_again(self) -> None:
        self.connect(NEW)
        pending = self.written()
        self.sent()
        self.lose()
        self.connect(FORGOTTEN)
        self.assertEqual((pending.is_done, self.sent()), (False, [(17, 1, 1)]))

    def test_a_request_that_was_refused_when_it_first_came_gets_a_new_number(self) -> None:
        self.connect()
        pending = self.written()
        self.sent()
        self.lose()
        self.connect(RESUMED)
        self.sent()
        self.reply(pending, Status.SEQUENCE_OUT_OF_ORDER)
        self.assertEqual((pending.is_done, self.sent()), (False, [(17, 2, 2)]))
        self.reply(pending, Status.NOT_PERMITTED)
        with self.assertRaises(Refused):
            pending.result(protocol.BreakerSuccessReply.decode)

    def test_a_fenced_worker_takes_a_new_id_and_begins_its_numbers_anew(self) -> None:
        self.connect()
        pending = self.written()
        self.sent()
        body = b"\x02\x00no"
        self.machine.received(HEADER.pack(8 + len(body), 0, 1, Status.FENCED, 0) + body, 0.0)
        self.lose()
        self.assertIsInstance(pending.error, OutcomeUnknown)
        self.assertIn("no", self.machine.absence)
        self.assertEqual((self.machine.worker, self.machine.window.next), ((3, 4), 1))

    def test_what_is_no_reply_ends_the_connection(self) -> None:
        for data in (
            b"HTTP/1.1 400 Bad Request\r\n",
            HEADER.pack(8, 3, 1, 0, 99),
            HEADER.pack(7, 3, 1, 0, 1),
        ):
            self.make()
            self.hung_up = 0
            self.connect()
            self.machine.received(data, 0.0)
            self.assertEqual((self.machine.phase, self.hung_up), (DISCONNECTED, 1))

    def test_a_reply_of_another_command_ends_the_connection(self) -> None:
        self.connect()
        pending = self.read()
        self.machine.received(HEADER.pack(8, 5, 1, 0, pending.correlation), 0.0)
        self.assertEqual(self.machine.phase, DISCONNECTED)

    def test_a_request_that_is_lost_again_and_again_does_not_make_a_busy_loop(self) -> None:
        self.connect()
        self.written()
        for losses in range(2):
            self.sent()
            self.machine.lost("gone", 100.0)
            self.assertEqual(self.machine.retry_at > 100.0, losses > 0)
            self.connect(RESUMED)


class TimeTests(MachineTestCase):
    def test_a_number_whose_caller_has_gone_stays_unacknowledged(self) -> None:
        self.connect()
        pending = self.written()
        self.sent()
        self.machine.expire(pending, 1.0)
        self.assertIsInstance(pending.error, TimedOut)
        self.written()
        self.assertEqual(self.sent(), [(17, 2, 1)])
        self.reply(pending)
        self.written()
        self.assertEqual(self.sent(), [(17, 3, 2)])

    def test_a_request_that_was_not_sent_is_taken_back(self) -> None:
        self.connect(kept=1)
        first, second = self.written(), self.written()
        self.assertEqual(self.sent(), [(17, 1, 1)])
        self.machine.expire(second, 1.0)
        self.assertIsInstance(second.error, TimedOut)
        self.reply(first)
        self.assertEqual(self.sent(), [])

    def test_the_window_lets_no_more_numbers_out_than_the_daemon_keeps(self) -> None:
        self.connect(kept=2)
        requests = [self.written() for _ in range(4)]
        self.assertEqual(self.sent(), [(17, 1, 1), (17, 2, 1)])
        self.reply(requests[1])
        self.assertEqual(self.sent(), [])
        self.reply(requests[0])
        self.assertEqual(self.sent(), [(17, 3, 3), (17, 4, 3)])

    def test_a_daemon_that_is_silent_for_long_is_given_up(self) -> None:
        self.make(timeout=1.0)
        self.connect()
        for now in (1.0, 4.9):
            self.machine.expire(self.read(), now)
            self.assertEqual(self.machine.phase, CONNECTED)
        self.machine.expire(self.read(), 5.0)
        self.assertEqual((self.machine.phase, self.hung_up), (DISCONNECTED, 1))

    def test_there_is_a_bound_on_requests(self) -> None:
        self.connect()
        for _ in range(65_536):
            self.read()
        self.assertIsInstance(self.read().error, TooManyRequests)


class AbsenceTests(MachineTestCase):
    def fail(self, *, is_vacant: bool = True, now: float = 0.0) -> None:  # type: ignore[override]
        self.machine.begin_connecting()
        self.machine.connect_failed("nobody", is_vacant, False, 1.0, now)

    def test_each_call_that_fails_closed_is_told_by_an_attempt_that_began_after_it(self) -> None:
        first = self.read()
        self.machine.begin_connecting()
        second = self.read()
        self.machine.connect_failed("nobody", True, False, 1.0, 1.0)
        self.assertIsInstance(first.error, Unavailable)
        self.assertFalse(second.is_done)
        self.assertTrue(self.machine.wants_connection and self.machine.retry_at <= 1.0)
        self.fail(now=1.0)
        self.assertIsInstance(second.error, Unavailable)

    def test_a_daemon_that_cannot_keep_up_is_left_alone_until_the_backoff_ends(self) -> None:
        pending = self.read()
        self.fail(is_vacant=False, now=1.0)
        self.assertIsInstance(pending.error, Unavailable)
        self.assertIsInstance(self.request(protocol.PingRequest(), now=1.01).error, Unavailable)
        later = self.request(protocol.PingRequest(), now=1.06)
        self.assertFalse(later.is_done)

    def test_reports_are_kept_and_sent_first(self) -> None:
        self.make(fails_open=True, queue_limit=2)
        record = protocol.BreakerFailureRequest("p")
        reports = [self.request(record, is_report=True) for _ in range(2)]
        self.fail()
        self.assertEqual([one.is_kept for one in reports], [True, True])
        self.request(record, is_report=True, now=0.01)
        self.assertEqual((self.machine.queued_reports, self.machine.dropped_reports), (2, 1))
        self.machine.retry_at = 0.0
        self.read()
        self.connect()
        self.assertEqual(self.sent(), [(18, 1, 1), (18, 2, 1), (3, None, None)])

    def test_a_client_that_holds_permits_is_back_within_a_third_of_the_grace(self) -> None:
        self.connect(grace=300)
        self.lose()
        for _ in range(8):
            self.machine.begin_connecting()
            self.machine.connect_failed("nobody", False, True, 1.0, 10.0)
        self.assertAlmostEqual(self.machine.retry_at, 10.1)

    def test_the_backoff_doubles_up_to_its_bound_and_is_spread(self) -> None:
        backoff = Backoff(0.05, 0.3)
        self.assertEqual([backoff.after_failure(1.0) for _ in range(4)], [0.05, 0.1, 0.2, 0.3])
        self.assertEqual(backoff.after_failure(0.0), 0.15)
        backoff.succeeded()
        self.assertEqual(backoff.after_failure(1.0), 0.05)


class SettleTests(MachineTestCase):
    def permit(self, epoch: int = 7) -> Granted:
        return Granted(route("p"), (), number=5, epoch=epoch)

    def test_a_report_takes_the_place_of_a_settle_whose_permit_is_not_known(self) -> None:
        self.connect(epoch=7)
        pending = settle(self.permit(), CallEnd("success"), None, True)
        self.machine.submit(pending, 0.0)
        self.assertEqual(self.sent(), [(97, 1, 1)])
        self.reply(pending, Status.NOT_FOUND)
        self.assertEqual((pending.is_done, self.sent()), (False, [(98, 2, 2)]))

    def test_a_permit_of_another_epoch_is_settled_by_a_report(self) -> None:
        self.connect(epoch=8)
        self.machine.submit(settle(self.permit(epoch=7), CallEnd("success"), None, True), 0.0)
        self.assertEqual(self.sent(), [(98, 1, 1)])

    def test_a_permit_that_is_granted_too_late_is_given_back(self) -> None:
        self.connect()
        pending = admit((route("p"),), (), Estimate(), 60.0, Turn(), 0.0)
        self.machine.submit(pending, 0.0)
        self.machine.expire(pending, 1.0)
        self.sent()
        granted = protocol.AdmissionAdmitReply(permit=9, decision=AdmissionDecision(candidate=0))
        self.reply(pending, payload=encoded(granted))
        self.assertEqual(self.sent(), [(97, 2, 2)])
        self.machine.abandon(pending)
        denied = admit((route("p"),), (), Estimate(), 60.0, Turn(), 0.0)
        self.machine.submit(denied, 0.0)
        self.machine.abandon(denied)
        self.sent()
        self.reply(denied, payload=encoded(protocol.AdmissionAdmitReply()))
        self.assertEqual(self.sent(), [])


class ClosingTests(MachineTestCase):
    def test_reports_without_a_reply_are_left_in_their_order(self) -> None:
        record = protocol.BreakerFailureRequest("p")
        self.connect(kept=2)
        sent = [self.request(record, is_report=True) for _ in range(2)]
        read = self.read()
        waiting = self.request(record, is_report=True)
        asked = self.written()
        self.sent()
        left = self.machine.close(keeps_reports=True)
        self.assertEqual(left, [*sent, waiting])
        self.assertEqual([(one.sequence, one.may_have_left) for one in left], [(1, True), (2, True), (3, False)])
        self.assertTrue(all(one.is_kept for one in left))
        for request in (read, asked):
            self.assertIsInstance(request.error, ClientClosed)
        self.assertIsInstance(self.read().error, ClientClosed)
        self.assertEqual(self.hung_up, 1)

    def test_goodbye_waits_until_nothing_might_have_to_be_sent_again(self) -> None:
        self.connect()
        pending = self.written()
        goodbye = self.request(protocol.GoodbyeRequest())
        self.assertEqual(self.sent(), [(17, 1, 1)])
        self.reply(pending)
        self.assertEqual(self.sent(), [(2, None, None)])
        self.reply(goodbye)
        self.assertEqual(self.machine.close(keeps_reports=True), [])


class WindowTests(unittest.TestCase):
    def test_the_oldest_number_without_a_reply(self) -> None:
        window = SequenceWindow()
        numbers = [window.issue() for _ in range(5)]
        self.assertEqual((numbers, window.oldest), ([1, 2, 3, 4, 5], 1))
        for closed, oldest in ((3, 1), (2, 1), (1, 4), (1, 4), (5, 4), (4, 6), (9, 6)):
            window.close(closed)
            self.assertEqual(window.oldest, oldest)
        self.assertTrue(window.is_quiet)


if __name__ == "__main__":
    unittest.main()
