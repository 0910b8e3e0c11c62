"""A call that is interrupted anywhere: its permit is given back or settled, and its client goes on.

Signal handlers run in the main thread between two steps of the interpreter: after calls, at the beginning of functions,
at the end of loops. The tests raise at such a point, in turn at each of them.
"""

from __future__ import annotations

import dis
import os
import sys
import threading
import unittest
from collections.abc import Callable
from types import FrameType
from typing import Any
from unittest import mock

from fusebox_client import Client, protocol

from .support import PATIENCE, Daemon, wait_until

STEP = 1 if os.environ.get("FUSEBOX_INTERRUPTIONS") == "all" else 11
"""Every so many points are tried."""
LEAST_POINTS = 100
WAIT = 300.0
_AFTER = ("CALL", "RESUME", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "POP_JUMP_BACKWARD")
"""The instructions after which handlers run begin so."""


class SoftTimeLimit(Exception):
    """What a handler of celery raises."""


class Interrupter:
    """Raises at one point of the package's code in this thread."""

    def __init__(self, point: int) -> None:
        self._left = point
        self.place: str | None = None
        """Where it has raised; None: the code has fewer points."""

    def __enter__(self) -> None:
        # Python 3.12 tells of instructions only if a frame has asked before the tracing begins.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self._enter)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> bool:
        sys.settrace(None)
        return isinstance(error, (KeyboardInterrupt, SoftTimeLimit))

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        if "fusebox_client" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        instructions, before = frame.f_code.co_code, ""

        def step(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            if event == "opcode":
                if before.startswith(_AFTER):
                    self._pass(frame)
                before = dis.opname[instructions[frame.f_lasti]]
            return step

        return step

    def _pass(self, frame: FrameType) -> None:
        self._left -= 1
        if self._left or self.place is not None:
            return
        self.place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
        # A trace function that raises is not called again.
        raise (KeyboardInterrupt if frame.f_lineno % 2 else SoftTimeLimit)


class InterruptionTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.run("limit", "set", "--provider", "p", "1 in flight")
        cls.observer = Client(cls.daemon.socket, spool=False, timeout=PATIENCE)
        cls.addClassCleanup(cls.observer.close)

    daemon: Daemon
    observer: Client

    def waiting(self) -> int:
        return self.observer.call(protocol.AdmissionWaitingRequest()).waiting

    def in_flight(self) -> int:
        account = self.observer.call(protocol.LedgerProviderRequest("p")).account
        return account.in_flight if account else 0

    def check(self, call: Callable[[Client, Interrupter], None]) -> None:
        """Makes the call again and again, interrupted at one point after the other."""
        # What is raised in a finalizer is printed and goes no further.
        hook = mock.patch.object(sys, "unraisablehook")
        hook.start()
        self.addCleanup(hook.stop)
        point, ends = 1, 0
        while ends < 3:
            client, interrupter = Client(self.daemon.socket, spool=False, timeout=PATIENCE), Interrupter(point)
            call(client, interrupter)
            point += STEP
            if interrupter.place is None:
                # How many points there are depends on the other threads, so this may not be the end yet.
                ends += 1
                client.close()
                continue
            ends = 0
            with self.subTest(interrupter.place):
                wait_until(lambda: (self.waiting(), self.in_flight()) == (0, 0))
                # The client goes on, and no number stays without a reply.
                client.settle(client.admit("other"))
                machine = client._process.exchange._machine
                self.assertEqual((machine.live, machine.window.is_quiet), ({}, True))
            client.close()
        self.assertGreater(point, LEAST_POINTS)

    def release(self, held: Any, waiters: int, is_over: threading.Event) -> threading.Thread:
        """Gives a place back as soon as so many calls wait for it, or the call is over."""

        def settle() -> None:
            wait_until(lambda: self.waiting() == waiters or is_over.is_set())
            self.observer.settle(held, "cancelled")

        thread = threading.Thread(target=settle)
        thread.start()
        return thread

    def test_a_call(self) -> None:
        def call(client: Client, interrupter: Interrupter) -> None:
            with interrupter, client.permit("p", ttl=3600) as permit:
                permit.usage(input_tokens=1)

        self.check(call)

    def test_a_call_that_waits_for_its_turn(self) -> None:
        def call(client: Client, interrupter: Interrupter) -> None:
            client.connect()
            is_over = threading.Event()
            releasing = self.release(self.observer.admit("p", ttl=3600), 1, is_over)
            with interrupter, client.permit("p", wait=WAIT, ttl=3600):
                pass
            is_over.set()
            releasing.join()

        self.check(call)

    def test_a_call_that_waits_while_another_thread_reads(self) -> None:
        def call(client: Client, interrupter: Interrupter) -> None:
            is_through, is_over = threading.Event(), threading.Event()

            def other() -> None:
                with client.permit("p", wait=WAIT):
                    is_through.set()

            held = self.observer.admit("p", ttl=3600)
            reading = threading.Thread(target=other)
            reading.start()
            wait_until(lambda: self.waiting() == 1)
            releasing = self.release(held, 2, is_over)
            with interrupter, client.permit("p", wait=WAIT, ttl=3600):
                pass
            is_over.set()
            releasing.join()
            self.assertTrue(is_through.wait(PATIENCE), interrupter.place)
            reading.join()

        self.check(call)

    def test_a_permit_that_nobody_settles_is_abandoned_when_it_is_forgotten(self) -> None:
        """The collector may run anywhere, also in a thread that holds the client's locks."""
        client = Client(self.daemon.socket, spool=False, timeout=PATIENCE)
        self.addCleanup(client.close)
        settled = self.totals().settled
        held = [client.permit("p", ttl=3600)]
        held[0].__enter__()
        self.assertEqual(self.in_flight(), 1)

        def forget() -> None:
            with client._process.exchange._lock, client._process.renewals._lock:
                held.clear()

        forgetting = threading.Thread(target=forget, daemon=True)
        forgetting.start()
        forgetting.join(PATIENCE)
        self.assertFalse(forgetting.is_alive())
        # It is settled although the client makes no further call.
        wait_until(lambda: self.totals().settled == settled + 1)
        self.assertEqual(self.in_flight(), 0)

    def totals(self) -> protocol.PermitTotals:
        return self.observer.call(protocol.AdmissionPermitsRequest()).totals


if __name__ == "__main__":
    unittest.main()
