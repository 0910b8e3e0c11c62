"""Streams and guarded functions of both clients: what they make of functions, of errors and of context managers."""

from __future__ import annotations

import copy
import pickle
import unittest
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from fusebox_client import AsyncClient, Client, InvalidArgument, Outcome, protocol

from .support import PATIENCE, Daemon
from .test_client import CHAT, ClientTestCase, ProviderError

EVENTS = [{"type": "message_start"}, {"usage": CHAT}]
LIMITED = {"retry-after": "30"}


class Helper:
    """A stream as the helpers of the SDKs have it: events, and what they have gathered."""

    def __init__(self, events: list[Any]) -> None:
        self._iterator = iter(events)
        self._gathered: Any = None
        self.is_open = True

    @property
    def current_message_snapshot(self) -> Any:
        assert self._gathered is not None
        return self._gathered

    def __next__(self) -> Any:
        try:
            event = next(self._iterator)
        except StopIteration:
            self._gathered = SimpleNamespace(id="msg", usage=CHAT, stop_reason="end_turn")
            raise
        self._gathered = SimpleNamespace(id="msg", usage={**CHAT, "completion_tokens": 1}, stop_reason=None)
        return event

    def __iter__(self) -> Iterator[Any]:
        return self

    @property
    def text_stream(self) -> Iterator[str]:
        return (str(event) for event in self)

    def close(self) -> None:
        self.is_open = False


