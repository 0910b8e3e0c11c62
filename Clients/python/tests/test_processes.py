"""Threads that share a client, and processes that are forked."""

from __future__ import annotations

import os
import threading
import unittest
from typing import Any

from fusebox_client import (
    Client,
    Refused,
    protocol,
)

from .support import wait_until
from .test_client import ClientTestCase


class ThreadTests(ClientTestCase):
    def test_threads_share_one_connection(self) -> None:
        client = self.client()
        before = client.call(protocol.StatusRequest()).connections

        def work() -> None:
            for _ in range(50):
                with client.permit("threads") as permit:
                    permit.usage(cost="0.000000001")

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.spend(client, "threads"), "0.0000004")
        self.assertEqual(client.call(protocol.StatusRequest()).connections, before)

    def test_a_long_frame_goes_out_while_another_thread_leads(self) -> None:
        client = self.client(operator_timeout=30)
        threads = []
        for number in range(8):
            chunk = protocol.ImportChunkRequest(offset=number + 1, chunk=bytes(190_000))

            def send(chunk: Any = chunk) -> None:
                with self.assertRaises(Refused):
                    client.call(chunk)

            threads.append(threading.Thread(target=send))
            threads[-1].start()
        for thread in threads:
            thread.join(30)
            self.assertFalse(thread.is_alive())


class ForkTests(ClientTestCase):
    def in_child(self, work: Any) -> int:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work()
                status = 0
            finally:
                os._exit(status)
        return child

    def wait_for(self, child: int) -> None:
        _, status = os.waitpid(child, 0)
        self.assertEqual(status, 0)

    def test_a_child_is_another_worker(self) -> None:
        client = self.client()
        with client.permit("fork") as permit:
            permit.usage(cost=1)

        def work() -> None:
            for _ in range(20):
                with client.permit("fork") as permit:
                    permit.usage(cost=1)
            client.close()

        children = [self.in_child(work) for _ in range(3)]
        for _ in range(20):
            with client.permit("fork") as permit:
                permit.usage(cost=1)
        for child in children:
            self.wait_for(child)
        self.assertEqual(self.spend(client, "fork"), "81")

    def test_a_permit_belongs_to_the_process_that_asked(self) -> None:
        client = self.client()
        read, write = os.pipe()
        with client.permit("fork-in-the-middle") as permit:
            child = os.fork()
            if child:
                os.close(write)
                self.assertEqual(os.read(read, 1), b"")  # The child has left its block.
                self.assertEqual(self.in_flight(client, "fork-in-the-middle"), 1)
                permit.usage(cost=1)
        if not child:
            os._exit(0)
        self.wait_for(child)
        os.close(read)
        self.assertEqual(self.spend(client, "fork-in-the-middle"), "1")

    def test_a_child_does_not_keep_its_parents_connection(self) -> None:
        """A worker dies while its child lives: its permit is reclaimed at once and not after the child."""
        client = self.client()

        def reclaimed() -> int:
            return client.call(protocol.AdmissionPermitsRequest()).totals.reclaimed

        before = reclaimed()
        child_waits, parent_ends = os.pipe()
        parent = os.fork()
        if not parent:
            try:
                inner = Client(self.daemon.socket, spool=False)
                held = inner.permit("orphan")
                held.__enter__()
                if os.fork() == 0:
                    os.close(parent_ends)
                    os.read(child_waits, 1)
            finally:
                os._exit(0)
        os.close(child_waits)
        os.waitpid(parent, 0)
        # Else it would be given back after the grace.
        wait_until(lambda: reclaimed() == before + 1, client.connect().grace_milliseconds / 2000)
        self.assertEqual(self.in_flight(client, "orphan"), 0)
        os.close(parent_ends)

    def test_threads_that_hold_the_clients_lock_do_not_hang_a_child(self) -> None:
        client = self.client()
        stops = threading.Event()

        def hammer() -> None:
            while not stops.is_set():
                client.call(protocol.PingRequest())

        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                self.wait_for(self.in_child(lambda: client.call(protocol.PingRequest())))
        finally:
            stops.set()
            for thread in threads:
                thread.join()


if __name__ == "__main__":
    unittest.main()
