"""What the bytes of an HTTP answer tell of a call: its usage, and whether it is complete. JSON and event streams."""

from __future__ import annotations

import json
import zlib

from ._held import abandon
from ._provider_answers import ProviderAnswer, tells_error
from ._streams import note
from .protocol.types import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._held import HeldCall

READABLE_ENCODINGS = "gzip, deflate"
_LONGEST_BODY = 16 << 20
"""Bytes of a JSON answer that are read. A longer one is passed on, and its usage is not known."""
_LONGEST_LINE = 4 << 20
_LAST_EVENTS = frozenset(("message_stop", "response.completed", "response.incomplete", "response.failed"))


class Answer:
    """Reads an answer as it passes by, and tells the call under a permit what it says."""

    def __init__(self, held: HeldCall, status: int, headers: Mapping[str, str]) -> None:
        told = {name.lower(): value for name, value in headers.items()}
        self._held = held
        self._status = status
        self._headers = headers
        kind = told.get("content-type", "").split(";")[0].strip().lower()
        self._has_events = kind == "text/event-stream"
        self._has_lines = kind in ("application/x-ndjson", "application/jsonl")
        self._is_read = self._has_events or self._has_lines or kind == "application/json" or kind.endswith("+json")
        encoding = told.get("content-encoding", "identity").lower()
        self._inflater = zlib.decompressobj(47) if encoding in ("gzip", "deflate", "x-gzip") else None
        if self._inflater is None and encoding != "identity":
            self._is_read = False
        self._body = bytearray()
        self._error: Any = None
        self._is_complete = False

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the body, as they came."""
        if not self._is_read:
            return
        if self._inflater is not None:
            try:
                data = self._inflater.decompress(data)
            except zlib.error:
                self._is_read = False
                return
        self._body += data
        if self._has_events or self._has_lines:
            self._take_lines()
        elif len(self._body) > _LONGEST_BODY:
            self._is_read = False
            self._body.clear()

    def _take_lines(self) -> None:
        while (end := self._body.find(b"\n")) >= 0:
            line = bytes(self._body[:end]).strip()
            del self._body[: end + 1]
            if self._has_lines:
                self._take(line)
            elif line.startswith(b"data:"):
                self._held.first_token()
                self._take(line[5:].strip())
        if len(self._body) > _LONGEST_LINE:
            self._is_read = False
            self._body.clear()

    def _take(self, text: bytes) -> None:
        if text == b"[DONE]":
            self._is_complete = True
        elif text.startswith(b"{"):
            self._take_document(text)

    def _take_document(self, text: bytes) -> None:
        try:
            told: Any = json.loads(text)
        except ValueError:
            return
        # Gemini answers a stream that is not one of events with a list.
        for document in told if isinstance(told, list) else (told,):
            if isinstance(document, dict):
                self._take_event(document)

    def _take_event(self, document: dict[str, Any]) -> None:
        note(self._held, document)
        self._is_complete = self._is_complete or document.get("type") in _LAST_EVENTS
        if self._status >= 400 or tells_error(document) or document.get("type") == "error":
            self._error = document

    def end(self, is_whole: bool) -> None:
        """The body has ended, or nobody reads the rest."""
        if is_whole and self._is_read and not (self._has_events or self._has_lines):
            self._take_document(bytes(self._body))
        if self._held.is_told:
            return
        # An error in a stream that began well says more than the status, which was 200.
        status = None if self._error is not None and self._status < 400 else self._status
        answer = ProviderAnswer(status, self._headers, self._error)
        if answer.outcome != Outcome.SUCCESS:
            self._held.tell(answer.outcome, answer.retry_after, answer.mark_scope)
        elif is_whole or self._is_complete:
            self._held._tell_limit(answer.retry_after)
        else:
            abandon(self._held)
