"""The examples, run against a daemon."""

from __future__ import annotations

import os
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fusebox_client import Client, protocol

from .fake_provider import FakeProvider
from .support import Daemon, tool, wait_until

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def needs_programs(*names: str) -> Callable[[Any], Any]:
    """Skips a test whose programs are not installed, and says so."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        print(f"\n*** NOT TESTED: {', '.join(missing)} is not installed ***", file=sys.stderr)
    return unittest.skipIf(bool(missing), f"{', '.join(missing)} is not installed")


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

                self.assertEqual([ask("ann"), ask("ann"), ask("bob")], ["fuses fuses fuses melt (openai/gpt-4o)\n"] * 3)
                with self.assertRaises(urllib.error.HTTPError) as caught:
                    ask("ann")
                self.assertEqual(caught.exception.code, 429)
                self.assertGreater(int(caught.exception.headers["retry-after"]), 3000)
                caught.exception.close()
                wait_until(lambda: self.account("openai").in_flight == 0)
                self.assertEqual(self.account("openai").usage.output_tokens, 60)
                # A reader that goes away has abandoned its call, long before the provider has said all.
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ask?user=eve&words=1000000") as answer:
                    self.assertEqual(answer.read(6), b"fuses ")
                    self.assertEqual(self.account("openai").in_flight, 1)
                wait_until(lambda: self.account("openai").in_flight == 0)
                totals = self.client.call(protocol.AdmissionPermitsRequest()).totals
                self.assertEqual((totals.granted, totals.settled), (4, 4))
                self.assertEqual(self.account("openai").usage.output_tokens, 60)
            finally:
                server.send_signal(signal.SIGINT)

    @needs_programs("curl", "jq")
    def test_the_shell_script(self) -> None:
        provider = FakeProvider()
        self.addCleanup(provider.close)
        self.daemon.run("limit", "set", "--provider", "groq", "2 requests per hour")
        url = f"{provider.url}/v1"
        environment = self.environment | {
            "PATH": f"{Path(tool('fusebox')).parent}{os.pathsep}{os.environ['PATH']}",
            "OPENAI_URL": url,
            "GROQ_URL": url,
            "ROUTES": "openai/throttled groq/ok",
            "WAIT": "1s",
        }
        arguments = [str(EXAMPLES / "batch.sh")]
        ran = subprocess.run(
            arguments, env=environment, input="one?\ntwo?\nthree?\n", capture_output=True, text=True, timeout=300
        )
        self.assertEqual((ran.returncode, ran.stdout), (1, "Hi\nHi\n"), ran.stderr)
        # The first provider has said when it takes calls again, so it is asked once.
        self.assertEqual([model for _, model in provider.asked], ["throttled", "ok", "ok"])
        self.assertIn("no answer: three?", ran.stderr)
        self.assertIn("the limit of 2 requests per hour on groq has no room", ran.stderr)
        used = self.account("groq").usage
        self.assertEqual((used.requests, used.input_tokens, used.cached_input_tokens), (2, 120, 80))
        (mark,) = self.client.call(protocol.ExhaustionListRequest()).entries
        self.assertEqual((mark.provider, mark.reason.name), ("openai", "THROTTLED"))

    def test_the_worker_of_the_demonstration(self) -> None:
        answers = {"openai": "200 1230000 100 300"}
        path = f"{self.daemon.folder}/provider"

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(answers[self.rfile.read().decode()].encode())

        with socketserver.UnixStreamServer(path, Handler) as provider:
            serving = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.01})
            serving.start()
            arguments = [sys.executable, str(EXAMPLES / "demo_worker.py"), self.daemon.socket, path]
            with subprocess.Popen(
                arguments, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as worker:
                assert worker.stdin is not None
                assert worker.stdout is not None

                def ask(task: str) -> list[int]:
                    print(task, file=worker.stdin, flush=True)
                    return [int(word) for word in worker.stdout.readline().split()]  # type: ignore[union-attr]

                self.assertEqual(ask("work 3 openai"), [3, 3, 0, 0, 0, 0, 3 * 1_230_000])
                answers["openai"] = "500"
                called, *_, skipped, spent = ask("until-open openai")
                self.assertEqual((called, skipped, spent), (5, 0, 0))
                self.assertEqual(ask("work 2 openai"), [0, 0, 0, 0, 2, 0, 0])
                answers["anthropic"] = "429"
                self.assertEqual(ask("work 1 anthropic"), [1, 0, 0, 1, 0, 0, 0])
                self.daemon.kill()
                self.daemon.start()
                self.assertEqual(ask("work 2 anthropic"), [0, 0, 0, 0, 0, 2, 0])
                worker.stdin.close()
            self.assertEqual(worker.returncode, 0)
            provider.shutdown()
            serving.join()
        used = self.account("openai").usage
        self.assertEqual((used.requests, used.input_tokens, used.output_tokens), (3, 300, 900))


if __name__ == "__main__":
    unittest.main()
