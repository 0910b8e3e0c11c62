"""A small double of LiteLLM: it calls callbacks as LiteLLM does, and answers from a table."""

from __future__ import annotations

import uuid
from typing import Any

callbacks: list[Any] = []
answers: dict[str, Any] = {}


class RateLimitError(Exception):
    status_code = 429

    def __init__(self) -> None:
        self.response = type("Response", (), {"status_code": 429, "headers": {"retry-after": "30"}})()


def get_llm_provider(model: str, custom_llm_provider: str | None = None) -> tuple[str, str, None, None]:
    provider, _, name = model.partition("/")
    return name, custom_llm_provider or provider, None, None


async def acompletion(model: str, **arguments: Any) -> Any:
    kwargs = {"model": model, "litellm_call_id": str(uuid.uuid4()), **arguments}
    for callback in callbacks:
        await callback.async_pre_call_deployment_hook(kwargs, "acompletion")
    answer = answers[model]
    for callback in callbacks:
        if isinstance(answer, Exception):
            await callback.async_log_failure_event({**kwargs, "exception": answer}, None, 0, 0)
        else:
            await callback.async_log_success_event(kwargs, answer, 0, 0)
    if isinstance(answer, Exception):
        raise answer
    return answer


def completion(model: str, **arguments: Any) -> Any:
    answer = answers[model]
    if isinstance(answer, Exception):
        raise answer
    return answer
