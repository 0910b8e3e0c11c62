"""Transports that ask Fusebox before each request, and settle by the answer. For httpx and httpx2 alike.

The classes here know the library by the module that their subclass names. `fusebox_client.httpx` and
`fusebox_client.httpx2` have the subclasses.
"""

from __future__ import annotations

import json

from ._answers import READABLE_ENCODINGS, Answer
from ._call_end import milliseconds
from ._calls import route
from ._errors import AdmissionDenied, FuseboxError
from ._held import abandon
from ._uncopied import Uncopied
from .protocol.types import Candidate, DenialReason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from typing import Any, ClassVar

    from typing_extensions import Unpack

    from ._aio_permits import AsyncHeldPermit
    from ._calls import Route
    from ._options import PermitOptions
    from ._permits import HeldPermit
    from .aio import AsyncClient
    from .client import Client

PROVIDERS = {
    "api.openai.com": "openai", "api.anthropic.com": "anthropic", "openrouter.ai": "openrouter",
    "generativelanguage.googleapis.com": "gemini", "api.mistral.ai": "mistral", "api.groq.com": "groq",
    "api.deepseek.com": "deepseek", "api.x.ai": "xai", "api.cohere.com": "cohere", "api.together.xyz": "together_ai",
    "api.fireworks.ai": "fireworks_ai", "api.cerebras.ai": "cerebras",
}  # fmt: skip
"""The providers of the main hosts. Another host is a provider of its own name."""


class Routing:
    """Which route a request goes by, and what is told of its call."""

    def __init__(
        self,
        provider: str | None,
        deployment: str | None,
        route_of: Callable[[Any], Route | None] | None,
        options: PermitOptions,
    ) -> None:
        self._provider = provider
        self._deployment = deployment
        self._route_of = route_of
        self.options = options

    def candidate(self, request: Any) -> Candidate | None:
        """The route of a request; None: it is no call to a model, and is sent without a permit."""
        if self._route_of is not None:
            told = self._route_of(request)
            return None if told is None else route(told)
        if request.method != "POST":
            return None  # Lists of models and the like.
        host = request.url.host
        return Candidate(self._provider or PROVIDERS.get(host, host), self._deployment, _model(request))


def _model(request: Any) -> str | None:
    """The model that the body asks for, or the path, as Gemini's and Bedrock's."""
    try:
        body = json.loads(request.content)
    except Exception:  # A body that is streamed, or no JSON.
        body = None
    model = body.get("model") if isinstance(body, dict) else None
    if isinstance(model, str) and model:
        return model
    for before in ("/models/", "/model/", "/deployments/"):
        _, found, rest = request.url.path.partition(before)
        name = rest.split("/")[0].split(":")[0] if found else ""
        if name:
            return str(name)
    return None


def prepare(request: Any) -> None:
    """Asks for an answer whose bytes can be read on the way."""
    encodings = request.headers.get("accept-encoding", "")
    if encodings and encodings != "identity":
        request.headers["accept-encoding"] = READABLE_ENCODINGS


