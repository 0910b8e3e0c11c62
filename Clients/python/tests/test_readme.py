"""The examples of README.md, run as they stand."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import threading
import unittest
from types import SimpleNamespace
from typing import Any
from unittest import mock

from fusebox_client import Client, protocol

from .support import PATIENCE, REPOSITORY, Daemon, wait_until
from .test_client import CHAT
from .test_sdks import needs


class ReadmeTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        environment = {"FUSEBOX_SOCKET": self.daemon.socket, "FUSEBOX_SPOOL": self.daemon.spool}
        patch = mock.patch.dict(os.environ, environment)
        patch.start()
        self.addCleanup(patch.stop)
        self.names: dict[str, Any] = {"call_provider": lambda *_: {"usage": CHAT}, "call_provider_async": self.answer}

    @staticmethod
    async def answer(*_: Any) -> Any:
        return {"usage": CHAT}

    def block(self, words: str, page: str = "Clients/python/README.md") -> str:
        """Runs the block of the page that has these words. Returns what it prints."""
        page = (REPOSITORY / page).read_text()
        (text,) = [one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if words in one]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, "README.md", "exec"), self.names)
        client = self.names.get("client")
        if client is not None:
            self.addCleanup(client.close)
        return printed.getvalue()

    def test_a_call_and_the_overview(self) -> None:
        self.assertIn("usage", self.block("AdmissionDenied"))
        self.assertIn("openai closed 0", self.block("OverviewRequest"))

    def test_the_main_page(self) -> None:
        class QuotaExhausted(Exception):
            retry_after = 3600.0

        asked = []

        def call(provider: str, model: str, prompt: str) -> Any:
            asked.append((provider, model, prompt))
            if provider == "openai":
                raise QuotaExhausted
            return SimpleNamespace(text="they melt", usage=CHAT)

        self.names |= {"QuotaExhausted": QuotaExhausted, "call": call}
        self.block("run_with_failover", "README.md")
        ask, client = self.names["ask"], self.names["client"]
        self.assertEqual(ask("?", client), "they melt")
        self.assertEqual(asked, [("openai", "gpt-4o", "?"), ("anthropic", "claude-sonnet-4", "?")])
        # What the first one's error means holds for the next call: only the second is asked.
        self.assertEqual(ask("?", client), "they melt")
        self.assertEqual([provider for provider, _, _ in asked], ["openai", "anthropic", "anthropic"])
        (mark,) = client.call(protocol.ExhaustionListRequest()).entries
        self.assertEqual((mark.provider, mark.model, mark.reason.name), ("openai", "gpt-4o", "QUOTA_EXHAUSTED"))
        account = client.call(protocol.LedgerModelRequest("anthropic", "claude-sonnet-4")).account
        self.assertEqual((account.usage.requests, account.usage.input_tokens), (2, 200))

    def test_waiting(self) -> None:
        self.daemon.run("limit", "set", "--provider", "openai", "1 in flight")
        self.block("timedelta")
        self.assertEqual(str(self.names["permit"].outcome.name), "SUCCESS")

    def test_events(self) -> None:
        def mark() -> None:
            with Client(self.daemon.socket, spool=False, timeout=PATIENCE) as observer:
                wait_until(lambda: observer.call(protocol.StatusRequest()).subscribers == 1)
                observer.call(protocol.ExhaustionMarkRequest("openai", 60_000))

        marking = threading.Thread(target=mark)
        marking.start()
        self.addCleanup(marking.join)
        self.assertEqual(self.block("ProviderExhaustedEvent"), "openai has run out of quota\n")

    def test_asyncio(self) -> None:
        self.block("AsyncClient")
        self.assertEqual(asyncio.run(self.names["ask"]("?")), {"usage": CHAT})

    @needs("openai", "httpx")
    def test_the_sdk(self) -> None:
        self.block("FuseboxTransport")
        self.names["openai"].close()


if __name__ == "__main__":
    unittest.main()
