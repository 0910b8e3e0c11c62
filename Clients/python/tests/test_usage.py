"""Usage as providers tell it: every form by a sample of its real shape, as a dict and as an object of an SDK."""

from __future__ import annotations

import re
import unittest
from types import SimpleNamespace
from typing import Any

from fusebox_client import InvalidArgument, Money, Usage
from fusebox_client._held import HeldCall
from fusebox_client._settings import Settings
from fusebox_client._usage import ATTRIBUTES, KINDS

SAMPLES: list[tuple[str, dict[str, Any], list[int | None], str | None]] = [
    (
        "chat completion with a cached prompt and reasoning",
        {
            "id": "chatcmpl-1", "model": "gpt-5-2025-08-07", "choices": [{"message": {"content": "Hi"}}],
            "usage": {
                "prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 192, "audio_tokens": 0},
            },
        },
        [86, 1920, None, 108, 192], "gpt-5-2025-08-07",
    ),
    ("the usage object alone", {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29},
     [19, None, None, 10, None], None),
    ("embeddings", {"model": "text-embedding-ada-002", "usage": {"prompt_tokens": 8, "total_tokens": 8}},
     [8, None, None, 0, None], "text-embedding-ada-002"),
    (
        "responses",
        {
            "id": "resp_1", "model": "gpt-4.1-2025-04-14", "output": [],
            "usage": {
                "input_tokens": 328, "input_tokens_details": {"cached_tokens": 128}, "output_tokens": 52,
                "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 380,
            },
        },
        [200, 128, None, 32, 20], "gpt-4.1-2025-04-14",
    ),
    (
        "the last event of a stream of responses",
        {
            "type": "response.completed",
            "response": {
                "id": "resp_1", "model": "gpt-4o",
                "usage": {
                    "input_tokens": 37, "output_tokens": 11, "output_tokens_details": {"reasoning_tokens": 0},
                    "total_tokens": 48,
                },
            },
        },
        [37, None, None, 11, 0], "gpt-4o",
    ),
    (
        "messages with a prompt cache",
        {
            "id": "msg_1", "model": "claude-sonnet-4-20250514",
            "usage": {
                "input_tokens": 21, "cache_creation_input_tokens": 188086, "cache_read_input_tokens": 1024,
                "cache_creation": {"ephemeral_5m_input_tokens": 188086}, "output_tokens": 393,
            },
        },
        [21, 1024, 188_086, 393, None], "claude-sonnet-4-20250514",
    ),
    (
        "messages with thinking",
        {
            "model": "claude-opus-4-5",
            "usage": {
                "input_tokens": 21, "cache_creation_input_tokens": 188086, "cache_read_input_tokens": 1024,
                "output_tokens": 393, "output_tokens_details": {"thinking_tokens": 200},
            },
        },
        [21, 1024, 188_086, 193, 200], "claude-opus-4-5",
    ),
    (
        "usageMetadata with thoughts, a cache and a tool",
        {
            "usageMetadata": {
                "promptTokenCount": 696219, "candidatesTokenCount": 214, "totalTokenCount": 697133,
                "cachedContentTokenCount": 696190, "thoughtsTokenCount": 600, "toolUsePromptTokenCount": 100,
            },
            "modelVersion": "gemini-2.5-flash", "responseId": "mQHmaJyLO5",
        },
        [129, 696_190, None, 214, 600], "gemini-2.5-flash",
    ),
    (
        "converse",
        {"usage": {"inputTokens": 30, "outputTokens": 628, "cacheReadInputTokens": 1000, "cacheWriteInputTokens": 98}},
        [30, 1000, 98, 628, None], None,
    ),
    ("Ollama", {"model": "llama3.2", "prompt_eval_count": 26, "eval_count": 259},
     [26, None, None, 259, None], "llama3.2"),
    (
        "DeepSeek's cache",
        {"usage": {"prompt_tokens": 100, "prompt_cache_hit_tokens": 64, "completion_tokens": 5, "total_tokens": 105}},
        [36, 64, None, 5, None], None,
    ),
    (
        "reasoning beside the completion, as the total says",
        {
            "usage": {
                "prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            }
        },
        [32, None, None, 9, 94], None,
    ),
    ("counts that were printed as doubles", {"input_tokens": 1.2e3, "output_tokens": 7.0},
     [1200, None, None, 7, None], None),
]  # fmt: skip

OPENROUTER = {
    "usage": {
        "completion_tokens": 2, "cost": 0.00014675, "prompt_tokens": 194, "total_tokens": 196,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
}  # fmt: skip


def tokens(usage: Usage) -> list[int | None]:
    return [getattr(usage, ATTRIBUTES[kind]) for kind in KINDS]


def as_object(value: Any, rename: bool = False) -> Any:
    """A dict as an SDK has it: an object with attributes; Google's are in Python's manner."""
    if isinstance(value, list):
        return [as_object(one, rename) for one in value]
    if not isinstance(value, dict):
        return value
    names = {name: re.sub(r"([A-Z])", r"_\1", name).lower() if rename else name for name in value}
    return SimpleNamespace(**{names[name]: as_object(one, rename) for name, one in value.items()})


class FormTests(unittest.TestCase):
    def test_every_kind_of_tokens_is_counted_once(self) -> None:
        for name, document, expected, model in SAMPLES:
            told_forms = [document, as_object(document)]
            if "usageMetadata" in document:
                told_forms.append(as_object(document, rename=True))
            for told in told_forms:
                with self.subTest(name, told=type(told).__name__):
                    usage = Usage.reported(told)
                    self.assertEqual((tokens(usage), usage.model), (expected, model))

    def test_a_cost_is_exact(self) -> None:
        usage = Usage.reported(OPENROUTER)
        self.assertEqual((tokens(usage), usage.cost), ([94, 0, 100, 2, 0], Money(146_750)))

    def test_a_null_tells_nothing(self) -> None:
        for document in (None, {"usage": None}, {"choices": [], "usage": None, "model": "gpt-4o"}):
            self.assertTrue(Usage.reported(document).is_empty)

    def test_what_is_not_understood_is_said(self) -> None:
        for document, words in (
            ({"error": {"message": "overloaded"}}, "no usage is found"),
            ([1], "no usage is found"),
            ("text", "no usage is found"),
            ({"usage": {"prompt_tokens": -1}}, "usage.prompt_tokens is not a whole number from 0 to 4,294,967,295"),
            ({"prompt_tokens": 1.5}, "prompt_tokens is not a whole number"),
            ({"prompt_tokens": "12"}, "prompt_tokens is not a whole number"),
            ({"prompt_tokens": True}, "prompt_tokens is not a whole number"),
            ({"prompt_tokens": float("nan")}, "prompt_tokens is not a whole number"),
            ({"prompt_tokens": 1 << 32}, "prompt_tokens is not a whole number"),
            ({"promptTokenCount": 0xFFFFFFFF, "toolUsePromptTokenCount": 1}, "input has more than 4,294,967,295"),
            ({"prompt_tokens": 1, "cost": -0.1}, "cost is not a number of dollars from 0 to 1000000"),
            ({"prompt_tokens": 1, "cost": "0.1"}, "cost is not a number of dollars"),
        ):
            with self.subTest(document), self.assertRaises(InvalidArgument) as caught:
                Usage.reported(document)
            self.assertIn(words, str(caught.exception))

    def test_numbers_that_are_out_of_range_are_refused_where_they_are_told(self) -> None:
        for numbers, words in (
            ({"cost": -1}, "cost: $-1 is not between $0 and $1000000"),
            ({"cost": 1_000_000.01}, "is not between $0 and $1000000"),
            ({"cost": "a lot"}, "is no amount of dollars"),
            ({"input_tokens": 1.5}, "input_tokens: 1.5 is not a whole number from 0 to 4,294,967,295"),
            ({"output_tokens": "12"}, "output_tokens: '12' is not a whole number"),
            ({"cached_input_tokens": True}, "cached_input_tokens: True is not a whole number"),
            ({"cache_write_tokens": -1}, "cache_write_tokens: -1 is not a whole number"),
            ({"reasoning_tokens": 1 << 32}, "reasoning_tokens: 4294967296 is not a whole number"),
        ):
            held = HeldCall(Settings("/nowhere"))
            for tell in (Usage, held.usage, lambda held=held, **told: held.usage({"prompt_tokens": 3}, **told)):
                with self.subTest(numbers, tell=tell), self.assertRaises(InvalidArgument) as caught:
                    tell(**numbers)  # type: ignore[arg-type]
                self.assertIn(words, str(caught.exception))
            self.assertIsNone(held.ending(None)[1])

    def test_an_attribute_that_was_set_to_no_number_is_refused(self) -> None:
        for name, value in (("cost", Money(-1)), ("input_tokens", 1.5), ("model", "m" * 128)):
            used = Usage(input_tokens=1)
            setattr(used, name, value)
            with self.subTest(name), self.assertRaises(InvalidArgument) as caught:
                HeldCall(Settings("/nowhere")).usage(used)
            self.assertIn(name, str(caught.exception))

    def test_the_model_of_a_document_is_left_out_if_it_is_no_name(self) -> None:
        for model in ("m" * 128, "\ud800"):
            usage = Usage.reported({"model": model, "usage": {"input_tokens": 1}})
            self.assertEqual((usage.model, usage.input_tokens), (None, 1))

    def test_a_sum_stays_in_range(self) -> None:
        total = Usage(cost=600_000, input_tokens=1 << 31) + Usage(cost=600_000, input_tokens=1 << 31)
        self.assertEqual((total.cost, total.input_tokens), (Money.dollars(1_000_000), 0xFFFF_FFFF))

    def test_a_part_that_is_greater_than_its_whole_leaves_nothing_of_it(self) -> None:
        usage = Usage.reported({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 12}})
        self.assertEqual(tokens(usage), [0, 12, None, 0, None])


class StreamTests(unittest.TestCase):
    def held(self) -> HeldCall:
        return HeldCall(Settings("/nowhere"))

    def used(self, held: HeldCall) -> Usage:
        _, used = held.ending(None)
        assert used is not None
        return used

    def test_the_last_numbers_of_a_stream_count_and_what_is_left_out_stays(self) -> None:
        held = self.held()
        start = {"input_tokens": 25, "cache_read_input_tokens": 4, "output_tokens": 1}
        held.usage({"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-4", "usage": start}})
        for output in (8, 15):
            held.usage({"type": "message_delta", "usage": {"output_tokens": output}})
        used = self.used(held)
        self.assertEqual((tokens(used), used.model), ([25, 4, None, 15, None], "claude-opus-4"))

    def test_the_kinds_of_a_stream_are_taken_apart_after_the_last_event(self) -> None:
        streams: list[tuple[str, list[dict[str, Any]], list[int | None]]] = [
            (
                "details that only one event tells",
                [
                    {"prompt_tokens": 2006, "prompt_tokens_details": {"cached_tokens": 1920}},
                    {"prompt_tokens": 2006, "completion_tokens": 300, "prompt_tokens_details": None},
                ],
                [86, 1920, None, 300, None],
            ),
            (
                "what Gemini leaves out",
                [
                    {"usageMetadata": {"promptTokenCount": 10, "cachedContentTokenCount": 8}},
                    {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 300}},
                    {"usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 310}},
                ],
                [2, 8, None, 300, None],
            ),
            (
                "Anthropic's thinking at the end",
                [
                    {"message": {"usage": {"input_tokens": 25, "cache_read_input_tokens": 4, "output_tokens": 1}}},
                    {"usage": {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 30}}},
                ],
                [25, 4, None, 20, 30],
            ),
            (
                "another prompt, of which no cache is told",
                [
                    {"prompt_tokens": 2006, "prompt_tokens_details": {"cached_tokens": 1920}, "completion_tokens": 5},
                    {"prompt_tokens": 100, "completion_tokens": 7},
                ],
                [100, None, None, 7, None],
            ),
        ]
        for what, events, expected in streams:
            with self.subTest(what):
                held, usage = self.held(), Usage()
                for event in events:
                    held.usage(event)
                    usage.update(event)
                self.assertEqual(tokens(self.used(held)), expected)
                self.assertEqual(tokens(usage), expected)

    def test_documents_with_other_names_are_other_calls(self) -> None:
        held = self.held()
        for name in ("a", "a", "b"):
            held.usage({"id": name, "usage": {"prompt_tokens": 10, "completion_tokens": 1}})
        held.usage(input_tokens=5, cost="0.1")
        held.usage(Usage(cost="0.2"))
        used = self.used(held)
        self.assertEqual((tokens(used), used.cost), ([25, None, None, 2, None], Money.dollars("0.3")))

    def test_a_list_is_a_stream(self) -> None:
        events = [
            {"usageMetadata": {"promptTokenCount": 10}, "modelVersion": "gemini-2.5-flash"},
            {"candidates": [{"finishReason": "STOP"}]},
            {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 7}},
        ]
        held = self.held()
        self.assertTrue(held.usage(events))
        for used in (self.used(held), Usage.reported(events)):
            self.assertEqual((tokens(used), used.model), ([10, None, None, 7, None], "gemini-2.5-flash"))

    def test_whether_usage_was_found(self) -> None:
        held = self.held()
        for told, expected in (
            (None, False),
            ("text", False),
            ([], False),
            ([{"type": "ping"}], False),
            ({"type": "content_block_start", "content_block": {"type": "text"}}, False),
            ({"choices": [], "usage": None}, False),
            (Usage(), False),
            ({"usage": {"input_tokens": 0}}, True),
            (Usage(cost=0), True),
        ):
            with self.subTest(told):
                self.assertIs(held.usage(told), expected)
        self.assertIs(held.usage(output_tokens=0), True)

    def test_nothing_told_is_not_zero(self) -> None:
        held = self.held()
        held.usage({"usage": None})
        self.assertTrue(self.used(held).is_empty)
        self.assertIsNone(self.held().ending(None)[1])


