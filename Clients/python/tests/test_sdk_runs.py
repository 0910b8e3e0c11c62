"""The table of SDK runs in README.md: each row is a run of the SDKs against the fake provider.

Nothing in the callers changes but the transport. What a run has brought about is read from the daemon, put into words,
and must be the row.
"""

from __future__ import annotations

import re
import sys
import unittest
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fusebox_client import protocol

from .fake_provider import FakeProvider
from .support import PATIENCE, REPOSITORY, Daemon, wait_until
from .test_sdks import RecordingClient, needs

SDKS = {"openai": ("httpx", "httpx2"), "anthropic": ("httpx2",)}
"""Each SDK, and the libraries for HTTP that it takes."""

CASES: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "200": ("ok", {}, None),
    "200, a stream": ("ok", {"stream": True}, None),
    "200, and nothing left of a rate limit for 20 s": ("limited", {}, None),
    "429 with `retry-after: 30`": ("throttled", {}, "RateLimitError"),
    "429 with `insufficient_quota`": ("quota", {}, "RateLimitError"),
    "401": ("unauthorized", {}, "AuthenticationError"),
    "400": ("bad", {}, "BadRequestError"),
    "500": ("broken", {}, "InternalServerError"),
    "no answer before the SDK's timeout": ("slow", {}, "APITimeoutError"),
    "a stream that breaks": ("cut", {"stream": True}, ""),
    "a stream with an error": ("overloaded", {"stream": True}, "APIError"),
    "a stream that nobody reads to its end": ("endless", {"stream": True}, None),
}
"""What happens: the model that is asked for, the options, and the error that the SDK raises; empty: any."""


def table() -> Iterator[tuple[str, str, str]]:
    """What happens, the SDK, and the row."""
    text = (REPOSITORY / "Clients/python/README.md").read_text().partition("### What SDK runs bring about\n")[2]
    for row in re.findall(r"^\|.*\|$", text.partition("\n## ")[0], re.MULTILINE)[2:]:
        case, sdk = (cell.strip() for cell in row.split("|")[1:3])
        yield case, sdk, row


class SdkRunTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.provider = FakeProvider()
        self.addCleanup(self.provider.close)
        self.fusebox = RecordingClient(self.daemon.socket, spool=False, timeout=PATIENCE)
        self.addCleanup(self.fusebox.close)

    @needs("openai", "httpx", "httpx2")
    def test_openai(self) -> None:
        self.run_table("openai")

    @needs("anthropic", "httpx2")
    def test_anthropic(self) -> None:
        self.run_table("anthropic")

    def test_the_table_has_every_case_of_both(self) -> None:
        told = {(case, one) for case, sdk, _ in table() for one in (SDKS if sdk == "both" else (sdk,))}
        self.assertEqual(told, {(case, sdk) for case in CASES for sdk in SDKS})

    def run_table(self, sdk: str) -> None:
        for case, told, row in table():
            if told not in (sdk, "both"):
                continue
            for number, library in enumerate(name for name in SDKS[sdk] if find_spec(name)):
                with self.subTest(case, sdk=sdk, library=library):
                    name = f"{sdk}-{library}-{CASES[case][0]}-{len(self.fusebox.calls)}"
                    self.ask(sdk, library, name, case)
                    self.assertEqual(f"| {case} | {told} | {self.words(name)} |", row)
                    if number == 0:
                        print(f"{sdk}: {row}", file=sys.stderr)

    def ask(self, sdk: str, library: str, name: str, case: str) -> None:
        """Makes the call of a case, and reads what the SDK gives."""
        self.daemon.run("price", "set", name, "--input", "1", "--cached-input", "0.5", "--output", "2")
        http, ours, package = (import_module(one) for one in (library, f"fusebox_client.{library}", sdk))
        model, options, error = CASES[case]
        transport = ours.FuseboxTransport(self.fusebox, provider=name, tags=["team:search"], cost=0.01)
        with http.Client(transport=transport) as http_client:
            timeout = 0.5 if model == "slow" else PATIENCE
            told: dict[str, Any] = {"api_key": "key", "max_retries": 0, "timeout": timeout, "http_client": http_client}
            asked: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "?"}], **options}
            if sdk == "openai":
                create = package.OpenAI(base_url=f"{self.provider.url}/v1", **told).chat.completions.create
                asked |= {"stream_options": {"include_usage": True}} if options else {}
            else:
                create = package.Anthropic(base_url=self.provider.url, **told).messages.create
                asked["max_tokens"] = 10
            if error is None:
                self.read(create(**asked), is_whole=model != "endless")
            else:
                with self.assertRaises(getattr(package, error) if error else Exception):
                    self.read(create(**asked), is_whole=True)

    def read(self, answer: Any, is_whole: bool) -> None:
        if not hasattr(answer, "__enter__"):
            return
        with answer as stream:
            next(iter(stream))
            if is_whole:
                list(stream)

    def words(self, provider: str) -> str:
        """What became of the call, as the table has it: outcome, mark, usage, cost."""
        wait_until(lambda: self.account(provider).in_flight == 0)
        held = self.fusebox.calls[-1]
        assert held.settling is not None
        self.assertEqual(held.settling.delivery, "delivered")
        outcome = held.outcome.name.lower().replace("_", " ")
        return " | ".join((outcome, self.mark(provider), self.usage(provider), self.cost(provider)))

    def account(self, provider: str) -> Any:
        account = self.fusebox.call(protocol.LedgerProviderRequest(provider)).account
        assert account is not None
        return account

    def mark(self, provider: str) -> str:
        entries = self.fusebox.call(protocol.ExhaustionListRequest()).entries
        for one in entries:
            if one.provider == provider:
                seconds = round((one.resets_at - one.exhausted_at) / 1000)
                length = f"{seconds // 3600} h" if seconds >= 3600 else f"{seconds} s"
                return f"{length}, {'the model' if one.model else 'the provider'}"
        return "–"

    def usage(self, provider: str) -> str:
        used = self.account(provider).usage
        if not used.input_tokens and not used.output_tokens:
            return "–"
        sent = f"{used.input_tokens} + {used.cached_input_tokens} cached in"
        thought = f" + {used.reasoning_tokens} reasoning" if used.reasoning_tokens else ""
        return f"{sent}, {used.output_tokens}{thought} out"

    def cost(self, provider: str) -> str:
        spend = self.account(provider).usage.spend
        return f"${spend}" if spend.nanodollars else "–"


if __name__ == "__main__":
    unittest.main()
