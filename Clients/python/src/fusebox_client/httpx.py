"""Transports for httpx, and so for the SDKs that use it.

    from openai import OpenAI
    from fusebox_client import Client
    from fusebox_client.httpx import FuseboxTransport

    client = OpenAI(http_client=httpx.Client(transport=FuseboxTransport(Client(), cost=0.01)))

Nothing else changes. A call that is not admitted ends with status 429 or 503, which the SDK turns into its own error.
"""

from __future__ import annotations

from typing import Any, ClassVar

import httpx

from . import _transports

__all__ = ["AsyncFuseboxTransport", "FuseboxTransport"]


class _Stream(_transports.SyncStream, httpx.SyncByteStream):
    pass


class _AsyncStream(_transports.AsyncStream, httpx.AsyncByteStream):
    pass


class FuseboxTransport(_transports.SyncTransport, httpx.BaseTransport):
    """Asks Fusebox before each request, and settles by the answer."""

    library: ClassVar[Any] = httpx
    stream_class: ClassVar[Any] = _Stream


class AsyncFuseboxTransport(_transports.AsyncTransport, httpx.AsyncBaseTransport):
    """Asks Fusebox before each request, and settles by the answer."""

    library: ClassVar[Any] = httpx
    stream_class: ClassVar[Any] = _AsyncStream
