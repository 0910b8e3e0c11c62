"""The daemon's events for asyncio."""

from __future__ import annotations

import asyncio

from . import _frames
from ._connection import Lost, NotConnected, hello_request, random_worker, read_hello, sentence
from ._errors import Unavailable
from ._events import read_event, topic_bits
from ._requests import decoded, payload_of, refusal
from ._wire import REPLY
from .protocol.connection import SubscribeRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from ._events import ReceivedEvent
    from ._frames import Frame
    from ._settings import Settings

_CHUNK = 65_536


async def events(settings: Settings, topics: Iterable[str]) -> AsyncIterator[ReceivedEvent]:
    """The daemon's events from now on. Raises Unavailable when its connection ends."""
    bits = topic_bits(topics)
    try:
        opening = asyncio.open_unix_connection(settings.path)
        reader, writer = await asyncio.wait_for(opening, settings.connect_timeout)
    except (OSError, asyncio.TimeoutError) as error:
        raise Unavailable(settings.path, sentence(error)) from None
    try:
        frames = _frames_of(reader)
        writer.write(hello_request(random_worker(), 0, settings.name))
        read_hello(await asyncio.wait_for(frames.__anext__(), settings.connect_timeout))
        payload = payload_of(SubscribeRequest(bits))
        writer.write(_frames.request(SubscribeRequest.NUMBER, 1, payload))
        async for frame in frames:
            if frame[1] == REPLY and frame[3] == 1:
                if frame[2]:
                    raise refusal(frame[2], frame[4])
                decoded(SubscribeRequest.decode_reply, frame[4])
                continue
            event = read_event(frame)
            if event is not None:
                yield event
        raise Unavailable(settings.path, "the daemon closed the connection")
    except (NotConnected, Lost, OSError, _frames.Garbled, asyncio.TimeoutError, StopAsyncIteration) as error:
        raise Unavailable(settings.path, sentence(error)) from None
    finally:
        writer.close()


async def _frames_of(reader: asyncio.StreamReader) -> AsyncIterator[Frame]:
    found = _frames.FrameReader()
    while data := await reader.read(_CHUNK):
        for frame in found.take(data):
            yield frame
