"""What guarded functions return: answers, which are passed on as they are, and streams, which are wrapped."""

from __future__ import annotations

import io
import tempfile
import unittest
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock, NonCallableMagicMock

from fusebox_client import AsyncClient, Outcome
from fusebox_client._aio_streams import AsyncStream
from fusebox_client._streams import Stream, is_stream

from .support import Daemon
from .test_client import ClientTestCase


class Events:
    """A stream as the SDKs have it: its `__iter__` gives another iterator."""

    def __init__(self) -> None:
        self._iterator = iter(["one", "two"])
        self.response = "the answer's head"

    def __next__(self) -> str:
        return next(self._iterator)

    def __iter__(self) -> Iterator[str]:
        yield from self._iterator

    def close(self) -> None:
        pass


class AsyncEvents:
    """The same for asyncio."""

    def __aiter__(self) -> AsyncEvents:
        return self

    async def __anext__(self) -> str:
        raise StopAsyncIteration


def http_answer() -> Any:
    import httpx

    return httpx.Response(200, json={"text": "Hi"})


def answers() -> list[Any]:
    found = [
        None, 5, "text", b"bytes", ["a", "list"], ("a", "tuple"), {"a": "dictionary"}, {"a set"}, range(3), Exception(),
        MagicMock(), Mock(), AsyncMock(), NonCallableMagicMock(), io.StringIO("a file"), io.BytesIO(b"a file"), Events,
    ]  # fmt: skip
    return found + ([http_answer()] if find_spec("httpx") else [])


class GuardedTests(ClientTestCase):
    def test_an_answer_is_passed_on_and_settled(self) -> None:
        client = self.client()
        with tempfile.TemporaryFile() as file:
            for answer in [*answers(), file]:
                permits = []

                def ask(permit: Any, answer: Any = answer, permits: list[Any] = permits) -> Any:
                    permits.append(permit)
                    return answer

                with self.subTest(answer=type(answer)):
                    self.assertIs(client.guarded("answers/m")(ask)(), answer)
                    self.assertEqual(permits[0].outcome, Outcome.SUCCESS)
        self.assertEqual(self.in_flight(client, "answers"), 0)

    def test_a_stream_is_wrapped_and_settled_at_its_end(self) -> None:
        client = self.client()
        streams: list[Any] = [Events(), iter(["a"]), (one for one in "ab"), map(str, [1]), MagicMock(spec=Events)]
        streams[-1].__iter__.return_value = iter(["mocked"])
        for source in streams:
            with self.subTest(source=type(source)):
                events = client.guarded("streams/m")(lambda source=source: source)()
                self.assertIsInstance(events, Stream)
                self.assertIsNone(events._held.outcome)
                self.assertGreater(len(list(events)), 0)
                self.assertEqual(events._held.outcome, Outcome.SUCCESS)
        self.assertEqual(self.in_flight(client, "streams"), 0)

    def test_streams_of_the_sdks_are_streams(self) -> None:
        for package, names in (("openai", ("Stream", "AsyncStream")), ("anthropic", ("Stream", "AsyncStream"))):
            if find_spec(package) is None:
                continue
            module = __import__(package)
            for name, following in zip(names, ("__next__", "__anext__")):
                self.assertTrue(is_stream(MagicMock(spec=getattr(module, name)), following), f"{package}.{name}")


class AsyncGuardedTests(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.client = AsyncClient(self.daemon.socket, spool=False)
        self.addAsyncCleanup(self.client.close)

    async def test_an_answer_is_passed_on_and_settled(self) -> None:
        for answer in answers():
            permits = []

            async def ask(permit: Any, answer: Any = answer, permits: list[Any] = permits) -> Any:
                permits.append(permit)
                return answer

            with self.subTest(answer=type(answer)):
                self.assertIs(await self.client.guarded("answers/m")(ask)(), answer)
                self.assertEqual(permits[0].outcome, Outcome.SUCCESS)

    async def test_a_mocked_sdk_is_called_as_the_real_one(self) -> None:
        create = AsyncMock()
        create.return_value.text = "Hi"
        self.assertEqual((await self.client.guarded("mocks/m")(create)()).text, "Hi")
        create.assert_awaited_once_with()

    async def test_a_stream_is_wrapped(self) -> None:
        async def ask() -> Any:
            return AsyncEvents()

        events = await self.client.guarded("streams/m")(ask)()
        self.assertIsInstance(events, AsyncStream)
        self.assertEqual([one async for one in events], [])
        self.assertEqual(events._held.outcome, Outcome.SUCCESS)


if __name__ == "__main__":
    unittest.main()
