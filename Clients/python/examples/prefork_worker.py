"""A pre-forking worker, as celery and gunicorn have it: one client made before the fork serves every child.

    FUSEBOX_SOCKET=/run/fusebox/fusebox.sock python prefork_worker.py

Each child takes jobs until there are none. The client is another worker in each child, with a connection of its own.
"""

from __future__ import annotations

import os
import sys

from fusebox_client import AdmissionDenied, Client, HeldPermit

client = Client(name="prefork-example")


def ask_provider(provider: str, job: int) -> dict[str, object]:
    """Stands for the call of a provider's library."""
    if provider == "openai" and job % 10 == 0:
        raise TimeoutError("the provider did not answer")
    return {"text": f"job {job} by {provider}", "usage": {"prompt_tokens": 100, "completion_tokens": 20}}


def do(job: int) -> str:
    """One job: the first provider that may be called, and the next one if it fails."""

    def call(permit: HeldPermit) -> str:
        answer = ask_provider(permit.provider, job)
        permit.usage(answer)
        return str(answer["text"])

    return client.run_with_failover(["openai/gpt-4o", "anthropic/claude"], call, tags=["queue:default"], cost=0.01)


def work(jobs: range) -> None:
    for job in jobs:
        try:
            print(do(job), flush=True)
        except AdmissionDenied as denied:
            print(f"job {job} has to wait: {denied}", flush=True)
    client.close()


def main(children: int = 4, jobs: int = 25) -> int:
    pids = []
    for number in range(children):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work(range(number * jobs, (number + 1) * jobs))
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)


if __name__ == "__main__":
    sys.exit(main())
