"""The SDKs of OpenAI and Anthropic, and plain httpx, with nothing changed but the transport.

A package that is not installed is named loudly; its tests are skipped. Each test prints what became of its cases.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import unittest
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from fusebox_client import AsyncClient, Client, Outcome, protocol

from .fake_provider import FakeProvider
from .support import Daemon, wait_until


def needs(*packages: str) -> Callable[[Any], Any]:
    """Skips tests whose packages are not installed, and says so."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        print(f"\n*** NOT TESTED: {', '.join(missing)} is not installed ***", file=sys.stderr)
    return unittest.skipIf(bool(missing), f"{', '.join(missing)} is not installed")


class Recording:
    """The permits that a client has given out."""

    calls: list[Any]

    def permit(self, *arguments: Any, **options: Any) -> Any:
        held = super().permit(*arguments, **options)  # type: ignore[misc]
        self.calls.append(held)
        return held


class RecordingClient(Recording, Client):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.calls = []
        super().__init__(*arguments, **options)


class RecordingAsyncClient(Recording, AsyncClient):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.calls = []
        super().__init__(*arguments, **options)


class SdkTestCase(unittest.TestCase):
    daemon: Daemon
    provider: FakeProvider

    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.provider = FakeProvider()
        cls.addClassCleanup(cls.provider.close)

    def setUp(self) -> None:
        self.fusebox = RecordingClient(self.daemon.socket, spool=False)
        self.addCleanup(self.fusebox.close)
        self.rows: list[str] = []

    def tearDown(self) -> None:
        if self.rows:
            print(f"\n{self.id().split('.', 1)[1]}", *self.rows, sep="\n  ", file=sys.stderr)

    def check(self, name: str, provider: str, outcome: Outcome, tokens: list[int | None] | None, marked: bool) -> None:
        """Checks the last call, and notes it for the table."""
        held = self.fusebox.calls[-1]
        self.assertEqual(held.outcome, outcome, name)
        used = held._used
        told = None if used is None or used.is_empty else [
            used.input_tokens, used.cached_input_tokens, used.output_tokens, used.reasoning_tokens,
        ]  # fmt: skip
        self.assertEqual(told, tokens, name)
        # The mark is of the route, its model included.
        marks = self.fusebox.call(protocol.ExhaustionListRequest()).entries
        marks = [mark for mark in marks if mark.provider == provider]
        self.assertEqual(bool(marks), marked, name)
        account = self.fusebox.call(protocol.LedgerProviderRequest(provider)).account
        assert account is not None
        self.assertEqual(account.in_flight, 0, name)
        cost = account.usage.spend
        self.rows.append(f"{name:<14} {outcome.name.lower():<16} mark {marked!s:<6} tokens {told} spent ${cost}")

    def price(self, provider: str) -> None:
        """$1, $0.5 and $2 a million tokens of input, cached input and output."""
        self.daemon.run("price", "set", provider, "--input", "1", "--cached-input", "0.5", "--output", "2")


CHAT = [60, 40, 40, 10]
MESSAGE = [60, 40, 50, None]


