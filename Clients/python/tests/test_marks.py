"""What a call that ends badly marks: its route, or as much of it as is told."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

from fusebox_client import (
    CallEnd,
    InvalidArgument,
    MarkScope,
    Outcome,
    call_end,
    protocol,
)

from .test_aio import AsyncTestCase
from .test_client import ClientTestCase, ProviderError

Mark = tuple[str | None, str | None]
"""The deployment and the model of a mark."""


def refuse(permit: Any) -> Any:
    raise ProviderError(401)


class MarkTests(ClientTestCase):
    def setUp(self) -> None:
        self.observer = self.client()
        self.provider = self.id().rsplit(".", 1)[-1].replace("_", "-")
        self.routes = 0

    def route(self) -> str:
        """A route whose provider no other call of the test has."""
        self.routes += 1
        return f"{self.provider}-{self.routes}@key/model"

    def marks(self, route: str) -> list[Mark]:
        provider = route.partition("@")[0]
        entries = self.observer.call(protocol.ExhaustionListRequest()).entries
        return [(one.deployment, one.model) for one in entries if one.provider == provider]

    def check(self, call: Callable[[str], Any], mark: Mark) -> None:
        route = self.route()
        try:
            call(route)
        except ProviderError:
            pass
        self.assertEqual(self.marks(route), [mark])

    def test_the_scope_is_told_with_a_settle_and_with_a_report(self) -> None:
        client = self.client()
        for scope, mark in (
            (None, ("key", None)),
            ("provider", (None, None)),
            ("deployment", ("key", None)),
            ("model", (None, "model")),
            (MarkScope.ROUTE, ("key", "model")),
        ):
            with self.subTest(scope):
                told: dict[str, Any] = {"mark_scope": scope}
                self.check(lambda route, told=told: client.settle(client.admit(route), "unauthorized", **told), mark)
                self.check(lambda route, told=told: client.report(route, "unauthorized", **told), mark)

    def test_the_scope_is_told_inside_the_block(self) -> None:
        client = self.client()

        def call(route: str) -> None:
            with client.permit(route) as permit:
                permit.tell("quota_exhausted", mark_scope="provider")

        self.check(call, (None, None))

    def test_the_table_of_errors_tells_the_scope(self) -> None:
        def outcome_of(error: BaseException) -> CallEnd:
            end = call_end(error)
            is_of_all_keys = getattr(error, "status_code", None) == 401
            return CallEnd(end.outcome, end.retry_after, "provider") if is_of_all_keys else end

        client = self.client(outcome_of=outcome_of)
        self.check(lambda route: client.run_with_failover(route, refuse), (None, None))

    def test_a_401_marks_the_key_and_a_403_the_model_that_it_may_not_use(self) -> None:
        client = self.client()

        def refused(route: str, status: int) -> None:
            with client.permit(route):
                raise ProviderError(status)

        def answered(route: str, status: int) -> None:
            with client.permit(route) as permit:
                permit.answer(status)

        for call in (refused, answered):
            self.check(lambda route, call=call: call(route, 401), ("key", None))
            self.check(lambda route, call=call: call(route, 403), ("key", "model"))

    def test_a_403_leaves_the_other_models_of_the_key_and_a_401_does_not(self) -> None:
        client = self.client()
        for status, asked in ((403, ["key/a", "key/b"]), (401, ["key/a", "other/b"])):
            tried: list[str] = []
            routes = [f"{self.provider}-{status}@{rest}" for rest in ("key/a", "key/b", "other/b")]

            def ask(permit: Any, status: int = status, tried: list[str] = tried) -> str:
                tried.append(permit.route.partition("@")[2])
                if len(tried) == 1:
                    raise ProviderError(status)
                return "answer"

            with self.subTest(status):
                self.assertEqual(client.run_with_failover(routes, ask), "answer")
                self.assertEqual(tried, asked)

    def test_the_scope_is_an_option_of_every_call_under_a_permit(self) -> None:
        client = self.client()
        for call in (
            lambda route: client.run_with_failover(route, refuse, mark_scope="route"),
            lambda route: client.guarded(route, mark_scope="route")(refuse)(),
            lambda route: client.stream(route, refuse, mark_scope="route"),
        ):
            self.check(call, ("key", "model"))

        def told_otherwise(route: str) -> None:
            with client.permit(route, mark_scope="route") as permit:
                permit.tell("unauthorized", mark_scope="provider")

        self.check(told_otherwise, (None, None))

    def test_an_outcome_that_marks_nothing_takes_no_scope(self) -> None:
        client = self.client()
        for outcome in ("success", "rejected", "abandoned", "cancelled"):
            route = self.route()
            settling = client.settle(client.admit(route), outcome, mark_scope="provider")
            self.assertEqual((settling.delivery, self.marks(route)), ("delivered", []))

    def test_a_scope_that_is_none_is_refused_before_the_call(self) -> None:
        told: Any = "host"
        with self.assertRaisesRegex(InvalidArgument, "none of provider, deployment, model, route"):
            self.observer.permit("p", mark_scope=told)
        with self.assertRaises(InvalidArgument):
            CallEnd("unauthorized", None, told)

    def test_a_table_of_errors_that_fails_does_not_hide_the_error_of_the_call(self) -> None:
        def outcome_of(error: BaseException) -> CallEnd:
            raise KeyError("no such error")

        client = self.client(outcome_of=outcome_of)
        held = client.permit(self.route())
        with self.assertLogs("fusebox_client", "WARNING"), self.assertRaises(ProviderError), held:
            raise ProviderError(500)
        self.assertEqual(held.outcome, Outcome.FAILURE)


class AsyncMarkTests(AsyncTestCase):
    async def test_the_scope_is_told_likewise(self) -> None:
        client = self.client()

        async def refuse(permit: Any) -> None:
            raise ProviderError(401)

        async def told(route: str) -> None:
            async with client.permit(route) as permit:
                permit.tell("unauthorized", mark_scope="model")

        async def settled(route: str) -> None:
            await client.settle(await client.admit(route), "unauthorized", mark_scope="provider")

        async def reported(route: str) -> None:
            await client.report(route, "unauthorized", mark_scope="route")

        async def failed(route: str) -> None:
            with self.assertRaises(ProviderError):
                await client.run_with_failover(route, refuse, mark_scope="route")

        await told("told@key/model")
        await settled("settled@key/model")
        await reported("reported@key/model")
        await failed("failed@key/model")
        entries = (await client.call(protocol.ExhaustionListRequest())).entries
        self.assertEqual(
            {one.provider: (one.deployment, one.model) for one in entries},
            {
                "told": (None, "model"),
                "settled": (None, None),
                "reported": ("key", "model"),
                "failed": ("key", "model"),
            },
        )


if __name__ == "__main__":
    unittest.main()
