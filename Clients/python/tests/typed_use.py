"""What type checkers say of programs that use the client. mypy checks this file; nothing runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager

from fusebox_client import AsyncClient, AsyncHeldPermit, Client, HeldPermit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import assert_type

client, async_client = Client(), AsyncClient()


@client.guarded("openai/gpt-4o", cost=0.01)
def plain(question: str) -> str:
    return question


@client.guarded("openai/gpt-4o")
def with_permit(permit: HeldPermit, question: str, times: int = 1) -> str:
    return question * times


@async_client.guarded("openai/gpt-4o")
async def coroutine(permit: AsyncHeldPermit, question: str) -> int:
    return len(question)


@async_client.guarded("openai/gpt-4o")
async def generator(permit: AsyncHeldPermit, question: str) -> AsyncIterator[str]:
    yield question


class Worker:
    @client.guarded("openai/gpt-4o")
    def ask(self, permit: HeldPermit, question: str) -> str:
        return question


def blocking(numbers: Iterator[int], opening: AbstractContextManager[Iterator[bytes]]) -> None:
    assert_type(plain("?"), str)
    assert_type(with_permit("?", times=2), str)
    assert_type(Worker().ask(question="?"), str)
    assert_type(next(client.stream("a", lambda permit: numbers)), int)
    assert_type(next(client.stream("a", lambda permit: opening)), bytes)
    with client.permit("a", wait=None) as permit:
        assert_type(permit.usage({"text": "?"}), bool)
    client.permit("a", wait="30")  # type: ignore[arg-type]
    with_permit()  # type: ignore[call-arg]


async def asynchronous(numbers: AsyncIterator[int], opening: AbstractAsyncContextManager[AsyncIterator[bytes]]) -> None:
    async def start(permit: AsyncHeldPermit) -> AsyncIterator[int]:
        return numbers

    assert_type(await coroutine("?"), int)
    async for text in generator("?"):
        assert_type(text, str)
    assert_type(await (await async_client.stream("a", start)).__anext__(), int)
    assert_type(await (await async_client.stream("a", lambda permit: numbers)).__anext__(), int)
    assert_type(await (await async_client.stream("a", lambda permit: opening)).__anext__(), bytes)