class Opening:
    """A context manager that gives such a stream, or fails when it is entered."""

    def __init__(self, stream: Any, error: BaseException | None = None) -> None:
        self._stream = stream
        self._error = error

    def __enter__(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._stream

    def __exit__(self, *_: object) -> None:
        self._stream.is_open = False


class AsyncHelper(Helper):
    """The same for asyncio."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None


class AsyncOpening:
    """The same for asyncio."""

    def __init__(self, stream: Any, error: BaseException | None = None) -> None:
        self._stream = stream
        self._error = error

    async def __aenter__(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._stream

    async def __aexit__(self, *_: object) -> None:
        self._stream.is_open = False


class Recorded:
    """What became of the calls of a provider."""

    def __init__(self, account: Any) -> None:
        self.requests = account.usage.requests
        self.output = account.usage.output_tokens
        self.in_flight = account.in_flight


class ManagerTests(ClientTestCase):
    def makers(self, client: Client, route: str) -> dict[str, Callable[[Opening], Any]]:
        return {
            "stream": lambda opening: client.stream(route, lambda _: opening),
            "guarded": lambda opening: client.guarded(route)(lambda: opening)(),
        }

    def recorded(self, client: Client, provider: str) -> Recorded:
        return Recorded(client.call(protocol.LedgerProviderRequest(provider)).account)

    def test_a_context_manager_is_opened_and_settled_at_the_end_of_its_stream(self) -> None:
        client = self.client()
        for name, make in self.makers(client, "manager/m").items():
            before = self.in_flight(client, "manager")
            helper = Helper(EVENTS)
            with self.subTest(name), make(Opening(helper)) as events:
                self.assertEqual(self.in_flight(client, "manager"), before + 1)
                self.assertEqual(list(events), EVENTS)
                self.assertFalse(helper.is_open)
                self.assertEqual(self.in_flight(client, "manager"), before)
        self.assertEqual(self.recorded(client, "manager").output, 100)

    def test_what_is_read_past_the_wrapper_counts(self) -> None:
        client = self.client()
        for number, (name, make) in enumerate(self.makers(client, "past/m").items(), 1):
            helper = Helper(EVENTS)
            with self.subTest(name), make(Opening(helper)) as events:
                self.assertEqual(len(list(events.text_stream)), len(EVENTS))
            self.assertFalse(helper.is_open)
            self.assertEqual(events._held.outcome, Outcome.SUCCESS)
            self.assertEqual(self.recorded(client, "past").output, 50 * number)

    def test_a_consumer_that_stops_has_abandoned_the_call(self) -> None:
        client = self.client()
        for number, (name, make) in enumerate(self.makers(client, "left/m").items(), 1):
            helper = Helper(["Hi", "there"])
            with self.subTest(name), make(Opening(helper)) as events:
                next(events)
            self.assertFalse(helper.is_open)
            self.assertEqual(events._held.outcome, Outcome.ABANDONED)
            self.assertEqual(self.recorded(client, "left").output, number)

    def test_an_error_at_the_opening_means_what_it_says(self) -> None:
        client = self.client()
        for name in ("stream", "guarded"):
            opening = Opening(Helper([]), ProviderError(429, LIMITED))
            with self.subTest(name), self.assertRaises(ProviderError):
                self.makers(client, f"busy-{name}/m")[name](opening)
            marks = client.call(protocol.ExhaustionListRequest()).entries
            self.assertIn((f"busy-{name}", "m"), [(mark.provider, mark.model) for mark in marks])

    def test_what_is_no_stream_is_refused_and_not_blamed_on_the_provider(self) -> None:
        client = self.client()
        closed = SimpleNamespace(is_open=True)
        for answer in (5, closed, Opening(closed)):
            with self.subTest(answer), self.assertRaisesRegex(InvalidArgument, "is no stream"):
                client.stream("odd/m", lambda _, answer=answer: answer)
        self.assertFalse(closed.is_open)
        breakers = {one.name: one.status for one in client.call(protocol.BreakerListRequest()).entries}
        self.assertEqual(breakers["odd"].total_failures, 0)
        self.assertEqual(self.in_flight(client, "odd"), 0)

    def test_an_answer_that_can_be_entered_too_is_an_answer(self) -> None:
        class Image:
            def show(self) -> None:
                pass

            def __enter__(self) -> Image:
                raise AssertionError("it was entered")

            def __exit__(self, *_: object) -> None:
                pass

        image = Image()
        self.assertIs(self.client().guarded("image/m")(lambda: image)(), image)


class CallableTests(ClientTestCase):
    def test_the_permit_goes_where_the_function_has_it(self) -> None:
        class Worker:
            def ask(self, permit: Any, question: str) -> Any:
                return permit.route, question

            def __call__(self, question: str, permit: Any) -> Any:
                return permit.route, question

        def first(permit: Any, /, question: str) -> Any:
            return permit.route, question

        def last(question: str, permit: Any, more: str = "") -> Any:
            return permit.route, question + more

        def named(question: str, *, permit: Any) -> Any:
            return permit.route, question

        client, expected = self.client(), ("where/m", "?")
        guard = client.guarded("where/m")
        self.assertEqual(guard(Worker.ask)(Worker(), "?"), expected)
        for function in (
            first,
            last,
            named,
            Worker().ask,
            Worker(),
            partial(last, more=""),
            partial(last, "?", more=""),
        ):
            told = () if isinstance(function, partial) and function.args else ("?",)
            with self.subTest(function):
                self.assertEqual(guard(function)(*told), expected)  # type: ignore[arg-type]
        for function in (first, last, named):
            self.assertEqual(guard(function)(question="?"), expected)  # type: ignore[call-arg]
        self.assertEqual(guard(last)("?", "!"), ("where/m", "?!"))  # type: ignore[arg-type]

    def test_a_coroutine_function_in_any_wrapping_needs_the_other_client(self) -> None:
        class Ask:
            async def __call__(self, question: str) -> None: ...

        for function in (Ask(), partial(Ask(), "?"), Ask().__call__):
            with self.subTest(function), self.assertRaisesRegex(TypeError, "AsyncClient"):
                self.client().guarded("p")(function)


class AsyncTests(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.client = AsyncClient(self.daemon.socket, spool=False, timeout=PATIENCE)

    async def asyncSetUp(self) -> None:
        self.addAsyncCleanup(self.client.close)

    async def recorded(self, provider: str) -> Recorded:
        return Recorded((await self.client.call(protocol.LedgerProviderRequest(provider))).account)

    async def is_marked(self, provider: str) -> bool:
        marks = (await self.client.call(protocol.ExhaustionListRequest())).entries
        return provider in [mark.provider for mark in marks]

    def makers(self, route: str) -> dict[str, Callable[[Any], Any]]:
        """Ways to make a call that gives a stream; each is entered with `async with`."""
        client = self.client

        async def given(answer: Any) -> Any:
            return answer

        return {
            "stream": lambda answer: Awaited(client.stream(route, lambda _: given(answer))),
            "stream, not awaited": lambda answer: Awaited(client.stream(route, lambda _: answer)),
            "coroutine function": lambda answer: Awaited(client.guarded(route)(partial(given, answer))()),
            "plain function": lambda answer: client.guarded(route)(lambda: answer)(),
            "plain function that gives a coroutine": lambda answer: client.guarded(route)(lambda: given(answer))(),
        }

    async def test_streams_and_context_managers(self) -> None:
        for kind in ("stream", "manager"):
            for number, (name, make) in enumerate(self.makers(f"{kind}/m").items(), 1):
                helper = AsyncHelper(EVENTS)
                with self.subTest(kind, name=name):
                    async with make(AsyncOpening(helper) if kind == "manager" else helper) as events:
                        self.assertEqual((await self.recorded(kind)).in_flight, 1)
                        self.assertEqual([event async for event in events], EVENTS)
                    record = await self.recorded(kind)
                    self.assertEqual((record.requests, record.output, record.in_flight), (number, 50 * number, 0))
                    self.assertEqual(helper.is_open, kind == "stream")

    async def test_what_is_read_past_the_wrapper_counts(self) -> None:
        async with await self.client.stream("past/m", lambda _: AsyncOpening(AsyncHelper(EVENTS))) as events:
            self.assertEqual(len(list(events.text_stream)), len(EVENTS))
        self.assertEqual(events._held.outcome, Outcome.SUCCESS)
        self.assertEqual((await self.recorded("past")).output, 50)

    async def test_a_consumer_that_stops_has_abandoned_the_call(self) -> None:
        for number, (name, make) in enumerate(self.makers("left/m").items(), 1):
            helper = AsyncHelper(["Hi", "there"])
            with self.subTest(name):
                async with make(AsyncOpening(helper)) as events:
                    await events.__anext__()
                self.assertFalse(helper.is_open)
                self.assertEqual(events._held.outcome, Outcome.ABANDONED)
                self.assertEqual((await self.recorded("left")).output, number)

    async def test_an_error_at_the_opening_means_what_it_says(self) -> None:
        for place, name in enumerate(self.makers("p")):
            opening = AsyncOpening(AsyncHelper([]), ProviderError(429, LIMITED))
            with self.subTest(name):
                with self.assertRaises(ProviderError):
                    async with self.makers(f"busy-{place}/m")[name](opening):
                        pass
                self.assertTrue(await self.is_marked(f"busy-{place}"))
                self.assertEqual((await self.recorded(f"busy-{place}")).in_flight, 0)

    async def test_a_plain_function_that_raises_is_settled_by_its_error(self) -> None:
        @self.client.guarded("limited/m")
        def ask() -> AsyncIterator[Any]:
            raise ProviderError(429, LIMITED)

        with self.assertRaises(ProviderError):
            async for _ in ask():
                pass
        self.assertTrue(await self.is_marked("limited"))
        self.assertEqual((await self.recorded("limited")).in_flight, 0)

    async def test_whatever_can_be_called_is_guarded(self) -> None:
        class Ask:
            async def __call__(self, question: str, permit: Any) -> Any:
                return {"usage": CHAT, "text": question, "route": permit.route}

        guard, ask = self.client.guarded("any/m"), Ask()
        for function in (ask, ask.__call__, partial(ask, "?"), lambda question, permit: ask(question, permit)):
            told = () if isinstance(function, partial) else ("?",)
            with self.subTest(function):
                answer = await guard(function)(*told)
                self.assertEqual((answer["text"], answer["route"]), ("?", "any/m"))
        record = await self.recorded("any")
        self.assertEqual((record.requests, record.output, record.in_flight), (4, 200, 0))

    async def test_what_is_no_stream_is_refused_and_not_blamed_on_the_provider(self) -> None:
        closed = SimpleNamespace(is_open=True)
        for name, make in self.makers("odd/m").items():
            with self.subTest(name), self.assertRaisesRegex(InvalidArgument, "is no stream"):
                async with make(AsyncOpening(closed)):
                    pass
        self.assertFalse(closed.is_open)
        (breaker,) = (await self.client.call(protocol.BreakerListRequest())).entries
        self.assertEqual((breaker.name, breaker.status.total_failures), ("odd", 0))
        self.assertEqual((await self.recorded("odd")).in_flight, 0)

    async def test_nothing_is_copied(self) -> None:
        async with self.client.permit("copied/m") as permit:
            for one in (self.client, permit):
                for copied in (copy.copy, copy.deepcopy, pickle.dumps):
                    with self.subTest(one, copied=copied), self.assertRaisesRegex(TypeError, "cannot be copied"):
                        copied(one)
        self.assertEqual(permit.outcome, Outcome.SUCCESS)


class Awaited:
    """`async with await …` as one object."""

    def __init__(self, stream: Any) -> None:
        self._coming = stream

    async def __aenter__(self) -> Any:
        self._stream = await self._coming
        return self._stream

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()


class CopyTests(ClientTestCase):
    def test_nothing_that_belongs_to_one_owner_is_copied(self) -> None:
        client = self.client()
        with client.permit("copied/m") as permit, client.stream("copied/m", lambda _: iter(EVENTS)) as events:
            for one in (client, permit, events, client.events("ledger")):
                for copied in (copy.copy, copy.deepcopy, pickle.dumps):
                    with self.subTest(one, copied=copied), self.assertRaisesRegex(TypeError, "cannot be copied"):
                        copied(one)
            self.assertEqual(list(events), EVENTS)
        self.assertEqual(permit.outcome, Outcome.SUCCESS)


if __name__ == "__main__":
    unittest.main()
