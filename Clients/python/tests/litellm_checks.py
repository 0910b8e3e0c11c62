"""What the tests of LiteLLM run in a process of their own, with the double or with the package itself.

litellm_checks.py double|package SOCKET URL
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

_, kind, socket, url = sys.argv

import litellm

from fusebox_client import AdmissionDenied, AsyncClient, Client, Outcome, protocol
from fusebox_client.litellm import FuseboxCallback, completion

USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
ARGUMENTS: dict[str, Any] = {"messages": [{"role": "user", "content": "?"}]}
if kind == "double":
    litellm.answers = {
        "openai/ok": {"id": "1", "model": "m", "usage": USAGE},
        "openai/throttled": litellm.RateLimitError(),
    }
else:
    litellm.suppress_debug_info = True
    ARGUMENTS |= {"api_base": f"{url}/v1", "api_key": "key", "num_retries": 0, "max_retries": 0}


def check(what: str, is_right: bool) -> None:
    if not is_right:
        sys.exit(f"{kind}: {what}")
    print(f"{kind}: {what}")


async def account(client: AsyncClient, name: str = "openai") -> Any:
    return (await client.call(protocol.LedgerProviderRequest(name))).account


async def settled(client: AsyncClient) -> None:
    """LiteLLM calls back a moment after the answer."""
    for _ in range(2000):
        if (await account(client)).in_flight == 0:
            return
        await asyncio.sleep(0.005)
    sys.exit("a call is not settled")


def recorded(client: Any) -> list[Any]:
    """The permits that the client gives out from now on."""
    permits: list[Any] = []
    make = client.permit

    def permit(*arguments: Any, **options: Any) -> Any:
        permits.append(make(*arguments, **options))
        return permits[-1]

    client.permit = permit
    return permits


async def stopped_early(client: AsyncClient, permits: list[Any]) -> None:
    """LiteLLM tells nothing of these."""
    for ending in ("closed", "dropped"):
        stream = await litellm.acompletion(model="openai/endless", stream=True, **ARGUMENTS)
        await stream.__anext__()
        if ending == "closed":
            await stream.aclose()
        del stream
        await settled(client)
        check(f"a stream that is {ending} early is abandoned", permits[-1].outcome == Outcome.ABANDONED)
    task = asyncio.create_task(litellm.acompletion(model="openai/slow", **ARGUMENTS))
    while (await account(client)).in_flight == 0:
        await asyncio.sleep(0.005)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    del task
    await settled(client)
    check("a call whose task is cancelled is abandoned", permits[-1].outcome == Outcome.ABANDONED)


async def main() -> None:
    async with AsyncClient(socket, spool=False) as client:
        permits = recorded(client)
        callback = FuseboxCallback(client, tags=["team:search"], cost=0.01)
        litellm.callbacks = [callback]
        await litellm.acompletion(model="openai/ok", **ARGUMENTS)
        await settled(client)
        usage = (await account(client)).usage
        sent = usage.input_tokens + usage.cached_input_tokens
        check("an answer is settled with its usage", (usage.requests, sent) == (1, 100))
        options = {"include_usage": True}
        stream = await litellm.acompletion(model="openai/ok", stream=True, stream_options=options, **ARGUMENTS)
        async for _ in stream:
            pass
        await settled(client)
        usage = (await account(client)).usage
        check("a stream is settled with its usage", usage.input_tokens + usage.cached_input_tokens == 200)
        check("the time of its first token is told", permits[-1].permit.answered is not None)
        await stopped_early(client, permits)
        try:
            await litellm.acompletion(model="openai/throttled", **ARGUMENTS)
            check("an error is raised", False)
        except litellm.RateLimitError:
            pass
        await settled(client)
        marks = (await client.call(protocol.ExhaustionListRequest())).entries
        check("an error is settled by what it means", [mark.provider for mark in marks] == ["openai"])
        try:
            await litellm.acompletion(model="openai/throttled", **ARGUMENTS)
            check("a call that is not admitted is not sent", False)
        except AdmissionDenied:
            check("a call that is not admitted is not sent", True)
        except Exception as error:
            check("a call that is not admitted is not sent", "no provider may be called now" in str(error))
        check("nothing is held", not callback._calls)
        litellm.callbacks = []


def blocking() -> None:
    with Client(socket, spool=False) as client:
        client.call(protocol.ExhaustionClearRequest("openai", model="throttled"))
        before = client.call(protocol.LedgerProviderRequest("openai")).account
        completion(client, model="openai/ok", permit={"cost": 0.01}, **ARGUMENTS)
        after = client.call(protocol.LedgerProviderRequest("openai")).account
        assert before is not None
        assert after is not None
        check("a blocking call is settled", after.usage.output_tokens > before.usage.output_tokens)
        if kind == "package":
            options = {"include_usage": True}
            list(completion(client, model="openai/ok", stream=True, stream_options=options, **ARGUMENTS))
            last = client.call(protocol.LedgerProviderRequest("openai")).account
            assert last is not None
            check("a blocking stream is settled", last.usage.output_tokens > after.usage.output_tokens)
        held = recorded(client)
        try:
            completion(client, model="openai/throttled", **ARGUMENTS)
        except litellm.RateLimitError:
            pass
        check("a blocking call that fails is settled", held[0].outcome == Outcome.THROTTLED)


asyncio.run(main())
blocking()
