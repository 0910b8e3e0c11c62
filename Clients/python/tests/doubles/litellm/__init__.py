"""A small double of LiteLLM: it calls callbacks as LiteLLM does, and answers from a table."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator
from typing import Any

callbacks: list[Any] = []
answers: dict[str, Any] = {}


class RateLimitError(Exception):
    status_code = 429

    def __init__(self) -> None:
        self.response = type("Response", (), {"status_code": 429, "headers": {"retry-after": "30"}})()


class Logging:
    """Each call has one. Its stream and whatever reports its end refer to it, and nothing else does."""

    def __init__(self, kwargs: dict[str, Any]) -> None:
        self.litellm_call_id = kwargs["litellm_call_id"]
        self.kwargs = {name: value for name, value in kwargs.items() if name != "litellm_logging_obj"}

    async def succeed(self, answer: Any) -> None:
        for callback in callbacks:
            await callback.async_log_success_event(
                kwargs=self.kwargs, response_obj=answer, start_time=None, end_time=None
            )

    async def fail(self, error: Exception) -> None:
        for callback in callbacks:
            await callback.async_log_failure_event(
                kwargs={**self.kwargs, "exception": error}, response_obj=None, start_time=None, end_time=None
            )


class CustomStreamWrapper:
    """A stream whose end is logged. Whose consumer stops early is told to nobody."""

    def __init__(self, answer: Any, logging: Logging) -> None:
        self._answer = answer
        self._logging = logging
        self._chunks = iter(range(3))

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        self._logging.kwargs.setdefault("completion_start_time", datetime.datetime.now())
        chunk = next(self._chunks, None)
        if chunk is None:
            await self._logging.succeed(self._answer)
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._chunks = iter(())


def get_llm_provider(model: str, custom_llm_provider: str | None = None) -> tuple[str, str, None, None]:
    provider, _, name = model.partition("/")
    return name, custom_llm_provider or provider, None, None


async def acompletion(model: str, stream: bool = False, **arguments: Any) -> Any:
    kwargs = {"model": model, "stream": stream, "litellm_call_id": str(uuid.uuid4()), **arguments}
    logging = kwargs["litellm_logging_obj"] = Logging(kwargs)
    for callback in callbacks:
        await callback.async_pre_call_deployment_hook(kwargs, "acompletion")
    if model.endswith("slow"):
        await asyncio.Event().wait()
    answer = answers["openai/ok" if model.endswith("endless") else model]
    if isinstance(answer, Exception):
        await logging.fail(answer)
        raise answer
    if stream:
        return CustomStreamWrapper(answer, logging)
    await logging.succeed(answer)
    return answer


def completion(model: str, **arguments: Any) -> Any:
    answer = answers[model]
    if isinstance(answer, Exception):
        raise answer
    return answer
