"""A local server with the answers of OpenAI (chat completions and responses) and Anthropic.

The model that is asked for tells what happens.

| model | answer |
|---|---|
| `ok` | 200 with usage; compressed if the client takes it; a stream if it asks for one |
| `limited` | likewise, with headers that say that no requests are left for 20 s |
| `throttled` | 429 with `retry-after: 30` |
| `quota` | 429 with the code of a used-up quota |
| `unauthorized` | 401 |
| `broken` | 500 |
| `bad` | 400 |
| `slow` | nothing, until the server is closed |
| `endless` | a stream that does not end by itself |
| `cut` | a stream whose connection breaks |
| `long` | a stream of a response that is incomplete: it has reached its limit of tokens |
| `overloaded` | a stream with an event of an error |
"""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHAT_USAGE = {
    "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 40}, "completion_tokens_details": {"reasoning_tokens": 10},
}  # fmt: skip
MESSAGE_USAGE = {"input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 50}
LIMITED = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"}
ERRORS = {
    "throttled": (429, {"retry-after": "30"}, "rate_limit_exceeded"),
    "quota": (429, {}, "insufficient_quota"),
    "unauthorized": (401, {}, "invalid_api_key"),
    "broken": (500, {}, "server_error"),
    "bad": (400, {}, "invalid_request_error"),
}


def chat_chunk(text: str | None, usage: Any = None, finish: str | None = None) -> dict[str, Any]:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]
    return {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2026-08-06",
        "choices": choices, "usage": usage,
    }  # fmt: skip


RESPONSE_USAGE = {
    "input_tokens": 100, "input_tokens_details": {"cached_tokens": 40}, "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 10}, "total_tokens": 150,
}  # fmt: skip


def response(status: str, output: list[Any], usage: Any = None) -> dict[str, Any]:
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4o-2026-08-06", "status": status,
        "output": output, "usage": usage, "error": None, "tools": [], "tool_choice": "auto",
        "parallel_tool_calls": True,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
    }  # fmt: skip


def response_events(model: str) -> Any:
    part = {"type": "output_text", "text": "", "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    whole = {**item, "status": "completed", "content": [{**part, "text": "Hi"}]}
    yield {"type": "response.created", "response": response("in_progress", [])}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    yield {"type": "response.content_part.added", **place, "part": part}
    yield {"type": "response.output_text.delta", **place, "delta": "Hi", "logprobs": []}
    while model in ("endless", "cut"):
        yield {"type": "response.output_text.delta", **place, "delta": " again", "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": "Hi", "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": {**part, "text": "Hi"}}
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole}
    status = "incomplete" if model == "long" else "completed"
    yield {"type": f"response.{status}", "response": response(status, [whole], RESPONSE_USAGE)}


def message(content: list[Any], usage: Any) -> dict[str, Any]:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-20250514", "content": content,
        "stop_reason": "end_turn", "stop_sequence": None, "usage": usage,
    }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeProvider

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.answer(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, asked["model"]))
        model = asked["model"]
        if model in ERRORS:
            status, headers, code = ERRORS[model]
            error = {"message": code, "type": code, "code": code}
            return self.answer(status, {"type": "error", "error": error}, headers)
        if model == "slow":
            self.server.ends.wait()
            return None
        if asked.get("stream"):
            return self.stream(model)
        headers = LIMITED if model == "limited" else {}
        is_chat = self.path.endswith("/chat/completions")
        if is_chat:
            body = dict(chat_chunk("", CHAT_USAGE), object="chat.completion")
            choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
            return self.answer(200, {**body, "choices": [choice]}, headers)
        return self.answer(200, message([{"type": "text", "text": "Hi"}], MESSAGE_USAGE), headers)

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if "gzip" in self.headers.get("accept-encoding", ""):
            data = gzip.compress(data)
            self.send_header("content-encoding", "gzip")
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def events(self, model: str) -> Any:
        if model == "overloaded":
            yield "error", {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
        elif self.path.endswith("/responses"):
            for number, event in enumerate(response_events(model)):
                yield event["type"], {**event, "sequence_number": number}
        elif self.path.endswith("/chat/completions"):
            yield None, chat_chunk("Hi")
            while model in ("endless", "cut"):
                yield None, chat_chunk(" again")
            yield None, chat_chunk("", finish="stop")
            yield None, chat_chunk(None, CHAT_USAGE)
        else:
            usage = {**MESSAGE_USAGE, "output_tokens": 1}
            yield "message_start", {"type": "message_start", "message": {**message([], usage), "stop_reason": None}}
            block = {"type": "text", "text": ""}
            yield "content_block_start", {"type": "content_block_start", "index": 0, "content_block": block}
            delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
            yield "content_block_delta", delta
            while model in ("endless", "cut"):
                yield "content_block_delta", delta
            yield "content_block_stop", {"type": "content_block_stop", "index": 0}
            end = {"stop_reason": "end_turn", "stop_sequence": None}
            yield "message_delta", {"type": "message_delta", "delta": end, "usage": {"output_tokens": 50}}
            yield "message_stop", {"type": "message_stop"}

    def stream(self, model: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        try:
            for number, (name, event) in enumerate(self.events(model)):
                if model == "cut" and number == 2:
                    return
                head = f"event: {name}\n" if name else ""
                self.chunk(f"{head}data: {json.dumps(event)}\n\n".encode())
                if self.server.ends.is_set():
                    return
            if self.path.endswith("/chat/completions"):
                self.chunk(b"data: [DONE]\n\n")
            self.chunk(b"")
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client has gone, as a test wants it.

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


class FakeProvider(ThreadingHTTPServer):
    """The server, in threads of this process."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str]] = []
        self.ends = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.ends.set()
        self.shutdown()
        self.server_close()
        self._thread.join()
