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


def at(place: str, value: Any) -> Any:
    """A body with a value at a place."""
    for name in reversed(place.split(".")):
        value = {name: value}
    return value


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
                scope = None if answer.mark_scope is None else answer.mark_scope.name.lower()
                self.assertEqual(scope, example.get("markScope"))
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

    def test_every_word_of_a_row_decides_by_it_at_every_place(self) -> None:
        for name, outcome, scope, statuses, words, _ in table.ROWS:
            # What a row says besides its words holds too.
            status = statuses[0][0] if statuses else None
            for word in words:
                bodies = [at(place, word) for place in table.WORD_PLACES]
                for body in bodies:
                    with self.subTest(name, body=json.dumps(body)):
                        self.assertEqual(self.means(ProviderAnswer(status, {}, body)), (outcome, scope))
                headers = {table.WORD_HEADER: f"com.amazon#{word.upper()}:http://amazon.com/"}
                with self.subTest(name, headers=headers):
                    self.assertEqual(self.means(ProviderAnswer(status or 418, headers)), (outcome, scope))

    def test_every_place_of_a_row_decides_by_it(self) -> None:
        rows = [row for row in table.ROWS if row[5]]
        self.assertTrue(rows)
        for name, outcome, scope, statuses, _, places in rows:
            for place in places:
                with self.subTest(name, place=place):
                    self.assertEqual(self.means(ProviderAnswer(statuses[0][0], {}, at(place, "x"))), (outcome, scope))

    def test_every_status_is_decided_by_the_first_row_that_has_it(self) -> None:
        rows = [row for row in table.ROWS if row[3] and not row[4] and not row[5]]
        left = set(range(100, 600))
        for name, outcome, scope, statuses, _, _ in rows:
            told = left & {status for lowest, highest in statuses for status in range(lowest, highest + 1)}
            self.assertTrue(told, f"{name} decides nothing")
            left -= told
            for status in told:
                with self.subTest(name, status=status):
                    self.assertEqual(self.means(ProviderAnswer(status)), (outcome, scope))
        self.assertEqual(left, set())

    def test_a_time_is_read_at_every_place(self) -> None:
        for name, unit in table.RETRY_HEADERS:
            with self.subTest(name):
                text = "7000" if unit == "milliseconds" else "7"
                self.assertEqual(ProviderAnswer(429, {name: text}).retry_after, 7)
        for place in table.RETRY_PLACES:
            with self.subTest(place):
                self.assertEqual(ProviderAnswer(429, {}, at(place, "7s")).retry_after, 7)
        for limit, remaining, reset in table.LIMITS:
            with self.subTest(remaining):
                answer = ProviderAnswer(200, {remaining: "0", reset: "7s"})
                self.assertEqual((answer.retry_after, [one.limit for one in answer.remaining]), (7, [limit]))

    def test_an_error_is_told_at_every_place(self) -> None:
        for place in table.ERROR_PLACES:
            with self.subTest(place):
                self.assertEqual(ProviderAnswer(200, {}, at(place, {"message": "no"})).outcome, Outcome.FAILURE)

    def means(self, answer: ProviderAnswer) -> tuple[Outcome, str | None]:
        return answer.outcome, None if answer.mark_scope is None else answer.mark_scope.name.lower()

    def test_what_attributes_of_an_error_say_comes_with_what_its_body_says(self) -> None:
        told = error(status_code=403, body={"code": 403, "metadata": {"flagged_input": "a knife"}})
        self.assertEqual(call_end(told), CallEnd(Outcome.REJECTED))
        self.assertEqual(call_end(error(status_code=403)), CallEnd(Outcome.UNAUTHORIZED, None, "route"))
        self.assertEqual(call_end(error(status_code=401)), CallEnd(Outcome.UNAUTHORIZED))
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
