"""An asyncio server that asks Fusebox before each call, in the manner of FastAPI but with the standard library alone.

    FUSEBOX_SOCKET=/run/fusebox/fusebox.sock python asyncio_server.py 8000

`GET /ask?user=ann` streams an answer, of `words=3` words. A user whose limit is used up gets status 429 with
`retry-after`. A reader that goes away ends the call, which counts as abandoned with what it used so far.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from math import ceil
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fusebox_client import AdmissionDenied, AsyncClient, AsyncHeldPermit

client = AsyncClient(name="asyncio-example")


def ask_provider(words: int) -> Callable[[AsyncHeldPermit], Awaitable[AsyncIterator[dict[str, Any]]]]:
    """Stands for a provider's library: starts the call and returns its stream. The last event tells the usage."""

    async def events(permit: AsyncHeldPermit) -> AsyncIterator[dict[str, Any]]:
        for _ in range(words):
            await asyncio.sleep(0.001)
            yield {"text": "fuses ", "usage": None}
        yield {"text": f"melt ({permit.route})\n", "usage": {"prompt_tokens": 100, "completion_tokens": 20}}

    async def start(permit: AsyncHeldPermit) -> AsyncIterator[dict[str, Any]]:
        return events(permit)

    return start


async def answer(user: str, words: int, writer: asyncio.StreamWriter) -> None:
    candidates = ["openai/gpt-4o", "anthropic/claude"]
    try:
        stream = await client.stream(candidates, ask_provider(words), tags=[f"user:{user}"], cost=0.01)
    except AdmissionDenied as denied:
        wait = "" if denied.retry_after is None else f"retry-after: {ceil(denied.retry_after)}\r\n"
        writer.write(f"HTTP/1.1 429 Too Many Requests\r\n{wait}connection: close\r\n\r\n{denied}\n".encode())
        return
    async with stream:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n")
        async for event in stream:
            writer.write(event["text"].encode())
            await writer.drain()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        asked = dict(parse_qsl(urlsplit(target).query))
        await answer(asked.get("user", "nobody"), int(asked.get("words", 3)), writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # The reader has gone.
    finally:
        writer.close()


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print(f"listening on port {server.sockets[0].getsockname()[1]}", flush=True)
    async with client, server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000))
    except KeyboardInterrupt:
        pass
