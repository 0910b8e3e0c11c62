"""What asking costs: the blocking client, asyncio with 100 tasks, and redis-py, one after the other in one run.

    FUSEBOX_PROGRAMS=.build/release PYTHONPATH=src python bench/round_trips.py [COUNT]

A call is an admit and a settle, so two round trips; of Redis it is two INCR. Redis keeps nothing on disk here. Fusebox
runs once with a sync of the disk before a settle is acknowledged (its default), and once without a journal, like Redis.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fusebox_client import AsyncClient, Client, protocol
from tests.support import Daemon, wait_until

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
TASKS = 100


def show(name: str, times: list[float], seconds: float) -> None:
    times.sort()
    p50, p99 = (times[int(len(times) * share)] * 1e6 for share in (0.5, 0.99))
    print(f"{name:<44} p50 {p50:8.1f} µs   p99 {p99:8.1f} µs   {len(times) / seconds:9.0f} a second", flush=True)


def blocking(name: str, call: Callable[[], object], count: int = COUNT) -> None:
    times = []
    for _ in range(count // 10):
        call()
    began = time.perf_counter()
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    show(name, times, time.perf_counter() - began)


def fusebox(what: str, *flags: str) -> None:
    with Daemon(*flags) as daemon:
        with Client(daemon.socket, spool=False, timeout=10) as client:

            def call() -> None:
                client.settle(client.admit("openai/gpt-4o"))

            def held() -> None:
                with client.permit("openai/gpt-4o"):
                    pass

            if what == "no journal":
                blocking("Client: ping", lambda: client.call(protocol.PingRequest()))
            blocking(f"Client: admit, settle ({what})", call)
            blocking(f"Client: with permit ({what})", held)
        asyncio.run(tasks(daemon.socket, what))


async def tasks(path: str, what: str) -> None:
    async with AsyncClient(path, spool=False, timeout=10) as client:
        times: list[float] = []

        async def work() -> None:
            for _ in range(COUNT * 3 // TASKS):
                start = time.perf_counter()
                await client.settle(await client.admit("openai/gpt-4o"))
                times.append(time.perf_counter() - start)

        await client.connect()
        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(TASKS)))
        show(f"AsyncClient: admit, settle, {TASKS} tasks ({what})", times, time.perf_counter() - began)


def redis() -> None:
    if find_spec("redis") is None or shutil.which("redis-server") is None:
        print("*** NOT MEASURED: redis-py or redis-server is not installed ***")
        return
    from redis import Redis
    from redis import asyncio as redis_asyncio

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis"
        arguments = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            wait_until(lambda: Path(path).exists())
            with Redis(unix_socket_path=path) as client:
                blocking("redis-py: ping", lambda: client.ping())
                blocking("redis-py: two INCR (no disk)", lambda: (client.incr("a"), client.incr("b")))

            async def many() -> None:
                times: list[float] = []
                async with redis_asyncio.Redis(unix_socket_path=path, max_connections=TASKS) as client:

                    async def work() -> None:
                        for _ in range(COUNT * 3 // TASKS):
                            start = time.perf_counter()
                            await client.incr("a")
                            await client.incr("b")
                            times.append(time.perf_counter() - start)

                    await client.ping()
                    began = time.perf_counter()
                    await asyncio.gather(*(work() for _ in range(TASKS)))
                    show(f"redis-py asyncio: two INCR, {TASKS} tasks", times, time.perf_counter() - began)

            asyncio.run(many())
        finally:
            server.terminate()
            server.wait()


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
        print(f"{'import ' + name:<44} {seconds * 1000:8.1f} ms")


SOURCE = str(Path(__file__).parents[1] / "src")
imports()
fusebox("no journal", "--durability", "snapshot")
fusebox("synced", "--durability", "commit")
redis()
