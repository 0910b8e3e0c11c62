"""What the bytes of answers tell, without a transport."""

from __future__ import annotations

import json
import unittest
from typing import Any

from fusebox_client import CallEnd, Outcome, Usage
from fusebox_client._answers import Answer
from fusebox_client._held import HeldCall
from fusebox_client._settings import Settings

JSON = {"content-type": "application/json; charset=UTF-8"}


def ending(status: int, body: Any) -> tuple[CallEnd, Usage | None]:
    """How a call ends by an answer whose body comes byte by byte."""
    held = HeldCall(Settings("/nowhere"))
    answer = Answer(held, status, JSON)
    for byte in json.dumps(body).encode():
        answer.feed(bytes((byte,)))
    answer.end(is_whole=True)
    return held.ending(None)


class ListTests(unittest.TestCase):
    def test_a_list_of_events_tells_the_last_numbers(self) -> None:
        end, used = ending(
            200,
            [
                {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1}, "responseId": "r"},
                {"candidates": [{"finishReason": "STOP"}], "responseId": "r"},
                {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 9}, "responseId": "r"},
            ],
        )
        self.assertEqual((end, used), (CallEnd("success"), Usage(input_tokens=5, output_tokens=9)))

    def test_a_list_with_an_error_tells_it(self) -> None:
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
        error = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [retry]}}
        self.assertEqual(ending(429, [error])[0], CallEnd("throttled", 17.0))
        end, used = ending(200, [{"usageMetadata": {"promptTokenCount": 5}}, error])
        self.assertEqual((end.outcome, end.retry_after), (Outcome.THROTTLED, 17.0))
        assert used is not None
        self.assertEqual(used.input_tokens, 5)

    def test_a_list_of_other_things_is_an_answer_without_usage(self) -> None:
        self.assertEqual(ending(200, [[0.1, 0.2], "text", None]), (CallEnd("success"), None))


if __name__ == "__main__":
    unittest.main()
