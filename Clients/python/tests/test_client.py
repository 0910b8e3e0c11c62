"""The blocking client against a real daemon."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from typing import Any

from fusebox_client import (
    AdmissionDenied,
    CallEnd,
    Client,
    InvalidArgument,
    Money,
    Outcome,
    Refused,
    Usage,
    protocol,
)
from fusebox_client.protocol.types import DenialReason, PermitStanding

from .support import PATIENCE, Daemon

CHAT = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


class ProviderError(Exception):
    """An error as the SDKs have it."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.response = type("Response", (), {"status_code": status, "headers": headers or {}})()
        super().__init__(f"status {status}")


class ClientTestCase(unittest.TestCase):
    """Tests that share a daemon; each uses providers of its own."""

    daemon: Daemon

    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.daemon.close()

    def client(self, **options: Any) -> Client:
        client = Client(self.daemon.socket, **{"spool": self.daemon.spool, "timeout": PATIENCE, **options})
        self.addCleanup(client.close)
        return client

    def spend(self, client: Client, provider: str) -> str | None:
        account = client.call(protocol.LedgerProviderRequest(provider)).account
        return str(account.usage.spend) if account else None

    def in_flight(self, client: Client, provider: str) -> int:
        account = client.call(protocol.LedgerProviderRequest(provider)).account
        return account.in_flight if account else 0