def denial(library: Any, request: Any, denied: AdmissionDenied) -> Any:
    """The answer to a request that Fusebox does not admit: 429 for a limit, a quota or a queue, 503 for a breaker.

    SDKs turn it into their own errors, and do not try again at once.
    """
    limits = (DenialReason.EXHAUSTED, DenialReason.LIMIT, DenialReason.WAITING)
    is_limit = any(one.reason in limits for one in denied.denials)
    headers = {"x-should-retry": "false", "x-fusebox": "denied"}
    if denied.retry_after is not None:
        wait = milliseconds(denied.retry_after)
        headers["retry-after-ms"] = str(wait)
        headers["retry-after"] = str(-(-wait // 1000))
    error = {"message": str(denied), "type": "fusebox_denied", "code": "admission_denied"}
    body = {"type": "error", "error": error}
    return library.Response(429 if is_limit else 503, headers=headers, json=body, request=request)


def failure(library: Any, request: Any, error: FuseboxError) -> Exception:
    """The error of the library for a daemon that does not answer, where calls fail closed."""
    made: Exception = library.ConnectError(str(error), request=request)
    return made


class SyncTransport:
    """Asks before each request, sends it through another transport, and settles when the answer has been read.

    - `client`: the Fusebox client
    - `transport`: what sends the requests; None: the library's own
    - `provider`, `deployment`: of all requests; without a provider the host tells it (`api.openai.com` is `openai`)
    - `route_of`: tells the route of a request instead, or None for one that is no call
    - further options are those of `Client.permit`: `tags`, `cost`, `tokens`, `wait`, `priority`, `ttl`, …

    A request that waits for its turn has not been sent, so the library's timeouts do not count that time.
    """

    library: ClassVar[Any]
    stream_class: ClassVar[Any]

    def __init__(
        self,
        client: Client,
        *,
        transport: Any = None,
        provider: str | None = None,
        deployment: str | None = None,
        route_of: Callable[[Any], Route | None] | None = None,
        **options: Unpack[PermitOptions],
    ) -> None:
        self._client = client
        self._transport = self.library.HTTPTransport() if transport is None else transport
        self._routing = Routing(provider, deployment, route_of, options)

    def handle_request(self, request: Any) -> Any:
        """Sends one request under a permit."""
        candidate = self._routing.candidate(request)
        if candidate is None:
            return self._transport.handle_request(request)
        held = self._client.permit(candidate, **self._routing.options)
        try:
            held.__enter__()
        except AdmissionDenied as denied:
            return denial(self.library, request, denied)
        except FuseboxError as error:
            raise failure(self.library, request, error) from error
        try:
            prepare(request)
            response = self._transport.handle_request(request)
            answer = Answer(held, response.status_code, response.headers)
            response.stream = self.stream_class(response.stream, answer, held)
        except BaseException as error:
            held.finish(error)
            raise
        return response

    def close(self) -> None:
        """Closes the transport that sends the requests. The Fusebox client stays open."""
        self._transport.close()

    def __enter__(self) -> Any:
        self._transport.__enter__()
        return self

    def __exit__(self, *ending: Any) -> None:
        self._transport.__exit__(*ending)


class SyncStream(Uncopied):
    """The body of an answer, as the library reads it."""

    def __init__(self, stream: Iterable[bytes], answer: Answer, held: HeldPermit) -> None:
        self._stream = stream
        self._answer = answer
        self._held = held
        self._is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for data in self._stream:
                self._answer.feed(data)
                yield data
        except GeneratorExit:
            raise
        except BaseException as error:
            self._held.finish(error)
            raise
        self._is_whole = True
        self._settle()

    def close(self) -> None:
        try:
            closing = getattr(self._stream, "close", None)
            if closing is not None:
                closing()
        finally:
            self._settle()

    def _settle(self) -> None:
        if self._held.outcome is None:
            self._answer.end(self._is_whole)
            self._held.finish()

    def __del__(self) -> None:
        if getattr(self, "_held", None) is not None and self._held.outcome is None:
            abandon(self._held)
            self._held.finish_later()


class AsyncTransport:
    """The same for asyncio; `SyncTransport` explains the arguments."""

    library: ClassVar[Any]
    stream_class: ClassVar[Any]

    def __init__(
        self,
        client: AsyncClient,
        *,
        transport: Any = None,
        provider: str | None = None,
        deployment: str | None = None,
        route_of: Callable[[Any], Route | None] | None = None,
        **options: Unpack[PermitOptions],
    ) -> None:
        self._client = client
        self._transport = self.library.AsyncHTTPTransport() if transport is None else transport
        self._routing = Routing(provider, deployment, route_of, options)

    async def handle_async_request(self, request: Any) -> Any:
        """Sends one request under a permit."""
        candidate = self._routing.candidate(request)
        if candidate is None:
            return await self._transport.handle_async_request(request)
        held = self._client.permit(candidate, **self._routing.options)
        try:
            await held.__aenter__()
        except AdmissionDenied as denied:
            return denial(self.library, request, denied)
        except FuseboxError as error:
            raise failure(self.library, request, error) from error
        try:
            prepare(request)
            response = await self._transport.handle_async_request(request)
            answer = Answer(held, response.status_code, response.headers)
            response.stream = self.stream_class(response.stream, answer, held)
        except BaseException as error:
            await held.finish(error)
            raise
        return response

    async def aclose(self) -> None:
        """Closes the transport that sends the requests. The Fusebox client stays open."""
        await self._transport.aclose()

    async def __aenter__(self) -> Any:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *ending: Any) -> None:
        await self._transport.__aexit__(*ending)


class AsyncStream(Uncopied):
    """The body of an answer, as the library reads it."""

    def __init__(self, stream: Any, answer: Answer, held: AsyncHeldPermit) -> None:
        self._stream = stream
        self._answer = answer
        self._held = held
        self._is_whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for data in self._stream:
                self._answer.feed(data)
                yield data
        except GeneratorExit:
            raise
        except BaseException as error:
            await self._held.finish(error)
            raise
        self._is_whole = True
        await self._settle()

    async def aclose(self) -> None:
        try:
            closing = getattr(self._stream, "aclose", None)
            if closing is not None:
                await closing()
        finally:
            await self._settle()

    async def _settle(self) -> None:
        if self._held.outcome is None:
            self._answer.end(self._is_whole)
            await self._held.finish()

    def __del__(self) -> None:
        if getattr(self, "_held", None) is not None and self._held.outcome is None:
            abandon(self._held)
            self._held.finish_soon()
