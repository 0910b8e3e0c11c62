"""The SDKs of OpenAI and Anthropic, and plain httpx, with nothing changed but the transport.

A package that is not installed is named loudly; its tests are skipped. `test_sdk_runs` has what answers bring about.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import unittest
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, ClassVar

from fusebox_client import AsyncClient, Client, Outcome, protocol

from .fake_provider import FakeProvider
from .support import PATIENCE, Daemon, wait_until


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
        self.fusebox = RecordingClient(self.daemon.socket, spool=False, timeout=PATIENCE)
        self.addCleanup(self.fusebox.close)


@needs("openai")
class OpenAITests(SdkTestCase):
    def test_a_call_waits_for_its_turn_and_the_sdks_timeout_does_not_run(self) -> None:
        library, timeout = self.libraries()[0], 2.0
        self.daemon.run("limit", "set", "--provider", "waits", "1 in flight")
        held, began = self.fusebox.admit("waits"), time.monotonic()

        def release() -> None:
            waiting = protocol.AdmissionWaitingRequest()
            wait_until(lambda: self.fusebox.call(waiting).waiting == 1 and time.monotonic() > began + timeout + 0.5)
            self.fusebox.settle(held)

        releasing = threading.Thread(target=release)
        releasing.start()
        sdk = self.sdk("waits", library, wait=300, priority=1).with_options(timeout=timeout)
        self.assertEqual(self.ask(sdk, "ok").choices[0].message.content, "Hi")
        releasing.join()
        self.assertEqual(self.fusebox.calls[-1].outcome, Outcome.SUCCESS)

    def sdk(self, provider: str, library: str, **options: Any) -> Any:
        from importlib import import_module

        from openai import OpenAI

        http, ours = import_module(library), import_module(f"fusebox_client.{library}")
        transport = ours.FuseboxTransport(self.fusebox, provider=provider, **options)
        http_client = http.Client(transport=transport)
        self.addCleanup(http_client.close)
        base = f"{self.provider.url}/v1"
        return OpenAI(api_key="key", base_url=base, max_retries=0, timeout=PATIENCE, http_client=http_client)

    def libraries(self) -> list[str]:
        return [name for name in ("httpx", "httpx2") if find_spec(name)]

    def ask(self, sdk: Any, model: str, **options: Any) -> Any:
        return sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "?"}], **options)

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
    def test_a_call_that_is_not_admitted_is_the_sdks_own_error(self) -> None:
        import anthropic
        import httpx2

        from fusebox_client.httpx2 import FuseboxTransport

        asked = len(self.provider.asked)
        self.fusebox.call(protocol.ExhaustionMarkRequest("denied", 60_000))
        transport = FuseboxTransport(self.fusebox, provider="denied")
        with httpx2.Client(transport=transport) as http:
            sdk = anthropic.Anthropic(api_key="key", base_url=self.provider.url, max_retries=0, http_client=http)
            with self.assertRaises(anthropic.RateLimitError) as caught:
                sdk.messages.create(model="ok", max_tokens=10, messages=[{"role": "user", "content": "?"}])
        self.assertIn("denied/ok: exhausted", str(caught.exception))
        self.assertEqual(len(self.provider.asked), asked)


@needs("openai", "anthropic")
class HelperTests(SdkTestCase):
    """The stream helpers of the SDKs, which are context managers: with `stream` and `guarded`, without a transport."""

    MESSAGES: ClassVar[Any] = [{"role": "user", "content": "?"}]

    def helpers(self) -> dict[str, Callable[[str], Any]]:
        """Opens a stream of a model by each SDK."""
        from anthropic import Anthropic
        from openai import OpenAI

        anthropic = Anthropic(api_key="key", base_url=self.provider.url, max_retries=0)
        openai = OpenAI(api_key="key", base_url=f"{self.provider.url}/v1", max_retries=0)
        self.addCleanup(anthropic.close)
        self.addCleanup(openai.close)
        usage: Any = {"include_usage": True}
        return {
            "anthropic": lambda model: anthropic.messages.stream(model=model, max_tokens=9, messages=self.MESSAGES),
            "openai": lambda model: openai.chat.completions.stream(
                model=model, messages=self.MESSAGES, stream_options=usage
            ),
        }

    def output(self, provider: str) -> tuple[int, int]:
        """The requests of a provider, and the tokens that they gave."""
        account = self.fusebox.call(protocol.LedgerProviderRequest(provider)).account
        assert account is not None
        self.assertEqual(account.in_flight, 0)
        return account.usage.requests, account.usage.output_tokens

    def test_events_and_what_the_helper_gathers(self) -> None:
        for (name, helper), tokens in zip(self.helpers().items(), (50, 40)):
            with self.subTest(name):
                provider = f"helper-{name}"
                with self.fusebox.stream(provider, lambda _, helper=helper: helper("ok")) as events:
                    self.assertGreater(len(list(events)), 2)
                self.assertEqual(self.output(provider), (1, tokens))
                with self.fusebox.guarded(provider)(helper)("ok") as events:
                    events.until_done()
                self.assertEqual(self.output(provider), (2, 2 * tokens))
                with self.fusebox.guarded(provider)(helper)("endless") as events:
                    next(events)
                self.assertEqual(self.output(provider)[0], 3)
                outcomes = [call.outcome for call in self.fusebox.calls[-3:]]
                self.assertEqual(outcomes, [Outcome.SUCCESS, Outcome.SUCCESS, Outcome.ABANDONED])

    def test_an_answer_that_says_429_is_throttled(self) -> None:
        for name, helper in self.helpers().items():
            with self.subTest(name), self.assertRaisesRegex(Exception, "429"):
                self.fusebox.stream(f"helper-429-{name}", lambda _, helper=helper: helper("throttled"))
            self.assertEqual(self.fusebox.calls[-1].outcome, Outcome.THROTTLED)

    def test_asyncio(self) -> None:
        from anthropic import AsyncAnthropic

        async def main() -> list[str]:
            async with (
                RecordingAsyncClient(self.daemon.socket, spool=False, timeout=PATIENCE) as client,
                AsyncAnthropic(api_key="key", base_url=self.provider.url, max_retries=0) as sdk,
            ):

                @client.guarded("helper-async")
                def ask() -> Any:
                    return sdk.messages.stream(model="ok", max_tokens=9, messages=self.MESSAGES)

                async with ask() as events:
                    return [text async for text in events.text_stream]

        self.assertEqual(asyncio.run(main()), ["Hi"])
        self.assertEqual(self.output("helper-async"), (1, 50))


@needs("openai")
class ResponsesTests(SdkTestCase):
    """`responses.stream()` of OpenAI: iterated over, entered, and read by its own methods."""

    READERS: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "iterated": lambda events: [one.type for one in events][-1],
        "next": lambda events: next(events) and [one.type for one in events][-1],
        "until_done": lambda events: events.until_done() and "response.completed",
        "get_final_response": lambda events: f"response.{events.get_final_response().status}",
        "partly": lambda events: next(events) and f"response.{events.get_final_response().status}",
    }

    def sdk(self, **options: Any) -> Any:
        from openai import OpenAI

        sdk = OpenAI(api_key="key", base_url=f"{self.provider.url}/v1", max_retries=0, timeout=PATIENCE, **options)
        self.addCleanup(sdk.close)
        return sdk

    def checked(self, number: int, outcome: Outcome, tokens: int | None) -> None:
        self.assertEqual([call.outcome for call in self.fusebox.calls], [outcome])
        account = self.fusebox.call(protocol.LedgerProviderRequest(f"responses-{number}")).account
        assert account is not None
        usage = account.usage
        self.assertEqual((account.in_flight, usage.requests), (0, 1))
        if tokens is not None:
            self.assertEqual((usage.output_tokens, usage.reasoning_tokens), (tokens, tokens // 4))
        self.fusebox.calls.clear()

    def test_every_way_to_read_it_tells_the_usage(self) -> None:
        sdk, number = self.sdk(), 0

        def helper(model: str) -> Any:
            return sdk.responses.stream(model=model, input="?")

        for name, read in self.READERS.items():
            for how in ("stream", "guarded", "permit"):
                with self.subTest(name=name, how=how):
                    number += 1
                    provider = f"responses-{number}"
                    if how == "stream":
                        with self.fusebox.stream(provider, lambda _: helper("ok")) as events:
                            last = read(events)
                    elif how == "guarded":
                        with self.fusebox.guarded(provider)(helper)("ok") as events:
                            last = read(events)
                    else:
                        with self.fusebox.permit(provider) as permit, helper("ok") as events:
                            last = read(events)
                            permit.usage(events.get_final_response().usage)
                    self.assertEqual(last, "response.completed")
                    self.checked(number, Outcome.SUCCESS, 40)

    def test_every_way_to_read_it_through_the_transport(self) -> None:
        import httpx

        from fusebox_client.httpx import FuseboxTransport

        for number, (name, read) in enumerate(self.READERS.items(), 101):
            with self.subTest(name):
                transport = FuseboxTransport(self.fusebox, provider=f"responses-{number}")
                with httpx.Client(transport=transport) as http, self.sdk(http_client=http) as sdk:
                    with sdk.responses.stream(model="ok", input="?") as events:
                        self.assertEqual(read(events), "response.completed")
                    self.checked(number, Outcome.SUCCESS, 40)

    def test_an_early_end_is_abandoned_and_a_response_cut_by_its_limit_counts(self) -> None:
        sdk = self.sdk()
        with self.fusebox.stream("responses-201", lambda _: sdk.responses.stream(model="endless", input="?")) as events:
            next(events)
        self.checked(201, Outcome.ABANDONED, None)
        with self.fusebox.stream("responses-202", lambda _: sdk.responses.stream(model="long", input="?")) as events:
            events.until_done()
        self.checked(202, Outcome.SUCCESS, 40)
        with self.assertRaisesRegex(Exception, "429"):
            self.fusebox.stream("responses-203", lambda _: sdk.responses.stream(model="throttled", input="?"))
        self.checked(203, Outcome.THROTTLED, None)
        with (
            self.assertRaisesRegex(Exception, "(?i)connection"),
            self.fusebox.stream("responses-204", lambda _: sdk.responses.stream(model="cut", input="?")) as events,
        ):
            events.get_final_response()
        self.checked(204, Outcome.FAILURE, None)

    def test_asyncio(self) -> None:
        from openai import AsyncOpenAI

        async def iterated(events: Any) -> str:
            return [one.type async for one in events][-1]

        async def until_done(events: Any) -> str:
            await events.until_done()
            return "response.completed"

        async def final(events: Any) -> str:
            return f"response.{(await events.get_final_response()).status}"

        async def partly(events: Any) -> str:
            await events.__anext__()
            return await final(events)

        async def main() -> None:
            base = f"{self.provider.url}/v1"
            async with (
                RecordingAsyncClient(self.daemon.socket, spool=False, timeout=PATIENCE) as client,
                AsyncOpenAI(api_key="key", base_url=base, max_retries=0, timeout=PATIENCE) as sdk,
            ):
                number = 300

                def helper(_: Any = None) -> Any:
                    return sdk.responses.stream(model="ok", input="?")

                for read in (iterated, until_done, final, partly):
                    for how in ("stream", "guarded"):
                        number += 1
                        provider = f"responses-{number}"
                        if how == "stream":
                            opening = await client.stream(provider, helper)
                        else:
                            opening = client.guarded(provider)(helper)()
                        async with opening as events:
                            self.assertEqual(await read(events), "response.completed")
                        self.fusebox.calls = client.calls
                        self.checked(number, Outcome.SUCCESS, 40)

        asyncio.run(main())


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