class PermitTests(ClientTestCase):
    def test_a_call_is_settled_with_what_it_used(self) -> None:
        client = self.client()
        with client.permit(["used/gpt-4o"], tags=["team:search"], cost=0.01) as permit:
            self.assertEqual((permit.provider, permit.model, permit.route), ("used", "gpt-4o", "used/gpt-4o"))
            self.assertEqual(self.in_flight(client, "used"), 1)
            self.assertEqual(permit.permit.held_cost, Money.dollars("0.01"))
            permit.usage(CHAT)
            permit.usage(cost="0.0012")
        self.assertEqual(permit.outcome, Outcome.SUCCESS)
        assert permit.settling is not None
        self.assertEqual(permit.settling.standing, PermitStanding.IN_FORCE)
        account = client.call(protocol.LedgerProviderRequest("used")).account
        assert account is not None
        self.assertEqual(str(account.usage.spend), "0.0012")
        self.assertEqual((account.usage.input_tokens, account.usage.output_tokens), (100, 50))
        self.assertEqual((account.in_flight, str(account.held)), (0, "0"))

    def test_an_error_means_an_outcome(self) -> None:
        client = self.client()
        for error, outcome, is_marked in (
            (ProviderError(429, {"retry-after": "30"}), Outcome.THROTTLED, True),
            (ProviderError(500), Outcome.FAILURE, False),
            (ProviderError(400), Outcome.REJECTED, False),
            (KeyboardInterrupt(), Outcome.ABANDONED, False),
        ):
            provider = f"error-{outcome.name}"
            with self.subTest(provider):
                held = client.permit(provider)
                with self.assertRaises(type(error)), held:
                    raise error
                self.assertEqual(held.outcome, outcome)
                entry = client.call(protocol.ExhaustionGetRequest(provider)).entry
                self.assertEqual(entry is not None, is_marked)

    def test_the_table_of_errors_can_be_replaced(self) -> None:
        client = self.client(outcome_of=lambda error: CallEnd(Outcome.QUOTA_EXHAUSTED, 60))
        held = client.permit("replaced")
        with self.assertRaises(ValueError), held:
            raise ValueError
        self.assertEqual(held.outcome, Outcome.QUOTA_EXHAUSTED)
        self.assertIsNotNone(client.call(protocol.ExhaustionGetRequest("replaced")).entry)

    def test_a_denial_says_what_has_opened_the_breaker(self) -> None:
        client = self.client()
        for _ in range(5):
            client.report("failing", Outcome.FAILURE)
        with self.assertRaises(AdmissionDenied) as caught, client.permit(["failing"]):
            self.fail("it was admitted")
        (denial,) = caught.exception.denials
        self.assertEqual(denial.opened_by, protocol.BreakerRule.FAILURES)
        self.assertEqual((denial.failed_recoveries, denial.reset_timeout), (0, None))
        self.assertIn("failing: breaker_open, opened by failures", str(caught.exception))

    def test_a_denial_says_why_and_until_when(self) -> None:
        client = self.client()
        client.call(protocol.ExhaustionMarkRequest("marked", 60_000))
        with self.assertRaises(AdmissionDenied) as caught, client.permit(["marked/a", "marked/b"]):
            self.fail("it was admitted")
        denied = caught.exception
        self.assertEqual([one.reason for one in denied.denials], [DenialReason.EXHAUSTED] * 2)
        assert denied.retry_after is not None
        self.assertTrue(50 < denied.retry_after <= 75, denied.retry_after)
        self.assertIn("marked/a: exhausted", str(denied))

    def test_a_preview_holds_nothing(self) -> None:
        client = self.client()
        client.call(protocol.ExhaustionMarkRequest("previewed", 60_000))
        self.assertEqual(client.preview(["previewed", "other"]).provider, "other")
        self.assertEqual(self.in_flight(client, "other"), 0)

    def test_candidates_are_ranked_by_what_is_known_of_them(self) -> None:
        client = self.client()
        for route, first_token, seconds in (("ranked-slow", 0.01, 90), ("ranked-fast", 0.5, 20)):
            with client.permit(route) as held:
                # What the permit measures is told, whatever the clock says.
                held.permit.begin -= seconds
                held.permit.answered = held.permit.begin + first_token
        client.call(protocol.ExhaustionMarkRequest("ranked-marked", 60_000))
        routes = ["ranked-marked", "ranked-new", "ranked-slow", "ranked-fast"]

        def ranked(by: Any) -> list[str]:
            return [one.provider.removeprefix("ranked-") for one in client.ranked(routes, by, cost=0.01)]

        self.assertEqual(ranked("latency"), ["fast", "slow", "new", "marked"])
        self.assertEqual(ranked("first_token"), ["slow", "fast", "new", "marked"])
        self.assertEqual(ranked("price"), ["new", "slow", "fast", "marked"])
        self.assertEqual(ranked("share"), ["new", "slow", "fast", "marked"])
        with self.assertRaises(InvalidArgument):
            ranked("beauty")
        with self.assertRaises(RuntimeError):
            client.permit("ranked-slow").first_token()

    def test_an_answer_tells_how_its_call_went(self) -> None:
        client = self.client()
        with client.permit("answered") as permit:
            told = permit.answer(200, {"ratelimit-remaining": "0", "ratelimit-reset": "30"})
        self.assertEqual((permit.outcome, told.retry_after), (Outcome.SUCCESS, 30))
        self.assertIsNotNone(client.call(protocol.ExhaustionGetRequest("answered")).entry)
        with client.permit("answered-2") as permit:
            permit.answer(429, {}, {"error": {"code": "insufficient_quota"}})
        self.assertEqual(permit.outcome, Outcome.QUOTA_EXHAUSTED)

    def test_what_is_told_comes_before_what_the_end_means(self) -> None:
        client = self.client()
        with client.permit("told") as permit:
            permit.tell("throttled", retry_after=30)
        self.assertEqual(permit.outcome, Outcome.THROTTLED)
        self.assertIsNotNone(client.call(protocol.ExhaustionGetRequest("told")).entry)
        with self.assertRaises(InvalidArgument), client.permit("told-2") as permit:
            permit.tell("nonsense")
        self.assertEqual(permit.outcome, Outcome.ABANDONED)

    def test_arguments_are_checked_before_anything_is_sent(self) -> None:
        client = self.client()
        for arguments in (
            {"candidates": []},
            {"candidates": ["a"] * 17},
            {"candidates": "a/"},
            {"candidates": "a", "tags": "team"},
            {"candidates": "a", "tags": ["t"] * 9},
            {"candidates": "a", "cost": "1e7"},
            {"candidates": "a", "cost": -1},
            {"candidates": "a", "tokens": 1, "input_tokens": 1},
        ):
            with self.subTest(arguments), self.assertRaises(InvalidArgument):
                client.permit(**arguments)  # type: ignore[arg-type]
        with self.assertRaises(InvalidArgument):
            client.admit("a", tokens=-1)
        self.assertIsNone(client.hello)

    def test_routes_are_cut_at_the_first_marks(self) -> None:
        from fusebox_client._calls import route

        self.assertEqual(route("vertex/claude-sonnet-4@20250514").model, "claude-sonnet-4@20250514")
        self.assertEqual(route("openrouter/openai/gpt-4o").model, "openai/gpt-4o")
        one = route("openai@eu/gpt-4o")
        self.assertEqual((one.provider, one.deployment, one.model), ("openai", "eu", "gpt-4o"))

    def test_a_refusal_is_no_denial(self) -> None:
        with self.assertRaises(Refused) as caught:
            self.client().admit("refused", tags=["uid:0"])
        self.assertEqual(caught.exception.status.name, "OUT_OF_RANGE")

    def test_documents_without_usage_leave_the_call_alone(self) -> None:
        client = self.client()
        with client.permit("silent/m") as permit:
            for event in ({"type": "content_block_delta", "delta": {"text": "Hi"}}, {"choices": []}, "text", object()):
                self.assertFalse(permit.usage(event))
            self.assertTrue(permit.usage({"usage": CHAT}))
        self.assertEqual(permit.outcome, Outcome.SUCCESS)
        account = client.call(protocol.LedgerProviderRequest("silent")).account
        assert account is not None
        self.assertEqual((account.usage.requests, account.usage.input_tokens), (1, 100))

    def test_usage_that_is_out_of_range_does_not_lose_the_outcome(self) -> None:
        client = self.client()
        with self.assertLogs("fusebox_client", "WARNING"), client.permit("expensive") as permit:
            used = Usage(cost=1)
            permit.usage(used)
            used.cost = Money(-1)
        self.assertEqual(self.in_flight(client, "expensive"), 0)
        self.assertEqual(client.dropped_reports, 1)

    def test_a_second_settle_changes_nothing(self) -> None:
        client = self.client()
        permit = client.admit("twice")
        client.settle(permit, usage=Usage(cost=1))
        second = client.settle(permit, usage=Usage(cost=1))
        self.assertEqual(second.standing, PermitStanding.SETTLED)
        self.assertEqual(self.spend(client, "twice"), "1")

    def test_a_settle_of_a_permit_that_is_not_known_is_sent_as_a_report(self) -> None:
        client = self.client()
        permit = client.admit("unknown")
        client.settle(permit, "cancelled")
        from fusebox_client import Permit

        stranger = Permit(permit.candidate, (), number=12345, epoch=permit.epoch)
        settling = client.settle(stranger, usage=Usage(cost=2))
        self.assertEqual((settling.delivery, settling.standing), ("delivered", None))
        self.assertEqual(self.spend(client, "unknown"), "2")


