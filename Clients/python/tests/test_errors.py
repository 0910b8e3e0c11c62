"""The exceptions of the package, when they leave their process or are copied."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
import unittest
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import fusebox_client
from fusebox_client import (
    AdmissionDenied,
    Candidate,
    Client,
    ClientClosed,
    Denial,
    FuseboxError,
    InvalidArgument,
    Money,
    OutcomeUnknown,
    ProtocolViolation,
    Refused,
    TimedOut,
    TooManyRequests,
    Unavailable,
)
from fusebox_client.protocol.constants import Status
from fusebox_client.protocol.types import BreakerRule, DenialReason, LimitObjection

from .support import PATIENCE, Daemon

OBJECTION = LimitObjection(amount=9, used=7, needed=2, retry_after_milliseconds=30_000)
DENIALS = (
    Denial(Candidate("openai", "key-1", "gpt-4o"), DenialReason.LIMIT, 30.0, [OBJECTION]),
    Denial(Candidate("anthropic"), DenialReason(200), None, []),
    Denial(Candidate("gemini"), DenialReason.BREAKER_OPEN, 60.0, [], BreakerRule.SLOW_CALL_RATE, 2, 240.0),
)
ERRORS: list[FuseboxError] = [
    FuseboxError("it failed"),
    Unavailable("/run/fusebox/fusebox.sock", "connection refused"),
    TimedOut(),
    OutcomeUnknown(),
    Refused(Status(3), "no such limit"),
    Refused(Status(200), "a newer daemon's reason"),
    InvalidArgument("wait: 'x' is no time"),
    ProtocolViolation("a bool is 7"),
    TooManyRequests("32768 requests are under way"),
    ClientClosed(),
    AdmissionDenied(DENIALS, 30.0),
    AdmissionDenied(DENIALS, None),
]
COPIES: list[tuple[str, Callable[[Any], Any]]] = [
    ("copy", copy.copy),
    ("deepcopy", copy.deepcopy),
    *[
        (f"pickle {number}", lambda error, number=number: pickle.loads(pickle.dumps(error, number)))
        for number in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ],
]


def attributes(error: FuseboxError) -> dict[str, Any]:
    """What an error tells. Denials are compared by what they hold."""
    told = dict(vars(error))
    if isinstance(error, AdmissionDenied):
        told["denials"] = [{name: getattr(one, name) for name in Denial.__slots__} for one in error.denials]
    return told


def ask(path: str, route: str) -> str:
    """A job of a process pool."""
    with Client(path, spool=False, timeout=PATIENCE) as client, client.permit(route) as permit:
        return permit.route


class CopyTests(unittest.TestCase):
    def test_every_exception_is_tried(self) -> None:
        public = [getattr(fusebox_client, name) for name in fusebox_client.__all__]
        classes = {one for one in public if isinstance(one, type) and issubclass(one, FuseboxError)}
        self.assertEqual({type(error) for error in ERRORS}, classes)

    def test_a_copy_tells_everything(self) -> None:
        for error in ERRORS:
            for how, copied in COPIES:
                with self.subTest(how, error=error):
                    again = copied(error)
                    self.assertIs(type(again), type(error))
                    self.assertEqual((str(again), again.args), (str(error), error.args))
                    self.assertEqual(attributes(again), attributes(error))

    def test_json_keeps_the_class_and_the_text(self) -> None:
        # As celery's results do: by the name of the class and its arguments.
        for error in ERRORS:
            with self.subTest(error=error):
                again = type(error)(*json.loads(json.dumps(error.args)))
                self.assertEqual((str(again), repr(again)), (str(error), repr(error)))
                kept = {name: value for name, value in vars(error).items() if name != "denials"}
                self.assertEqual({name: value for name, value in vars(again).items() if name != "denials"}, kept)

    def test_an_error_tells_no_number_of_the_system(self) -> None:
        for error in (Unavailable("/s", "refused"), TimedOut()):
            self.assertEqual((error.errno, error.strerror, error.filename), (None, None, None))

    def test_a_copy_keeps_what_others_have_added(self) -> None:
        class Mine(AdmissionDenied):
            pass

        error = Mine(DENIALS, 0.0)
        error.job = "nightly"  # type: ignore[attr-defined]
        again = copy.copy(error)
        self.assertEqual((type(again), again.job, again.retry_after), (Mine, "nightly", 0.0))  # type: ignore[attr-defined]

    def test_records_that_errors_do_not_hold_are_copied_too(self) -> None:
        for record in (
            Money.dollars("0.0012"),
            fusebox_client.CallEnd("throttled", 30, "model"),
            fusebox_client.Usage(model="gpt-4o", cost="0.1", input_tokens=3),
        ):
            for how, copied in COPIES:
                with self.subTest(how, record=record):
                    self.assertEqual(copied(record), record)

    def test_an_unknown_value_is_still_unknown(self) -> None:
        for how, copied in COPIES:
            with self.subTest(how):
                again = copied(DenialReason(200))
                self.assertEqual((type(again), int(again), again.is_known), (DenialReason, 200, False))


class PoolTests(unittest.TestCase):
    def test_a_denial_leaves_a_process_pool_whole(self) -> None:
        with (
            Daemon() as daemon,
            ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        ):
            daemon.run("exhaustion", "mark", "full", "--for", "60s")
            with self.assertRaises(AdmissionDenied) as caught:
                pool.submit(ask, daemon.socket, "full/m").result(PATIENCE)
            (denial,) = caught.exception.denials
            self.assertEqual((denial.candidate, denial.reason), (Candidate("full", None, "m"), DenialReason.EXHAUSTED))
            self.assertGreater(caught.exception.retry_after or 0, 0)
            with self.assertRaises(Unavailable) as away:
                pool.submit(ask, "/nowhere/s", "p/m").result(PATIENCE)
            self.assertEqual(away.exception.path, "/nowhere/s")
            self.assertEqual(pool.submit(ask, daemon.socket, "free/m").result(PATIENCE), "free/m")


if __name__ == "__main__":
    unittest.main()
