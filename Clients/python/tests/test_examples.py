"""The examples, run against a daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from fusebox_client import Client, protocol

from .support import Daemon, wait_until

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class ExampleTests(unittest.TestCase):
    def setUp(self) -> None:
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.environment = {
            **os.environ,
            "FUSEBOX_SOCKET": self.daemon.socket,
            "FUSEBOX_SPOOL": self.daemon.spool,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        self.client = Client(self.daemon.socket, spool=False)
        self.addCleanup(self.client.close)

    def account(self, provider: str) -> protocol.ProviderAccount:
        account = self.client.call(protocol.LedgerProviderRequest(provider)).account
        assert account is not None
        return account

    def test_the_prefork_worker(self) -> None:
        arguments = [sys.executable, str(EXAMPLES / "prefork_worker.py")]
        ran = subprocess.run(arguments, env=self.environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(len(ran.stdout.splitlines()), 100)
        accounts = [self.account(provider) for provider in ("openai", "anthropic")]
        self.assertEqual(sum(one.usage.input_tokens for one in accounts), 100 * ran.stdout.count(" by "))
        self.assertEqual([one.in_flight for one in accounts], [0, 0])

    def test_the_asyncio_server(self) -> None:
        self.daemon.run("limit", "set", "--tag", "user:*", "2 requests per hour")
        arguments = [sys.executable, str(EXAMPLES / "asyncio_server.py"), "0"]
        with subprocess.Popen(arguments, env=self.environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                port = server.stdout.readline().split()[-1]

                def ask(user: str) -> str:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ask?user={user}", timeout=30) as answer:
                        return str(answer.read().decode())

                self.assertEqual([ask("ann"), ask("ann"), ask("bob")], ["fuses melt (openai/gpt-4o)\n"] * 3)
                with self.assertRaises(urllib.error.HTTPError) as caught:
                    ask("ann")
                self.assertEqual(caught.exception.code, 429)
                self.assertGreater(int(caught.exception.headers["retry-after"]), 3000)
                caught.exception.close()
                wait_until(lambda: self.account("openai").in_flight == 0)
                self.assertEqual(self.account("openai").usage.output_tokens, 60)
            finally:
                server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