class FailoverTests(ClientTestCase):
    def test_the_next_provider_is_tried(self) -> None:
        client = self.client()
        asked = []

        def ask(permit: Any) -> str:
            asked.append(permit.route)
            if permit.provider == "first":
                raise ProviderError(503)
            return "answer"

        self.assertEqual(client.run_with_failover(["first/a", "first/b", "second"], ask), "answer")
        self.assertEqual(asked, ["first/a", "second"])

    def test_so_many_calls_are_made_at_most(self) -> None:
        asked = []

        def ask(permit: Any) -> str:
            asked.append(permit.provider)
            raise ProviderError(503)

        with self.assertRaises(ProviderError):
            self.client().run_with_failover(["tenth", "eleventh", "twelfth"], ask, attempts=2)
        self.assertEqual(asked, ["tenth", "eleventh"])

    def test_a_denial_inside_a_call_is_the_calls_own_error(self) -> None:
        client = self.client()
        client.call(protocol.ExhaustionMarkRequest("inner", 60_000))

        def ask(permit: Any) -> str:
            if permit.provider == "seventh":
                raise ProviderError(500)
            with client.permit("inner"):
                self.fail("it was admitted")

        with self.assertRaises(AdmissionDenied) as caught:
            client.run_with_failover(["seventh", "eighth"], ask)
        self.assertEqual(caught.exception.denials[0].candidate.provider, "inner")

    def test_the_callers_fault_is_nobody_elses(self) -> None:
        asked = []

        def ask(permit: Any) -> str:
            asked.append(permit.provider)
            raise ProviderError(400)

        with self.assertRaises(ProviderError):
            self.client().run_with_failover(["third", "fourth"], ask)
        self.assertEqual(asked, ["third"])

    def test_the_last_error_is_raised_and_not_the_denial(self) -> None:
        client = self.client()
        client.call(protocol.ExhaustionMarkRequest("sixth", 60_000))

        def ask(permit: Any) -> str:
            raise ProviderError(500)

        with self.assertRaises(ProviderError):
            client.run_with_failover(["fifth", "sixth"], ask)
        with self.assertRaises(AdmissionDenied):
            client.run_with_failover(["sixth"], ask)


