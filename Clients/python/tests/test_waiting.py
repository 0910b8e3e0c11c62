"""Calls that wait for their turn, against a real daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from fusebox_client import AdmissionDenied, AsyncClient, Client, ClientClosed, InvalidArgument, protocol
from fusebox_client.protocol.types import DenialReason, PermitStanding

from .support import PATIENCE, Daemon, place, wait_until
from .test_aio import SOURCE, AsyncTestCase
from .test_client import ClientTestCase, ProviderError

WAIT = 300.0
"""Longer than any test takes."""
KILLS = int(os.environ.get("FUSEBOX_CRASH_CYCLES", "6"))


class Threads:
    """Calls in threads of their own."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []

    def start(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                self.errors.append(error)
                raise

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def join(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE)
            if thread.is_alive():
                raise AssertionError("a call has not ended")
        if self.errors:
            raise self.errors[0]


class WaitingTestCase(ClientTestCase):
    """Each test has a provider of its own with one place in flight."""

    def setUp(self) -> None:
        self.provider = self.id().rsplit(".", 1)[-1].replace("_", "-")
        self.observer = self.client(timeout=PATIENCE)
        self.limit("1 in flight")

    def limit(self, text: str) -> None:
        self.daemon.run("limit", "set", "--provider", self.provider, text)

    def waiting(self) -> int:
        """How many calls wait for this provider."""
        pages = self.observer.pages(protocol.AdmissionWaitingRequest())
        calls = [call for page in pages for call in page.entries]
        return sum(call.candidates[0].provider == self.provider for call in calls)

    def wait_for(self, waiting: int) -> None:
        wait_until(lambda: self.waiting() == waiting)

    def place(self) -> int:
        return self.in_flight(self.observer, self.provider)


class TurnTests(WaitingTestCase):
    def test_calls_get_their_turns_in_order(self) -> None:
        client, threads = self.client(), Threads()
        order: list[str] = []
        with client.permit(self.provider):
            for place, (name, priority) in enumerate(
                (("first", 3), ("second", 3), ("urgent", 0), ("idle", 7)), start=1
            ):

                def work(name: str = name, priority: int = priority) -> None:
                    with client.permit(self.provider, wait=timedelta(seconds=WAIT), priority=priority):
                        order.append(name)

                threads.start(work)
                self.wait_for(place)
        threads.join()
        self.assertEqual(order, ["urgent", "first", "second", "idle"])
        self.assertEqual(self.place(), 0)

    def test_one_that_polls_gets_nothing_while_others_wait(self) -> None:
        client, poller, threads = self.client(), self.client(), Threads()
        stops, polls, reasons = threading.Event(), [0], set()
        served: list[int] = []
        waiters = 12

        def poll() -> None:
            while not stops.is_set():
                try:
                    poller.settle(poller.admit(self.provider), "cancelled")
                    raise AssertionError("the poller was let through")
                except AdmissionDenied as denied:
                    polls[0] += 1
                    reasons.add(denied.denials[0].reason)

        def work(number: int) -> None:
            with client.permit(self.provider, wait=WAIT):
                asked = polls[0]
                wait_until(lambda: polls[0] > asked + 2)
                served.append(number)
                if len(served) == waiters:
                    stops.set()
                    polling.join(PATIENCE)

        with client.permit(self.provider):
            for number in range(waiters):
                threads.start(lambda number=number: work(number))  # type: ignore[misc]
                self.wait_for(number + 1)
            polling = threading.Thread(target=poll)
            polling.start()
        threads.join()
        self.assertEqual(served, list(range(waiters)))
        self.assertTrue(stops.is_set() and not polling.is_alive())
        self.assertLessEqual(reasons, {DenialReason.LIMIT, DenialReason.WAITING})

    def test_a_call_that_waits_in_vain_is_told_why(self) -> None:
        client = self.client(timeout=PATIENCE)
        with client.permit(self.provider):
            began = time.monotonic()
            with self.assertRaises(AdmissionDenied) as caught, client.permit(self.provider, wait=0.3):
                self.fail("it was let through")
            self.assertGreaterEqual(time.monotonic() - began, 0.3)
        self.assertEqual([one.reason for one in caught.exception.denials], [DenialReason.LIMIT])
        self.assertEqual((self.waiting(), self.place()), (0, 0))

    def test_what_cannot_be_lifted_in_time_is_denied_at_once(self) -> None:
        client = self.client()
        client.call(protocol.ExhaustionMarkRequest(self.provider, 600_000))
        with self.assertRaises(AdmissionDenied) as caught:
            client.admit(self.provider, wait=10)
        self.assertEqual(caught.exception.denials[0].reason, DenialReason.EXHAUSTED)

    def test_a_permit_of_a_call_that_has_waited_is_settled_like_any_other(self) -> None:
        client, threads = self.client(), Threads()
        permits: list[Any] = []
        first = client.admit(self.provider)
        threads.start(lambda: permits.append(client.admit([self.provider], cost=1, wait=WAIT)))
        self.wait_for(1)
        client.settle(first)
        threads.join()
        self.assertEqual(client.settle(permits[0]).standing, PermitStanding.IN_FORCE)

    def test_arguments_are_checked(self) -> None:
        for name, values in (
            ("wait", (-1, 86_401, timedelta(days=2), float("nan"), "30", True, [30])),
            ("priority", (8, -1, 2.5, "3", None)),
            ("ttl", ("60", None)),
            ("longest", ("60", None)),
        ):
            for value in values:
                with self.subTest(name, value=value), self.assertRaisesRegex(InvalidArgument, f"^{name}: "):
                    self.observer.permit("p", **{name: value}).__enter__()  # type: ignore[arg-type]

    def test_no_wait_is_told_by_none(self) -> None:
        with self.observer.permit("none/m", wait=None) as permit:
            self.assertFalse(permit.is_assumed)
        self.assertEqual(self.observer.run_with_failover(["none/m"], lambda permit: permit.route, wait=None), "none/m")

    def test_all_candidates_of_a_call_wait_for_its_time_together(self) -> None:
        waits: list[float] = []

        class Recording(Client):
            def permit(self, *arguments: Any, **options: Any) -> Any:
                waits.append(options["wait"])
                return super().permit(*arguments, **options)

        client = Recording(self.daemon.socket, spool=False)
        self.addCleanup(client.close)

        def ask(permit: Any) -> None:
            raise ProviderError(503)

        with self.assertRaises(ProviderError):
            client.run_with_failover(["a-first", "a-second"], ask, wait=10, priority=1)
        self.assertTrue(10 >= waits[0] > waits[1] > 0, waits)


class WithdrawalTests(WaitingTestCase):
    @contextmanager
    def interruption(self, condition: Callable[[], bool]) -> Iterator[None]:
        """Presses Ctrl-C in this thread, once something holds."""

        def press() -> None:
            wait_until(condition)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=press)
        thread.start()
        with self.assertRaises(KeyboardInterrupt):
            yield
        thread.join()

    def test_an_interruption_withdraws(self) -> None:
        client = self.client()
        with client.permit(self.provider):
            with self.interruption(lambda: self.waiting() == 1), client.permit(self.provider, wait=WAIT):
                self.fail("it was let through")
            self.assertEqual(self.waiting(), 0)

    def test_an_interruption_withdraws_though_another_thread_reads(self) -> None:
        client, threads = self.client(), Threads()
        with client.permit(self.provider):
            threads.start(lambda: client.settle(client.admit(self.provider, wait=WAIT)))
            self.wait_for(1)
            with self.interruption(lambda: self.waiting() == 2), client.permit(self.provider, wait=WAIT):
                self.fail("it was let through")
            self.wait_for(1)
        threads.join()
        self.assertEqual(self.place(), 0)

    def test_a_permit_that_comes_with_the_interruption_is_given_back(self) -> None:
        client, holder = self.client(timeout=PATIENCE), self.client(timeout=PATIENCE)
        for _ in range(20):
            held = holder.admit(self.provider)

            def settle(held: Any = held) -> bool:
                if self.waiting() != 1:
                    return False
                holder.settle(held, "cancelled")
                return True

            with self.interruption(settle), client.permit(self.provider, wait=WAIT, ttl=3600):
                # The permit came first.
                while True:
                    time.sleep(1)
            wait_until(lambda: (self.waiting(), self.place()) == (0, 0))

    def test_closing_ends_a_wait(self) -> None:
        client, threads = Client(self.daemon.socket, spool=False), Threads()
        errors: list[Exception] = []

        def work() -> None:
            try:
                client.admit(self.provider, wait=WAIT)
            except ClientClosed as error:
                errors.append(error)

        with self.observer.permit(self.provider):
            for waiting in (1, 2):
                threads.start(work)
                self.wait_for(waiting)
            client.close()
            threads.join()
            self.wait_for(0)
        self.assertEqual((len(errors), self.place()), (2, 0))

    def test_a_killed_worker_that_waits_frees_nothing_that_it_did_not_hold(self) -> None:
        client = self.client()
        with client.permit(self.provider):
            program = f"import sys; sys.path.insert(0, {SOURCE!r}); from fusebox_client import Client; "
            program += f"Client({self.daemon.socket!r}, spool=False).admit({self.provider!r}, wait=60)"
            worker = subprocess.Popen([sys.executable, "-c", program])
            self.wait_for(1)
            worker.kill()
            worker.wait()
            self.wait_for(0)
            self.assertEqual(self.place(), 1)
            with self.assertRaises(AdmissionDenied):
                client.admit(self.provider)
        self.assertEqual(self.place(), 0)


class RestartTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.daemon.run("limit", "set", "--provider", "p", "1 in flight")

    def client(self, **options: Any) -> Client:
        client = Client(self.daemon.socket, spool=False, **{"timeout": PATIENCE, **options})
        self.addCleanup(client.close)
        return client

    def waiting(self) -> int:
        return self.observer.call(protocol.AdmissionWaitingRequest()).waiting

    def test_waits_outlive_the_daemon(self) -> None:
        """The daemon is killed twice; the calls that wait keep their order and are let through after it."""
        self.observer = self.client(timeout=PATIENCE, restart_patience=PATIENCE)
        holder, client, threads = self.client(), self.client(), Threads()
        order: list[int] = []

        def work(number: int) -> None:
            with client.permit("p", wait=WAIT) as permit:
                order.append(number)
                permit.usage(cost="0.000000001")

        with holder.permit("p"):
            for number in range(3):
                threads.start(lambda number=number: work(number))  # type: ignore[misc]
                wait_until(lambda number=number: self.waiting() == number + 1)  # type: ignore[misc]
            for _ in range(2):
                self.daemon.kill()
                self.daemon.start()
                wait_until(lambda: self.waiting() == 3)
        threads.join()
        self.assertEqual(order, [0, 1, 2])
        account = self.observer.call(protocol.LedgerProviderRequest("p")).account
        assert account is not None
        self.assertEqual((account.usage.spend.nanodollars, account.in_flight), (3, 0))

    def test_a_client_that_fails_open_goes_on_without_the_daemon(self) -> None:
        self.observer = self.client()
        client, threads = self.client(failure_policy="fail_open"), Threads()
        permits: list[Any] = []
        self.observer.admit("p")
        threads.start(lambda: permits.append(client.admit("p", wait=WAIT)))
        wait_until(lambda: self.waiting() == 1)
        self.daemon.kill()
        threads.join()
        self.assertTrue(permits[0].is_assumed)