class MoneyTests(unittest.TestCase):
    def test_every_form_that_programs_print(self) -> None:
        from decimal import Decimal

        for amount, nanodollars in (
            ("12", 12 * 10**9),
            ("0.0012", 1_200_000),
            ("-3.5", -3_500_000_000),
            ("7.5e-05", 75_000),
            (7.5e-05, 75_000),
            ("0.30000000000000004", 300_000_000),
            (0.1 + 0.2, 300_000_000),
            (Decimal("0.000000001"), 1),
            ("0.0000000001", 1),
            ("-0.0000000001", 0),
            ("1e-300", 1),
            ("0.00000000", 0),
            (3, 3 * 10**9),
            ("1234567890.123456789", 1_234_567_890_123_456_789),
            ("1.00000000000001", 1_000_000_001),
            ("1.0000000000000001", 1_000_000_000),
            ("9223372036.854775807", (1 << 63) - 1),
        ):
            with self.subTest(amount):
                self.assertEqual(Money.dollars(amount).nanodollars, nanodollars)

    def test_what_is_no_amount_is_an_error_and_never_zero(self) -> None:
        for amount in (
            "",
            "abc",
            "$5",
            "1,000",
            "nan",
            float("nan"),
            float("inf"),
            "1e999999",
            "9223372037",
            True,
            "١",
        ):
            with self.subTest(amount), self.assertRaises(ValueError):
                Money.dollars(amount)

    def test_as_text(self) -> None:
        for nanodollars, text in ((0, "0"), (1, "0.000000001"), (-1_500_000_000, "-1.5"), (50 * 10**9, "50")):
            self.assertEqual(str(Money(nanodollars)), text)


if __name__ == "__main__":
    unittest.main()