@needs("openai")
class OpenAITests(SdkTestCase):
    def test_a_call_waits_for_its_turn_and_the_sdks_timeout_does_not_run(self) -> None:
        for library in self.libraries():
            provider = f"openai-{library}-waits"
            self.daemon.run("limit", "set", "--provider", provider, "1 in flight")
            held, began = self.fusebox.admit(provider), time.monotonic()

            def release(held: Any = held, began: float = began) -> None:
                waiting = protocol.AdmissionWaitingRequest()
                wait_until(lambda: self.fusebox.call(waiting).waiting == 1 and time.monotonic() > began + 1)
                self.fusebox.settle(held)

            releasing = threading.Thread(target=release)
            releasing.start()
            sdk = self.sdk(provider, library, wait=60, priority=1)
            self.assertEqual(self.ask(sdk, "ok").choices[0].message.content, "Hi")
            releasing.join()
            self.check(f"{library} waits", provider, Outcome.SUCCESS, CHAT, False)

    def sdk(self, provider: str, library: str, **options: Any) -> Any:
        from importlib import import_module

        from openai import OpenAI

        http, ours = import_module(library), import_module(f"fusebox_client.{library}")
        transport = ours.FuseboxTransport(self.fusebox, provider=provider, **options)
        http_client = http.Client(transport=transport)
        self.addCleanup(http_client.close)
        base = f"{self.provider.url}/v1"
        return OpenAI(api_key="key", base_url=base, max_retries=0, timeout=0.5, http_client=http_client)

    def libraries(self) -> list[str]:
        return [name for name in ("httpx", "httpx2") if find_spec(name)]

    def ask(self, sdk: Any, model: str, **options: Any) -> Any:
        return sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "?"}], **options)

    def test_cases(self) -> None:
        import openai

        for library in self.libraries():
            for model, error, outcome, tokens, marked in (
                ("ok", None, Outcome.SUCCESS, CHAT, False),
                ("throttled", openai.RateLimitError, Outcome.THROTTLED, None, True),
                ("quota", openai.RateLimitError, Outcome.QUOTA_EXHAUSTED, None, True),
                ("broken", openai.InternalServerError, Outcome.FAILURE, None, False),
                ("bad", openai.BadRequestError, Outcome.REJECTED, None, False),
                ("slow", openai.APITimeoutError, Outcome.FAILURE, None, False),
            ):
                with self.subTest(model, library=library):
                    provider = f"openai-{library}-{model}"
                    self.price(provider)
                    sdk = self.sdk(provider, library, tags=["team:search"], cost=0.01)
                    if error is None:
                        self.assertEqual(self.ask(sdk, model).choices[0].message.content, "Hi")
                    else:
                        with self.assertRaises(error):
                            self.ask(sdk, model)
                    self.check(f"{library} {model}", provider, outcome, tokens, marked)
            account = self.fusebox.call(protocol.LedgerModelRequest(f"openai-{library}-ok", "ok")).account
            assert account is not None
            # 60 × $1 + 40 × $0.5 + 50 × $2 a million
            self.assertEqual((str(account.usage.spend), account.answering), ("0.00018", "gpt-4o-2026-08-06"))

    def test_streams(self) -> None:
        for library in self.libraries():
            with self.subTest(library=library):
                sdk = self.sdk(f"{library}-stream", library)
                options = {"stream": True, "stream_options": {"include_usage": True}}
                chunks = list(self.ask(sdk, "ok", **options))
                self.assertEqual(chunks[-1].usage.total_tokens, 150)
                self.check(f"{library} stream", f"{library}-stream", Outcome.SUCCESS, CHAT, False)
                sdk = self.sdk(f"{library}-early", library)
                with self.ask(sdk, "endless", **options) as stream:
                    next(iter(stream))
                self.check(f"{library} early", f"{library}-early", Outcome.ABANDONED, None, False)
                sdk = self.sdk(f"{library}-cut", library)
                with self.assertRaises(Exception):  # noqa: B017  (the library's own)
                    list(self.ask(sdk, "cut", **options))
                self.check(f"{library} cut", f"{library}-cut", Outcome.FAILURE, None, False)

    def test_a_call_that_is_not_admitted_is_the_sdks_own_error(self) -> None:
        import openai

        asked = len(self.provider.asked)
        self.fusebox.call(protocol.ExhaustionMarkRequest("denied", 60_000))
        with self.assertRaises(openai.RateLimitError) as caught:
            self.ask(self.sdk("denied", "httpx"), "ok")
        self.assertIn("denied/ok: exhausted", str(caught.exception))
        self.assertEqual(caught.exception.response.headers["x-fusebox"], "denied")
        self.assertEqual(len(self.provider.asked), asked)

    def test_lists_of_models_need_no_permit(self) -> None:
        self.assertEqual(list(self.sdk("lists", "httpx").models.list()), [])
        self.assertEqual(self.fusebox.calls, [])

    def test_asyncio(self) -> None:
        import httpx
        from openai import AsyncOpenAI, RateLimitError

        from fusebox_client.httpx import AsyncFuseboxTransport

        async def main() -> list[Any]:
            async with RecordingAsyncClient(self.daemon.socket, spool=False) as client:
                transport = AsyncFuseboxTransport(client, provider="openai-async")
                async with httpx.AsyncClient(transport=transport) as http:
                    base = f"{self.provider.url}/v1"
                    sdk = AsyncOpenAI(api_key="key", base_url=base, max_retries=0, http_client=http)
                    ask = sdk.chat.completions.create
                    messages: Any = [{"role": "user", "content": "?"}]
                    await asyncio.gather(*(ask(model="ok", messages=messages) for _ in range(20)))
                    with self.assertRaises(RateLimitError):
                        await ask(model="throttled", messages=messages)
                    transport._routing._provider = "openai-async-2"
                    stream = await ask(model="endless", messages=messages, stream=True)
                    async for _ in stream:
                        break
                    await stream.close()
                    options = {"include_usage": True}
                    stream = await ask(model="ok", messages=messages, stream=True, stream_options=options)
                    self.assertEqual([chunk async for chunk in stream][-1].usage.total_tokens, 150)
                return [held.outcome for held in client.calls]

        success, throttled, abandoned = Outcome.SUCCESS, Outcome.THROTTLED, Outcome.ABANDONED
        self.assertEqual(asyncio.run(main()), [success] * 20 + [throttled, abandoned, success])


