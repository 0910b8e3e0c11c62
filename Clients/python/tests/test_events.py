"""Events, for threads and for asyncio."""

from __future__ import annotations

import asyncio
import threading
import unittest

from fusebox_client import AsyncClient, Client, InvalidArgument, Unavailable, protocol

from .support import Daemon


class EventTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.client = Client(self.daemon.socket, spool=False)
        self.addCleanup(self.client.close)

    def mark(self, provider: str) -> None:
        self.client.call(protocol.ExhaustionMarkRequest(provider, 60_000))

    def test_events_come_in_their_order(self) -> None:
        with self.client.events("exhaustion") as events, self.client.events("ledger") as others:
            for provider in ("a", "b"):
                self.mark(provider)
            received = [next(events), next(events)]
            self.assertEqual([one.event.entry.provider for one in received], ["a", "b"])  # type: ignore[attr-defined]
            self.assertEqual(received[0].number, events.next_number)
            self.assertEqual([one.missed for one in received], [0, 0])
            self.assertIsNone(others.wait(0.05))

    def test_a_subscription_ends_with_its_connection(self) -> None:
        with self.client.events() as events:
            self.daemon.kill()
            with self.assertRaises(Unavailable):
                next(events)
        with self.assertRaises(Unavailable):
            self.client.events()

    def test_close_wakes_the_thread_that_waits(self) -> None:
        events = self.client.events()
        read: list[object] = []
        thread = threading.Thread(target=lambda: read.extend(events))
        thread.start()
        events.close()
        thread.join(10)
        self.assertFalse(thread.is_alive())

    def test_topics_have_names(self) -> None:
        with self.assertRaisesRegex(InvalidArgument, "they are breaker, exhaustion, ledger, admission"):
            self.client.events("weather")

    def test_asyncio(self) -> None:
        async def main() -> None:
            async with AsyncClient(self.daemon.socket, spool=False) as client:
                events = client.events("exhaustion")
                waiting = asyncio.ensure_future(events.__anext__())
                number = 0
                while not waiting.done():
                    await client.call(protocol.ExhaustionMarkRequest(f"p{number}", 60_000))
                    number += 1
                event = (await waiting).event
                assert isinstance(event, protocol.ProviderExhaustedEvent)
                self.assertTrue(event.entry.provider.startswith("p"))
                self.daemon.kill()
                with self.assertRaises(Unavailable):
                    async for _ in events:
                        pass
                with self.assertRaises(Unavailable):
                    await client.events().__anext__()

        asyncio.run(main())


if __name__ == "__main__":
    unittest.main()
