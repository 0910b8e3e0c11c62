"""Transports for httpx2, and so for the SDKs that use it.

    from openai import OpenAI
    from fusebox_client import Client
    from fusebox_client.httpx2 import FuseboxTransport

    client = OpenAI(http_client=httpx2.Client(transport=FuseboxTransport(Client(), cost=0.01)))

Nothing else changes. A call that is not admitted ends with status 429 or 503, which the SDK turns into its own error.
"""

from __future__ import annotations

from typing import Any, ClassVar

import httpx2

from . import _transports

__all__ = ["AsyncFuseboxTransport", "FuseboxTransport"]


class _Stream(_transports.SyncStream, httpx2.SyncByteStream):
    pass


class _AsyncStream(_transports.AsyncStream, httpx2.AsyncByteStream):
    pass


class FuseboxTransport(_transports.SyncTransport, httpx2.BaseTransport):
    """Asks Fusebox before each request, and settles by the answer."""

    library: ClassVar[Any] = httpx2
    stream_class: ClassVar[Any] = _Stream


class AsyncFuseboxTransport(_transports.AsyncTransport, httpx2.AsyncBaseTransport):
    """Asks Fusebox before each request, and settles by the answer."""

    library: ClassVar[Any] = httpx2
    stream_class: ClassVar[Any] = _AsyncStream
