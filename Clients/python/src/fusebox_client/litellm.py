"""LiteLLM's calls under permits.

For `litellm.acompletion`, the Router and the proxy, as a callback:

    import litellm
    from fusebox_client import AsyncClient
    from fusebox_client.litellm import FuseboxCallback

    litellm.callbacks = [FuseboxCallback(AsyncClient(), cost=0.01)]

A call that is not admitted raises AdmissionDenied before it is sent. A stream whose consumer stops early counts as
abandoned, and so does a call whose task is cancelled. LiteLLM swallows what callbacks of blocking calls
raise, so those are made through `completion`, which takes the arguments of `litellm.completion`:

    from fusebox_client.litellm import completion

    answer = completion(client, model="openai/gpt-4o", messages=[...], permit={"cost": 0.01})
"""

from __future__ import annotations

import weakref
from datetime import datetime
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger

from ._held import abandon
from ._streams import Stream, is_stream, note
from .protocol.types import Candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from ._aio_permits import AsyncHeldPermit
    from ._calls import Route
    from ._options import PermitOptions
    from .aio import AsyncClient
    from .client import Client

__all__ = ["FuseboxCallback", "completion", "route_of"]


def route_of(model: str, provider: str | None = None) -> Candidate:
    """The route of LiteLLM's name of a model: `openai/gpt-4o`, or `gpt-4o` where LiteLLM knows the provider."""
    try:
        name, found, *_ = litellm.get_llm_provider(model, custom_llm_provider=provider)
    except Exception:
        # LiteLLM does not know the model. It will say so itself when the call is made.
        head, slash, rest = model.partition("/")
        return Candidate(head, None, rest) if slash else Candidate(provider or "litellm", None, model)
    return Candidate(str(found), None, str(name))


class FuseboxCallback(CustomLogger):  # type: ignore[misc, unused-ignore]
    """Admits each attempt of a call before it is sent, and settles it by its answer or its exception.

    - `client`: the Fusebox client
    - `route_of`: tells the route of a model's name and its provider
    - further options are those of `AsyncClient.permit`: `tags`, `cost`, `tokens`, `wait`, `priority`, `ttl`, …
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        route_of: Callable[[str, str | None], Route] = route_of,
        **options: Unpack[PermitOptions],
    ) -> None:
        super().__init__()
        self._client = client
        self._route_of = route_of
        self._options = options
        self._calls: dict[str, _Call] = {}

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        """LiteLLM is about to send a request. Raises AdmissionDenied."""
        name = _call_id(kwargs)
        if name is None:
            return None
        before = self._taken(name)
        if before is not None:
            before.tell("failure")  # An attempt that ended without a word.
            await before.finish()
        held = self._client.permit(
            self._route_of(str(kwargs.get("model")), kwargs.get("custom_llm_provider")), **self._options
        )
        await held.__aenter__()
        self._calls[name] = _Call(held, kwargs.get("litellm_logging_obj"), lambda call: self._forget(name, call))
        return None

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """A call has succeeded; a stream has ended."""
        held = self._taken(_call_id(kwargs))
        if held is not None:
            first = kwargs.get("completion_start_time")
            if kwargs.get("stream") and isinstance(first, datetime):
                held.first_token(ago=(datetime.now(first.tzinfo) - first).total_seconds())
            note(held, response_obj)
            await held.finish()

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """A call has failed."""
        held = self._taken(_call_id(kwargs))
        if held is not None:
            error = kwargs.get("exception") or response_obj
            if isinstance(error, BaseException):
                held.fail(error)
            else:
                held.tell("failure")
            await held.finish()

    async def async_post_call_failure_deployment_hook(
        self, request_data: Any, exception: Exception, call_type: Any, fallback_depth: int | None = None
    ) -> None:
        """An attempt has failed. LiteLLM may make another."""
        held = self._taken(_call_id(request_data))
        if held is not None:
            await held.finish(exception)

    def _taken(self, name: str | None) -> AsyncHeldPermit | None:
        """The permit of a call that is settled now, unless it was settled before."""
        call = self._calls.pop(name or "", None)
        return None if call is None else call.held

    def _forget(self, name: str, call: _Call) -> None:
        """LiteLLM has dropped a call of which it told no end. From any thread."""
        if self._calls.get(name) is call:
            del self._calls[name]
            abandon(call.held)
            call.held.finish_soon()


class _Call:
    """A call under a permit, and whether LiteLLM still knows it.

    LiteLLM tells nothing of a stream whose consumer stops early. But each call has an object of its own, to which its
    stream and whatever may yet report its end refer.
    """

    __slots__ = ("_known", "held")

    def __init__(self, held: AsyncHeldPermit, known: Any, on_dropped: Callable[[_Call], None]) -> None:
        self.held = held
        self._known = None if known is None else weakref.ref(known, lambda _: on_dropped(self))


def _call_id(told: Any) -> str | None:
    """LiteLLM's name of a call."""
    for one in (told, told.get("litellm_params")):
        name = one.get("litellm_call_id") if isinstance(one, dict) else None
        if name:
            return str(name)
    name = getattr(told.get("litellm_logging_obj"), "litellm_call_id", None)
    return str(name) if name else None


def completion(client: Client, *, model: str, permit: PermitOptions | None = None, **arguments: Any) -> Any:
    """`litellm.completion` under a permit. `permit` has the options of `Client.permit`.

    Raises AdmissionDenied before anything is sent. With `stream=True` the permit is settled at the end of the stream.
    """
    held = client.permit(route_of(model, arguments.get("custom_llm_provider")), **(permit or {})).__enter__()
    try:
        answer = litellm.completion(model=model, **arguments)
        if is_stream(answer):
            return Stream(answer, held)
        note(held, answer)
    except BaseException as error:
        held.finish(error)
        raise
    held.finish()
    return answer
