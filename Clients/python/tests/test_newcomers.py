"""The mistakes of people who begin: each is told, by what it was, where, and what to do."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import tempfile
import unittest
from pathlib import Path
from typing import Any, ClassVar

from fusebox_client import AsyncClient, Client, InvalidArgument, Unavailable, Usage
from fusebox_client import _calls as calls

from .test_client import ClientTestCase


class AbsenceTests(unittest.TestCase):
    """What stands at the path that was told, in place of a daemon's socket."""

    def told(self, path: Any) -> str:
        with Client(path, spool=False) as client, self.assertRaises(Unavailable) as caught:
            client.connect()

        async def connect() -> None:
            async with AsyncClient(path, spool=False) as client:
                await client.connect()

        with self.assertRaises(Unavailable) as again:
            asyncio.run(connect())
        self.assertEqual(str(caught.exception), str(again.exception))
        return str(caught.exception)

    def test_nothing_a_file_and_a_socket_that_was_left(self) -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            Path(folder, "file").touch()
            left = socket.socket(socket.AF_UNIX)
            left.bind(f"{folder}/left")
            left.close()
            for name, reason in (
                ("nothing", "there is no socket"),
                ("file", "this is not a socket"),
                ("", "this is not a socket"),
                ("left", "nobody listens on the socket"),
            ):
                path = f"{folder}/{name}"
                ending = "is fuseboxd running, and is $FUSEBOX_SOCKET right?"
                with self.subTest(name):
                    self.assertEqual(self.told(path), f"no daemon answers at {path}: {reason}; {ending}")
            self.assertIn("there is no socket", self.told(Path(folder) / "nothing"))

    def test_who_may_not_connect_is_told_who_may(self) -> None:
        error = Unavailable("/run/s", os.strerror(13).lower())
        self.assertEqual(
            str(error),
            "no daemon answers at /run/s: permission denied; members of the socket's group may connect, "
            "from their next login on",
        )

    @unittest.skipIf(os.geteuid() == 0, "the administrator may connect everywhere")
    def test_a_socket_of_others(self) -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            other = socket.socket(socket.AF_UNIX)
            self.addCleanup(other.close)
            other.bind(f"{folder}/s")
            other.listen()
            os.chmod(f"{folder}/s", 0)
            self.assertIn("permission denied; members of the socket's group", self.told(f"{folder}/s"))


class ArgumentTests(ClientTestCase):
    ROUTES: ClassVar[dict[str, tuple[Any, str]]] = {
        "no provider": ("/gpt-4o", "'/gpt-4o' is no route: provider[@deployment][/model]"),
        "no model": ("openai/", "'openai/' is no route"),
        "nothing": (None, "candidates: a route such as 'openai/gpt-4o' or a list of them, not None"),
        "an empty list": ([], "candidates: an admission needs 1 to 16 of them, not 0"),
        "a list of numbers": ([5], "5 is no route"),
    }
    OPTIONS: ClassVar[dict[str, tuple[dict[str, Any], str]]] = {
        "negative cost": ({"cost": -1}, "cost: $-1 is not between $0 and $1000000, for one call"),
        "cost as text": ({"cost": "$0.10"}, "'$0.10' is no amount of dollars"),
        "negative tokens": ({"tokens": -5}, "tokens: -5 is not a whole number from 0 to 4294967295"),
        "float tokens": ({"input_tokens": 5.5}, "input_tokens: 5.5 is not a whole number"),
        "a tag": ({"tags": "team:search"}, "tags: a list of names, not the text 'team:search'"),
        "a wait with its unit": ({"wait": "30s"}, "wait: '30s' is no number"),
    }

    def test_routes_and_options(self) -> None:
        client = self.client()
        cases = {name: (told, {}, text) for name, (told, text) in self.ROUTES.items()}
        cases |= {name: ("openai", options, text) for name, (options, text) in self.OPTIONS.items()}
        for name, (told, options, text) in cases.items():
            with self.subTest(name), self.assertRaises(InvalidArgument) as caught:
                client.permit(told, **options).__enter__()
            self.assertIn(text, str(caught.exception))

    def test_a_cost_in_floating_point_is_its_shortest_decimal(self) -> None:
        with self.client().permit("float", cost=0.1) as permit:
            self.assertEqual(str(permit.permit.held_cost), "0.1")

    def test_options_of_the_client(self) -> None:
        cases: list[tuple[Any, str]] = [
            ({"timout": 3}, r"^Client\(\) got an unexpected keyword argument 'timout'"),
            ({"failure_policy": "open"}, "failure_policy is 'fail_closed' or 'fail_open', not 'open'"),
            ({"timeout": "1s"}, "timeout is a number, not '1s'"),
            ({"path": 8080}, "path is that of the daemon's socket, a text, not 8080"),
        ]
        for options, text in cases:
            with self.subTest(options), self.assertRaisesRegex((TypeError, ValueError), text):
                Client(**options)
        with self.assertRaisesRegex(TypeError, r"^AsyncClient\(\) got an unexpected"):
            AsyncClient(timout=3)  # type: ignore[arg-type]

    def test_what_is_no_permit(self) -> None:
        client, wrong = self.client(), "permit: what `admit` returned, not int"
        with self.assertRaisesRegex(InvalidArgument, wrong):
            client.settle(5)  # type: ignore[arg-type]
        with self.assertRaisesRegex(InvalidArgument, wrong):
            client.renew(5)  # type: ignore[arg-type]

    def test_a_model_without_its_provider(self) -> None:
        calls._told.clear()
        with self.assertLogs("fusebox_client", logging.WARNING) as logs:
            for _ in range(2):
                with self.client().permit("gpt-4o"):
                    pass
        (line,) = logs.output
        self.assertIn("the route 'gpt-4o' names a provider, and no model; is provider/gpt-4o meant?", line)
        with self.assertNoLogs("fusebox_client", logging.WARNING), self.client().permit("openai/gpt-4o"):
            pass


class UseTests(ClientTestCase):
    def test_usage_outside_of_the_block(self) -> None:
        client = self.client()
        with self.assertRaisesRegex(RuntimeError, "the permit is not entered: use `with client.permit"):
            client.permit("outside").usage(cost=1)
        with client.permit("outside") as permit:
            pass
        with self.assertLogs("fusebox_client", logging.WARNING) as logs:
            self.assertFalse(permit.usage(cost=1))
        self.assertIn("the call by outside has ended; usage that is told now does not count", logs.output[0])

    def test_a_blocking_client_in_an_event_loop(self) -> None:
        client = self.client()

        async def main() -> None:
            for _ in range(2):
                client.report("loop", usage=Usage(cost=1))

        with self.assertLogs("fusebox_client", logging.WARNING) as logs:
            asyncio.run(main())
        self.assertEqual(len(logs.output), 1)
        self.assertIn("a blocking Client is used in an event loop", logs.output[0])
        other = self.client()

        async def in_a_thread() -> None:
            await asyncio.to_thread(other.report, "loop", usage=Usage(cost=1))

        with self.assertNoLogs("fusebox_client", logging.WARNING):
            asyncio.run(in_a_thread())

    def test_a_forgotten_await(self) -> None:
        async def main() -> None:
            async with AsyncClient(self.daemon.socket, spool=False) as client:
                admitting: Any = client.admit("await")
                with self.assertRaisesRegex(InvalidArgument, "not coroutine; is an `await` missing?"):
                    await client.settle(admitting)
                await client.settle(await admitting)

        asyncio.run(main())


if __name__ == "__main__":
    unittest.main()
