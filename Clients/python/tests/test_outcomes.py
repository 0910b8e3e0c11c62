"""How exceptions are read, and times of retry. No daemon is needed."""

from __future__ import annotations

import asyncio
import json
import unittest
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from fusebox_client import CallEnd, Outcome, ProviderAnswer, Unavailable, call_end, retry_after
from fusebox_client.protocol import answer_table as table

from .support import REPOSITORY
from .test_codec import generate

EXAMPLES = json.loads((REPOSITORY / "proto-docs" / "answers.json").read_text())
snake = generate.snake

NOW = 1_795_632_832.25
"""Wed, 25 Nov 2026 18:53:52.250 UTC"""


def error(**attributes: Any) -> Exception:
    made = Exception("it failed")
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def response(status: int, **headers: str) -> SimpleNamespace:
    return SimpleNamespace(
        status_code=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


class TableTests(unittest.TestCase):
    def test_the_shapes_of_the_main_libraries(self) -> None:
        botocore = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        google = {"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "34.07s"}]}}
        for name, raised, outcome, wait in (
            ("openai 429", error(status_code=429, response=response(429, retry_after="30")), Outcome.THROTTLED, 30.0),
            (
                "openai ms",
                error(response=response(429, retry_after_ms="1500", retry_after="9")),
                Outcome.THROTTLED,
                1.5,
            ),
            ("openai quota", error(status_code=429, code="insufficient_quota"), Outcome.QUOTA_EXHAUSTED, None),
            ("openai 500", error(status_code=500), Outcome.FAILURE, None),
            ("openai 400", error(status_code=400), Outcome.REJECTED, None),
            ("anthropic 529", error(status_code=529, response=response(529, retry_after="5")), Outcome.FAILURE, 5.0),
            (
                "anthropic overload in a stream",
                error(body={"error": {"type": "overloaded_error"}}),
                Outcome.FAILURE,
                None,
            ),
            ("httpx", error(response=response(503)), Outcome.FAILURE, None),
            ("requests 404", error(response=response(404)), Outcome.REJECTED, None),
            ("payment", error(status_code=402), Outcome.QUOTA_EXHAUSTED, None),
            ("google", error(code=429, status="RESOURCE_EXHAUSTED", details=google), Outcome.THROTTLED, 34.07),
            ("botocore", error(response=botocore), Outcome.THROTTLED, None),
            ("botocore 500", error(response={"ResponseMetadata": {"HTTPStatusCode": 500}}), Outcome.FAILURE, None),
            ("an answer that is no JSON", error(response=response(200)), Outcome.FAILURE, None),
            ("a timeout", TimeoutError(), Outcome.FAILURE, None),
            ("no connection", ConnectionResetError(), Outcome.FAILURE, None),
            ("anything else", ZeroDivisionError(), Outcome.FAILURE, None),
            ("cancelled", asyncio.CancelledError(), Outcome.ABANDONED, None),
            ("interrupted", KeyboardInterrupt(), Outcome.ABANDONED, None),
            ("the consumer stopped", GeneratorExit(), Outcome.ABANDONED, None),
            ("from Fusebox", Unavailable("/s", "gone"), Outcome.ABANDONED, None),
            ("a code that is no status", error(code=7), Outcome.FAILURE, None),
        ):
            with self.subTest(name):
                self.assertEqual(call_end(raised), CallEnd(outcome, wait))


class AnswerTests(unittest.TestCase):
    """`proto-docs/answers.json`, which the tests of every client read."""

    def test_every_example_means_what_it_says(self) -> None:
        for example in EXAMPLES["answers"]:
            with self.subTest(json.dumps(example)):
                answer = ProviderAnswer(
                    example["status"], example["headers"], example.get("body"), now=EXAMPLES["now"] / 1000
                )
                self.assertEqual(answer.outcome.name, snake(example["outcome"]).upper())
                self.assertEqual(milliseconds(answer.retry_after), example["retryAfter"])
                remaining = [[one.limit, one.count, milliseconds(one.reset_after)] for one in answer.remaining]
                self.assertEqual(remaining, example.get("remaining", []))

    def test_every_row_has_an_example_that_fails_without_it(self) -> None:
        rows = table.ROWS
        self.assertEqual({example["row"] for example in EXAMPLES["answers"]}, {row[0] for row in rows} | {None})
        for row in rows:
            if row[0] == "failed":
                continue  # What no row says is a failure too.
            rest = tuple(one for one in rows if one is not row)
            examples = [example for example in EXAMPLES["answers"] if example["row"] == row[0]]
            with self.subTest(row[0]), patch("fusebox_client._provider_answers.ROWS", rest):
                outcomes = {
                    ProviderAnswer(example["status"], example["headers"], example.get("body")).outcome
                    for example in examples
                }
                self.assertNotEqual(outcomes, {row[1]})

    def test_what_attributes_of_an_error_say_comes_with_what_its_body_says(self) -> None:
        told = error(status_code=403, body={"code": 403, "metadata": {"flagged_input": "a knife"}})
        self.assertEqual(call_end(told), CallEnd(Outcome.REJECTED))
        self.assertEqual(call_end(error(status_code=403)), CallEnd(Outcome.UNAUTHORIZED))
        self.assertEqual(call_end(error(status_code=413, code="rate_limit_exceeded")), CallEnd(Outcome.REJECTED))

    def test_a_worker_that_ends_its_own_call_is_not_the_providers_failure(self) -> None:
        class SoftTimeLimitExceeded(Exception):
            """Celery raises one in the middle of a task."""

        for error in (SoftTimeLimitExceeded(), KeyboardInterrupt(), SystemExit(), GeneratorExit()):
            self.assertEqual(call_end(error), CallEnd("abandoned"))


class RetryAfterTests(unittest.TestCase):
    def test_times_from_now_in_every_form(self) -> None:
        for text, seconds in (
            ("30", 30), ("0", 0), ("1.5", 1.5), ("0.0001", 0.001), ("1e2", 100), (" 30 ", 30), ("+7", 7),
            ("34.07s", 34.07), ("34.074824224s", 34.075), ("6m0s", 360), ("1h30m", 5400), ("1500ms", 1.5),
            ("2m59.56s", 179.56), ("999999999", 999_999_999), ("-5", 0), ("-0.5", 0), ("-5s", 0), ("-1h30m", 0),
        ):  # fmt: skip
            with self.subTest(text):
                self.assertEqual(retry_after(text, NOW), seconds)

    def test_moments_in_every_form(self) -> None:
        for text, seconds in (
            ("Wed, 25 Nov 2026 18:55:52 GMT", 120), ("Wed, 25 Nov 2026 20:55:52 +0200", 120),
            ("Wednesday, 25-Nov-26 18:55:52 GMT", 120), ("Wed Nov 25 18:55:52 2026", 120),
            ("2026-11-25T18:55:52Z", 120), ("2026-11-25t18:55:52z", 120), ("2026-11-25T19:55:52+01:00", 120),
            ("1795632952", 120), ("2026-11-25T18:55:52.000Z", 119.75), ("2026-11-25T18:55:52.2501Z", 120.001),
            ("2026-11-25T18:55:52.123456789Z", 119.874), ("1795632952250", 120), ("1795632832251", 0.001),
            ("1795632832250", 0), ("1000000000", 0), ("100000000000", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
            ("1970-01-01T00:00:00Z", 0),
        ):  # fmt: skip
            with self.subTest(text):
                self.assertEqual(retry_after(text, NOW), seconds)

    def test_what_tells_no_time_is_none_and_never_zero(self) -> None:
        for text in (
            "", " ", "soon", "s", "-", "5x", "30 seconds", "1,5", "nan", "100000000000000", "1e40", "2026-11-25",
            "2026-11-25T18:55:52", "2026-11-25T24:00:00Z", "2026-11-25T18:60:00Z", "2026-13-01T00:00:00Z",
            "2026-11-31T00:00:00Z", "2026-11-25T18:55:52Zx", "Wed, 31 Nov 2026 18:55:52 GMT",
        ):  # fmt: skip
            with self.subTest(text):
                self.assertIsNone(retry_after(text, NOW))


if __name__ == "__main__":
    unittest.main()