class GuardedTests(ClientTestCase):
    def test_a_function_makes_its_call_under_a_permit(self) -> None:
        client = self.client()

        @client.guarded("guarded/m", cost=0.01)
        def ask(question: str, permit: Any) -> dict[str, Any]:
            """Asks."""
            return {"model": permit.model, "usage": CHAT, "text": question}

        self.assertEqual(ask("?")["text"], "?")
        self.assertEqual((ask.__name__, ask.__doc__), ("ask", "Asks."))
        account = client.call(protocol.LedgerModelRequest("guarded", "m")).account
        assert account is not None
        self.assertEqual(account.usage.input_tokens, 100)

    def test_an_answer_that_cannot_be_looked_at_is_returned_all_the_same(self) -> None:
        class Answer:
            @property
            def usage(self) -> object:
                raise RuntimeError("not loaded")

        answer = Answer()
        with self.assertLogs("fusebox_client", "WARNING"):
            self.assertIs(self.client().guarded("strange")(lambda: answer)(), answer)

    def test_a_coroutine_function_needs_the_other_client(self) -> None:
        async def ask() -> None:
            pass

        with self.assertRaisesRegex(TypeError, "AsyncClient"):
            self.client().guarded("p")(ask)

    def test_what_people_print(self) -> None:
        client = Client(self.daemon.socket, spool=False)
        self.assertEqual(repr(client), f"<Client {self.daemon.socket!r}, not connected>")
        held = client.permit("printed/m")
        self.assertEqual(repr(held), "<HeldPermit, not entered>")
        with held:
            self.assertEqual(repr(held), "<HeldPermit 'printed/m', under way>")
        self.assertEqual(repr(held), "<HeldPermit 'printed/m', success>")
        self.assertEqual(repr(client), f"<Client {self.daemon.socket!r}, connected>")
        client.close()
        self.assertEqual(repr(client), f"<Client {self.daemon.socket!r}, closed>")

    def test_a_permit_is_for_one_call(self) -> None:
        held = self.client().permit("once")
        with held:
            pass
        with self.assertRaisesRegex(RuntimeError, "one call"), held:
            pass

    def test_a_generator_is_settled_at_its_end(self) -> None:
        client = self.client()

        @client.guarded("generated")
        def events() -> Iterator[dict[str, Any]]:
            yield {"id": "1", "usage": None}
            yield {"id": "1", "usage": CHAT}

        stream = events()
        self.assertEqual(self.in_flight(client, "generated"), 1)
        self.assertEqual(len(list(stream)), 2)
        self.assertEqual(self.in_flight(client, "generated"), 0)
        account = client.call(protocol.LedgerProviderRequest("generated")).account
        assert account is not None
        self.assertEqual(account.usage.output_tokens, 50)

    def test_a_stream_whose_consumer_stops_is_abandoned(self) -> None:
        client = self.client()
        for ending in ("close", "forget"):
            with self.subTest(ending):
                held: list[Any] = []

                def start(permit: Any, held: list[Any] = held) -> Any:
                    held.append(permit)
                    return iter([{"usage": CHAT}, {"usage": CHAT}])

                stream = client.stream("stopped", start)
                next(stream)
                if ending == "close":
                    stream.close()
                del stream
                self.assertEqual(held[0].outcome, Outcome.ABANDONED)
        account = client.call(protocol.LedgerProviderRequest("stopped")).account
        assert account is not None
        self.assertEqual((account.in_flight, account.usage.input_tokens), (0, 200))

    def test_a_stream_that_breaks_is_a_failure(self) -> None:
        client = self.client()
        held: list[Any] = []

        def start(permit: Any) -> Any:
            held.append(permit)
            yield {"usage": None}
            raise ConnectionResetError

        with self.assertRaises(ConnectionResetError):
            list(client.stream("broken", start))
        self.assertEqual(held[0].outcome, Outcome.FAILURE)


if __name__ == "__main__":
    unittest.main()
