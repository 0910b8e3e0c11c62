"""What asking costs: the blocking client, asyncio with 100 tasks, and redis-py, in turns in one run.

    FUSEBOX_PROGRAMS=.build/release PYTHONPATH=src python bench/round_trips.py [CALLS]

A call is an admit and a settle, so two round trips; of Redis it is two INCR, without a disk. Fusebox runs once with a
sync of the disk before a settle is acknowledged (its default), and once without a journal, like Redis. The cases take
turns of 100 calls each, so that a busy machine slows all of them down alike, and the last column compares them with
redis-py.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from fusebox_client import AsyncClient, Client, protocol
from tests.support import Daemon, wait_until

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
TURN = 100
TASKS = 100
SOURCE = str(Path(__file__).parents[1] / "src")


class Case:
    """One way to ask, and how long its calls have taken."""

    def __init__(self, name: str, call: Callable[[], Any]) -> None:
        self.name = name
        self.call = call
        self.times: list[float] = []
        self.seconds = 0.0

    def turn(self) -> None:
        began = before = time.perf_counter()
        for _ in range(TURN):
            self.call()
            now = time.perf_counter()
            self.times.append(now - before)
            before = now
        self.seconds += before - began

    async def turn_of_tasks(self) -> None:
        async def work() -> None:
            for _ in range(3):
                start = time.perf_counter()
                await self.call()
                self.times.append(time.perf_counter() - start)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(TASKS)))
        self.seconds += time.perf_counter() - began

    def at(self, share: float) -> float:
        return sorted(self.times)[int(len(self.times) * share)] * 1e6

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds


def show(cases: list[Case], compared: str) -> None:
    base = next((case for case in cases if case.name.startswith(compared)), None)
    for case in cases:
        ratio = "" if base is None else f"   {case.at(0.5) / base.at(0.5):5.2f} ×"
        p50, p99 = case.at(0.5), case.at(0.99)
        print(f"{case.name:<44} p50 {p50:9.1f} µs   p99 {p99:9.1f} µs   {case.rate:8.0f} a second{ratio}", flush=True)


@contextlib.contextmanager
def redis_server() -> Iterator[str | None]:
    """The path of a server's socket; None if it is not installed."""
    if find_spec("redis") is None or shutil.which("redis-server") is None:
        print("*** NOT MEASURED: redis-py or redis-server is not installed ***")
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis"
        arguments = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            wait_until(lambda: Path(path).exists())
            yield path
        finally:
            server.terminate()
            server.wait()


def blocking(unsynced: str, synced: str, redis: str | None) -> None:
    with contextlib.ExitStack() as stack:
        fast, safe = (stack.enter_context(Client(path, spool=False, timeout=10)) for path in (unsynced, synced))

        def held(client: Client) -> None:
            with client.permit("openai/gpt-4o"):
                pass

        cases = [
            Case("Client: ping", lambda: fast.call(protocol.PingRequest())),
            Case("Client: admit, settle (no journal)", lambda: fast.settle(fast.admit("openai/gpt-4o"))),
            Case("Client: with permit (no journal)", lambda: held(fast)),
            Case("Client: admit, settle (synced)", lambda: safe.settle(safe.admit("openai/gpt-4o"))),
        ]
        if redis is not None:
            from redis import Redis

            other = stack.enter_context(Redis(unix_socket_path=redis))
            cases.append(Case("redis-py: ping", other.ping))
            cases.append(Case("redis-py: two INCR (no disk)", lambda: (other.incr("a"), other.incr("b"))))
        for case in cases:
            case.turn()
            case.times, case.seconds = [], 0.0
        for _ in range(CALLS // TURN):
            for case in cases:
                case.turn()
        show(cases, "redis-py: two")


@contextlib.asynccontextmanager
async def async_redis(path: str | None) -> AsyncIterator[Callable[[], Awaitable[None]] | None]:
    if path is None:
        yield None
        return
    from redis import asyncio as redis

    async with redis.Redis(unix_socket_path=path, max_connections=TASKS) as other:

        async def twice() -> None:
            await other.incr("a")
            await other.incr("b")

        yield twice


async def tasks(unsynced: str, synced: str, redis: str | None) -> None:
    async with (
        AsyncClient(unsynced, spool=False, timeout=10) as fast,
        AsyncClient(synced, spool=False, timeout=10) as safe,
        async_redis(redis) as twice,
    ):

        async def ask(client: AsyncClient) -> None:
            await client.settle(await client.admit("openai/gpt-4o"))

        cases = [
            Case(f"AsyncClient: admit, settle, {TASKS} tasks (no journal)", lambda: ask(fast)),
            Case(f"AsyncClient: admit, settle, {TASKS} tasks (synced)", lambda: ask(safe)),
        ]
        if twice is not None:
            cases.append(Case(f"redis-py asyncio: two INCR, {TASKS} tasks", twice))
        for case in cases:
            await case.turn_of_tasks()
            case.times, case.seconds = [], 0.0
        for _ in range(CALLS // TASKS):
            for case in cases:
                await case.turn_of_tasks()
        show(cases, "redis-py asyncio")


def imports() -> None:
    """The processor's time for an import; the best of several, taken in turns."""
    best = {"fusebox_client": 9.0, "asyncio": 9.0}
    for _ in range(25):
        for name in best:
            code = f"import sys, time; sys.path.insert(0, {SOURCE!r}); t = time.process_time(); import {name}; "
            code += "print(time.process_time() - t)"
            ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True)
            best[name] = min(best[name], float(ran.stdout))
    for name, seconds in best.items():
        print(f"{'import ' + name:<44} {seconds * 1000:8.1f} ms   {seconds / best['asyncio']:5.2f} ×")


if __name__ == "__main__":
    imports()
    with (
        Daemon("--durability", "snapshot") as unsynced,
        Daemon("--durability", "commit") as synced,
        redis_server() as redis,
    ):
        blocking(unsynced.socket, synced.socket, redis)
        asyncio.run(tasks(unsynced.socket, synced.socket, redis))