@needs("anthropic", "httpx2")
class AnthropicTests(SdkTestCase):
    def sdk(self, provider: str) -> Any:
        import httpx2
        from anthropic import Anthropic

        from fusebox_client.httpx2 import FuseboxTransport

        http_client = httpx2.Client(transport=FuseboxTransport(self.fusebox, provider=provider))
        self.addCleanup(http_client.close)
        base = self.provider.url
        return Anthropic(api_key="key", base_url=base, max_retries=0, timeout=0.5, http_client=http_client)

    def ask(self, sdk: Any, model: str, **options: Any) -> Any:
        messages = [{"role": "user", "content": "?"}]
        return sdk.messages.create(model=model, max_tokens=10, messages=messages, **options)

    def test_cases(self) -> None:
        import anthropic

        for model, error, outcome, tokens, marked in (
            ("ok", None, Outcome.SUCCESS, MESSAGE, False),
            ("throttled", anthropic.RateLimitError, Outcome.THROTTLED, None, True),
            ("broken", anthropic.InternalServerError, Outcome.FAILURE, None, False),
            ("bad", anthropic.BadRequestError, Outcome.REJECTED, None, False),
            ("slow", anthropic.APITimeoutError, Outcome.FAILURE, None, False),
        ):
            with self.subTest(model):
                provider = f"anthropic-{model}"
                self.price(provider)
                sdk = self.sdk(provider)
                if error is None:
                    self.assertEqual(self.ask(sdk, model).content[0].text, "Hi")
                else:
                    with self.assertRaises(error):
                        self.ask(sdk, model)
                self.check(model, provider, outcome, tokens, marked)

    def test_streams(self) -> None:
        import anthropic

        self.assertEqual(len(list(self.ask(self.sdk("anthropic-stream"), "ok", stream=True))), 6)
        self.check("stream", "anthropic-stream", Outcome.SUCCESS, MESSAGE, False)
        with self.ask(self.sdk("anthropic-early"), "endless", stream=True) as stream:
            next(iter(stream))
        # The first event told the usage so far.
        self.check("early", "anthropic-early", Outcome.ABANDONED, [60, 40, 1, None], False)
        with self.assertRaises(anthropic.APIError):
            list(self.ask(self.sdk("anthropic-overloaded"), "overloaded", stream=True))
        self.check("overloaded", "anthropic-overloaded", Outcome.FAILURE, None, False)


@needs("httpx")
class HttpxTests(SdkTestCase):
    def test_the_host_and_the_path_tell_the_route(self) -> None:
        import httpx

        from fusebox_client._transports import Routing

        routing = Routing(None, None, None, {})
        for url, body, route in (
            ("https://api.openai.com/v1/chat/completions", {"model": "gpt-4o"}, ("openai", "gpt-4o")),
            ("https://generativelanguage.googleapis.com/v1/models/g-2:generateContent", {}, ("gemini", "g-2")),
            ("https://me.openai.azure.com/openai/deployments/d/chat", {}, ("me.openai.azure.com", "d")),
            ("https://example.com/v1", {}, ("example.com", None)),
        ):
            candidate = routing.candidate(httpx.Request("POST", url, json=body))
            assert candidate is not None
            self.assertEqual((candidate.provider, candidate.model), route)
        self.assertIsNone(routing.candidate(httpx.Request("GET", "https://api.openai.com/v1/models")))

    def test_a_daemon_that_is_away_is_a_connection_error(self) -> None:
        import httpx

        from fusebox_client.httpx import FuseboxTransport

        with (
            Client("/nowhere/s", spool=False) as client,
            httpx.Client(transport=FuseboxTransport(client)) as http,
            self.assertRaisesRegex(httpx.ConnectError, "no daemon answers at /nowhere/s"),
        ):
            http.post(f"{self.provider.url}/v1/chat/completions", json={"model": "ok"})


if __name__ == "__main__":
    unittest.main()
