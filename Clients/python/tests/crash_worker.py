"""A worker of the crash test. It makes calls until its standard input ends, and writes down what each cost.

    crash_worker.py threads|asyncio SOCKET SPOOL LOG

Before a settle the log gets `+COST`, after it `=COST`, in nano-dollars.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import threading
from typing import Any

from fusebox_client import AsyncClient, Client, Money, TimedOut, Unavailable

_, kind, path, spool, log = sys.argv
record = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
stops = threading.Event()
options: dict[str, Any] = {"spool": spool, "timeout": 2.0, "backoff": (0.01, 0.05)}


def write(mark: str, cost: Money) -> None:
    os.write(record, f"{mark}{cost.nanodollars}\n".encode())


def call(client: Client) -> None:
    while not stops.is_set():
        cost = Money(random.randint(1, 10**9))
        try:
            with client.permit(["crash/m", "other"], cost="1") as permit:
                permit.usage(cost=cost)
                write("+", cost)
            write("=", cost)
        except (Unavailable, TimedOut):
            stops.wait(0.02)  # The daemon is away, and the call was not admitted.


async def call_often(client: AsyncClient) -> None:
    while not stops.is_set():
        cost = Money(random.randint(1, 10**9))
        try:
            async with client.permit(["crash/m", "other"], cost="1") as permit:
                permit.usage(cost=cost)
                write("+", cost)
            write("=", cost)
        except (Unavailable, TimedOut):
            await asyncio.sleep(0.02)


async def main() -> None:
    async with AsyncClient(path, **options) as client:
        await asyncio.gather(*(call_often(client) for _ in range(8)))


def wait_for_end() -> None:
    sys.stdin.read()
    stops.set()


threading.Thread(target=wait_for_end, daemon=True).start()
if kind == "asyncio":
    asyncio.run(main())
else:
    with Client(path, **options) as client:
        threads = [threading.Thread(target=call, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
