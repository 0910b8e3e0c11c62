"""The Python worker of `make demo`: asks before each call to a provider, and tells afterwards how it went.

    python demo_worker.py DAEMON PROVIDER

Both are paths of sockets. It takes tasks from standard input, one a line (`work 50 openai`, `until-open openai`), and
answers each with seven numbers: calls made, succeeded, failed, out of quota, denied by the breaker, skipped because of
a mark, and the nano-dollars that they cost.

Breaker, mark and ledger are asked one by one here, so that the demonstration can tell them apart. `client.permit` asks
all of them at once.
"""

from __future__ import annotations

import socket
import sys
from collections import Counter

from fusebox_client import Client, Money, protocol

REPORTED = ("called", "succeeded", "failed", "throttled", "denied", "skipped", "spent")


def ask_provider(path: str, name: str) -> list[int]:
    """Status, cost in nano-dollars, and tokens of a simulated provider."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(name.encode())
        connection.shutdown(socket.SHUT_WR)
        return [int(word) for word in connection.makefile().read().split()]


def call(client: Client, provider: str, name: str, report: Counter[str]) -> float:
    """One call, as a worker makes it. Returns the share of traffic that the breaker admits."""
    if client.call(protocol.ExhaustionGetRequest(name)).entry is not None:
        report["skipped"] += 1
        return 1
    admission = client.call(protocol.BreakerAcquireRequest(name))
    if not admission.admitted:
        report["denied"] += 1
        return admission.share
    report["called"] += 1
    status, *used = ask_provider(provider, name)
    if status == 200:
        cost, sent, received = used
        client.call(protocol.BreakerSuccessRequest(name))
        tokens = protocol.TokenUsage(input=sent, output=received)
        client.send_report(protocol.LedgerRecordRequest(name, model="large", cost=Money(cost), tokens=tokens))
        report["succeeded"] += 1
        report["spent"] += cost
    elif status == 429:
        client.call(protocol.ExhaustionMarkRequest(name, 300_000))
        report["throttled"] += 1
    else:
        client.call(protocol.BreakerFailureRequest(name))
        report["failed"] += 1
    return admission.share


def main(daemon: str, provider: str) -> None:
    with Client(daemon, name="demo worker in Python", restart_patience=5) as client:
        for line in sys.stdin:
            task, *words = line.split()
            report: Counter[str] = Counter()
            if task == "work":
                for _ in range(int(words[0])):
                    call(client, provider, words[1], report)
            elif task == "until-open":
                while call(client, provider, words[0], report) > 0:
                    pass
            else:
                sys.exit(f"a worker knows no task {line!r}")
            print(*(report[name] for name in REPORTED), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