class AsyncWaitingTests(AsyncTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.daemon.run("limit", "set", "--provider", "p", "1 in flight")
        self.observer = Client(self.daemon.socket, spool=False, timeout=PATIENCE, restart_patience=PATIENCE)
        self.addCleanup(self.observer.close)

    def waiting(self) -> int:
        return self.observer.call(protocol.AdmissionWaitingRequest()).waiting

    def in_flight(self) -> int:
        account = self.observer.call(protocol.LedgerProviderRequest("p")).account
        return account.in_flight if account else 0

    async def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, place(condition))
            await asyncio.sleep(0.005)

    async def test_many_tasks_wait_on_one_connection(self) -> None:
        self.daemon.run("limit", "set", "--provider", "p", "4 in flight")
        client = self.client()
        running, most, done = 0, 0, 0

        async def work() -> None:
            nonlocal running, most, done
            async with client.permit("p", cost=0.01, wait=WAIT) as permit:
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                permit.usage(cost="0.000000001")
                running -= 1
                done += 1

        await asyncio.gather(*(work() for _ in range(200)))
        account = await self.account(client)
        self.assertEqual((done, account.usage.spend.nanodollars, account.in_flight), (200, 200, 0))
        self.assertLessEqual(most, 4)
        self.assertEqual((await client.call(protocol.StatusRequest())).connections, 1)
        totals = (await client.call(protocol.AdmissionPermitsRequest())).totals
        self.assertEqual((totals.granted, totals.settled), (200, 200))

    async def test_turns_are_taken_in_order(self) -> None:
        client = self.client()
        order: list[int] = []

        async def work(number: int) -> None:
            async with client.permit("p", wait=WAIT):
                order.append(number)

        async with client.permit("p"):
            tasks = []
            for number in range(5):
                tasks.append(asyncio.create_task(work(number)))
                await self.until(lambda number=number: self.waiting() == number + 1)  # type: ignore[misc]
        await asyncio.gather(*tasks)
        self.assertEqual(order, list(range(5)))

    async def test_a_cancelled_task_withdraws(self) -> None:
        client = self.client()
        async with client.permit("p"):
            task = asyncio.create_task(client.admit("p", wait=WAIT))
            await self.until(lambda: self.waiting() == 1)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await self.until(lambda: self.waiting() == 0)
            self.assertEqual(self.in_flight(), 1)

    async def test_a_timeout_withdraws(self) -> None:
        client = self.client()
        async with client.permit("p"):
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(client.permit("p", wait=WAIT).__aenter__(), 0.2)
            await self.until(lambda: self.waiting() == 0)

    async def test_a_permit_that_comes_with_the_cancellation_is_given_back(self) -> None:
        client = self.client()
        for _ in range(10):
            held = self.observer.admit("p")
            task = asyncio.create_task(client.admit("p", wait=WAIT))
            await self.until(lambda: self.waiting() == 1)
            # The loop stands still while the permit is granted, so that the cancellation comes first.
            self.observer.settle(held, "cancelled")
            wait_until(lambda: self.waiting() == 0 and self.in_flight() == 1)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await self.until(lambda: self.in_flight() == 0)
        totals = self.observer.call(protocol.AdmissionPermitsRequest()).totals
        self.assertEqual((totals.granted, totals.settled), (20, 20))

    async def test_a_task_waits_in_vain(self) -> None:
        client = self.client(timeout=PATIENCE)
        async with client.permit("p"):
            with self.assertRaises(AdmissionDenied) as caught:
                await client.admit("p", wait=0.2)
        self.assertEqual(caught.exception.denials[0].reason, DenialReason.LIMIT)

    async def test_a_wait_outlives_the_daemon(self) -> None:
        client = self.client()
        async with client.permit("p") as held:
            task = asyncio.create_task(client.admit("p", wait=WAIT))
            await self.until(lambda: self.waiting() == 1)
            await self.restart()
            await self.until(lambda: self.waiting() == 1)
        assert held.settling is not None
        self.assertEqual(held.settling.standing, PermitStanding.IN_FORCE)
        permit = await task
        self.assertEqual((await client.settle(permit)).standing, PermitStanding.IN_FORCE)

    async def test_turns_under_kills(self) -> None:
        """The daemon is killed again and again while tasks wait. Some are cancelled; every other call counts once."""
        self.daemon.run("limit", "set", "--provider", "p", "2 in flight")
        clients = [self.client(timeout=PATIENCE, restart_patience=PATIENCE) for _ in range(3)]
        made = 0
        stops = False

        async def work(client: AsyncClient, number: int) -> None:
            nonlocal made
            turn = 0
            while not stops:
                turn += 1
                if (number + turn) % 7 == 0:
                    task = asyncio.create_task(client.permit("p", wait=WAIT, ttl=3600).__aenter__())
                    await asyncio.wait([task], timeout=0.001 * (turn % 20))
                    if not task.done():
                        task.cancel()
                        continue
                    await task.result().finish()
                else:
                    async with client.permit("p", wait=WAIT, ttl=3600) as permit:
                        permit.usage(cost="0.000000001")
                        await asyncio.sleep(0)
                    made += 1

        working = asyncio.gather(*(work(client, number) for client in clients for number in range(15)))
        for _ in range(KILLS):
            before = made
            await self.until(lambda before=before: made > before + 20)  # type: ignore[misc]
            await self.restart()
        stops = True
        await working
        await self.until(lambda: self.waiting() == 0 and self.in_flight() == 0)
        # No request is left over.
        machines = [client._here().machine for client in clients]
        await self.until(lambda: not any(machine.live for machine in machines))
        self.assertEqual((await self.account(clients[0])).usage.spend.nanodollars, made)

    async def test_a_task_is_cancelled_while_the_daemon_is_away(self) -> None:
        client = self.client()
        async with client.permit("p"):
            task = asyncio.create_task(client.admit("p", wait=WAIT))
            await self.until(lambda: self.waiting() == 1)
            self.daemon.kill()
            await self.until(lambda: client.hello is None)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(self.daemon.start)
            await self.until(lambda: client.hello is not None)
            await client.call(protocol.PingRequest())
            self.assertEqual((self.waiting(), self.in_flight()), (0, 1))

    async def test_closing_ends_a_wait(self) -> None:
        client = AsyncClient(self.daemon.socket, spool=False)
        held = self.observer.admit("p")
        task = asyncio.create_task(client.admit("p", wait=WAIT))
        await self.until(lambda: self.waiting() == 1)
        await client.close()
        with self.assertRaises(ClientClosed):
            await task
        await self.until(lambda: self.waiting() == 0)
        self.observer.settle(held)
        self.assertEqual(self.in_flight(), 0)


if __name__ == "__main__":
    unittest.main()
