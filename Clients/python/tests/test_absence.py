"""The blocking client while the daemon is away, hangs or restarts."""

from __future__ import annotations

import signal
import socket
import tempfile
import threading
import time
import unittest
from typing import Any

from fusebox_client import (
    Client,
    ClientClosed,
    TimedOut,
    Unavailable,
    Usage,
    protocol,
)
from fusebox_client.protocol.types import PermitStanding

from .support import Daemon, wait_until


class AbsenceTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def client(self, **options: Any) -> Client:
        client = Client(self.daemon.socket, **{"spool": self.daemon.spool, **options})
        self.addCleanup(client.close)
        return client

    def spend(self, client: Client, provider: str) -> str:
        account = client.call(protocol.LedgerProviderRequest(provider)).account
        assert account is not None
        return str(account.usage.spend)

    def test_a_client_that_fails_closed_says_so_at_once_and_finds_the_daemon_again(self) -> None:
        client = self.client()
        client.connect()
        self.daemon.kill()
        for _ in range(3):
            began = time.monotonic()
            with self.assertRaises(Unavailable), client.permit("p"):
                self.fail("it was admitted")
            self.assertLess(time.monotonic() - began, 0.5)
        self.daemon.start()
        with client.permit("p"):
            pass

    def test_a_client_that_fails_open_makes_calls_and_tells_them_later(self) -> None:
        client = self.client(failure_policy="fail_open", backoff=(0.01, 0.02))
        self.daemon.kill()
        with client.permit(["p/m", "q"], tags=["t"]) as permit:
            self.assertEqual((permit.route, permit.is_assumed), ("p/m", True))
            permit.usage(cost=1)
        assert permit.settling is not None
        self.assertEqual((permit.settling.delivery, client.queued_reports), ("queued", 1))
        self.assertEqual(client.send_report(protocol.LedgerRecordRequest("p", model="m", cost=None)), "queued")
        self.assertIsNone(client.decide(protocol.ExhaustionGetRequest("p")))
        self.daemon.start()
        wait_until(lambda: client.decide(protocol.PingRequest()) is not None)
        self.assertEqual(self.spend(client, "p"), "1")
        self.assertEqual((client.queued_reports, client.dropped_reports), (0, 0))

    def test_the_oldest_report_is_dropped_when_the_queue_is_full(self) -> None:
        client = self.client(failure_policy="fail_open", queue_limit=2, backoff=(0.01, 0.02), spool=False)
        self.daemon.kill()
        for cost in ("1", "2", "4"):
            client.report("p", usage=Usage(cost=cost))
        self.assertEqual((client.queued_reports, client.dropped_reports), (2, 1))
        self.daemon.start()
        wait_until(lambda: client.decide(protocol.PingRequest()) is not None)
        self.assertEqual(self.spend(client, "p"), "6")

    def test_a_settle_is_kept_also_where_calls_fail_closed(self) -> None:
        client = self.client()
        with client.permit("p") as permit:
            permit.usage(cost=3)
            self.daemon.kill()
        assert permit.settling is not None
        self.assertEqual(permit.settling.delivery, "queued")
        self.daemon.start()
        self.assertEqual(self.spend(client, "p"), "3")

    def test_calls_wait_for_a_restart_if_they_are_told_to(self) -> None:
        client = self.client(timeout=20, restart_patience=20)
        client.connect()
        self.daemon.kill()
        answers: list[object] = []
        thread = threading.Thread(target=lambda: answers.append(client.call(protocol.PingRequest())))
        thread.start()
        self.daemon.start()
        thread.join()
        self.assertEqual(len(answers), 1)

    def test_the_first_call_waits_for_a_daemon_that_is_about_to_start(self) -> None:
        client = self.client(timeout=20, restart_patience=20)
        self.daemon.kill()
        answers: list[object] = []
        thread = threading.Thread(target=lambda: answers.append(client.call(protocol.PingRequest())))
        thread.start()
        self.daemon.start()
        thread.join()
        self.assertEqual(len(answers), 1)

    def test_a_daemon_that_hangs_is_waited_for_within_the_timeout(self) -> None:
        client = self.client(timeout=0.3)
        client.connect()
        assert self.daemon.process is not None
        self.daemon.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            with self.assertRaises(TimedOut):
                client.admit("p")
            self.assertLess(time.monotonic() - began, 1.0)
        finally:
            self.daemon.process.send_signal(signal.SIGCONT)
        # The permit was granted to nobody. The client gives it back when it learns of it.
        self.client().call(protocol.PingRequest())
        wait_until(lambda: self.has_none_in_flight(client))

    def has_none_in_flight(self, client: Client) -> bool:
        account = client.call(protocol.LedgerProviderRequest("p")).account
        return account is not None and account.in_flight == 0 and account.usage.requests == 0

    def test_something_else_that_listens_is_no_daemon(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for answer in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            path = f"{folder.name}/{len(answer)}"
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen()

            def serve(listener: socket.socket = listener, answer: bytes = answer) -> None:
                peer, _ = listener.accept()
                with peer:
                    peer.recv(1000)
                    peer.send(answer)

            thread = threading.Thread(target=serve)
            thread.start()
            with Client(path, spool=False) as client, self.assertRaises(Unavailable):
                client.connect()
            thread.join()
            listener.close()

    def test_a_held_permit_survives_a_restart(self) -> None:
        client = self.client()
        with client.permit("p") as permit:
            self.daemon.kill()
            self.daemon.start()
            wait_until(lambda: client.hello is not None)
        assert permit.settling is not None
        self.assertEqual(permit.settling.standing, PermitStanding.IN_FORCE)

    def test_a_permit_is_renewed_while_its_call_runs(self) -> None:
        client = self.client()
        observer = self.client()
        with client.permit("p", ttl=0.6) as permit:
            first = permit.permit.expires_at
            assert first is not None
            wait_until(lambda: observer.call(protocol.PingRequest()).now > first + 300)
        assert permit.settling is not None
        self.assertEqual(permit.settling.standing, PermitStanding.IN_FORCE)

    def test_a_permit_without_a_block_ends_by_its_time_to_live(self) -> None:
        client = self.client()
        permit = client.admit("p", ttl=0.2)
        self.assertTrue(client.renew(permit, ttl=0.4))
        wait_until(lambda: client.settle(permit, "cancelled").standing == PermitStanding.SETTLED, 5)

    def test_a_client_that_nobody_refers_to_leaves_its_reports(self) -> None:
        client = Client(self.daemon.socket, spool=self.daemon.spool, failure_policy="fail_open")
        self.daemon.kill()
        client.report("p", usage=Usage(cost=5))
        with self.assertLogs("fusebox_client", "WARNING") as logged:
            del client
        self.assertIn("what it was not told (1) is in", logged.output[0])
        self.daemon.start()
        other = self.client()
        other.connect()
        other.wait_for_spool(20)
        self.assertEqual(self.spend(other, "p"), "5")

    def test_closing_ends_the_calls_of_other_threads(self) -> None:
        client = self.client(timeout=30)
        client.connect()
        assert self.daemon.process is not None
        self.daemon.process.send_signal(signal.SIGSTOP)
        endings: list[Exception] = []

        def call() -> None:
            try:
                client.call(protocol.PingRequest())
            except ClientClosed as closed:
                endings.append(closed)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(client._process.exchange._machine.sent) == 4)
        client.close(0.05)
        for thread in threads:
            thread.join(10)
        self.daemon.process.send_signal(signal.SIGCONT)
        self.assertEqual(len(endings), 4)

    def test_a_closed_client_says_so(self) -> None:
        client = self.client()
        client.connect()
        client.close()
        with self.assertRaises(ClientClosed):
            client.call(protocol.PingRequest())


if __name__ == "__main__":
    unittest.main()
