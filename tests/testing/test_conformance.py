"""The kit passes what is right, and says what it ran, what it skipped and why."""

import asyncio
import re
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

import pytest

from leadflow import InvalidError, events
from leadflow.codec import Codec
from leadflow.errors import ConformanceError
from leadflow.events import Event, Opening
from leadflow.stores import AsyncInMemoryStore, InMemoryStore
from leadflow.testing import CHECKS, Capability, Outcome, check_async_store, check_store, is_write
from leadflow.testing.builders import PIPELINES
from leadflow.testing.samples import eventful, one_of_each
from leadflow.testing.suites import AsyncStoreConformance, StoreConformance

from .tables import HOOKS, AsyncTableStore, StateStore, TableStore

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"


def outcomes(report, outcome):
    return {result.name for result in report.results if result.outcome is outcome}


class TestInMemoryStore(StoreConformance):
    """The store that leadflow ships, one test per check."""

    make_store = staticmethod(InMemoryStore)


class TestAsyncInMemoryStore(AsyncStoreConformance):
    """The same, awaited; the factory may be asynchronous."""

    examples = 10  # the store above runs them all

    async def make_store(self):
        return AsyncInMemoryStore()


class TestTableStore(StoreConformance):
    """A store that claims everything."""

    examples = 10  # the store above runs them all

    another = staticmethod(HOOKS["another"])
    other_tenant = staticmethod(HOOKS["other_tenant"])
    before_writes = staticmethod(HOOKS["before_writes"])

    def make_store(self):
        yield TableStore()


class TestStateStore(StoreConformance):
    """A store that keeps no history."""

    examples = 10  # the store above runs them all

    claims = (Capability.CONCURRENCY,)

    @contextmanager
    def make_store(self):
        yield StateStore()


class TestReport:
    """A report says of each check what came of it."""

    def test_what_is_not_claimed_is_skipped(self):
        """With its reason; everything else passes."""
        report = check_store(StateStore, claims=[])
        assert report.passed
        assert outcomes(report, Outcome.SKIPPED) == {check.name for check in CHECKS if check.needs}
        assert {result.why for result in report.skipped} >= {"not claimed: history", "not claimed: tenants"}
        report.raise_for_failures()

    def test_in_words_rows_and_html(self):
        """A line per check, failures with the fault, and text escaped."""

        class Rude(InMemoryStore):
            def load(self, id_, /):
                raise OSError("<b>")

        report = check_store(Rude, only=["every_kind", "tenants"])
        assert str(report).splitlines() == [
            "0 passed, 1 failed, 1 skipped",
            "failed  every_kind: the store raised OSError: <b>",
            "skipped  tenants: not claimed: tenants",
        ]
        assert report.to_rows()[0] == {
            "check": "every_kind",
            "outcome": "failed",
            "why": "the store raised OSError: <b>",
        }
        assert "OSError: &lt;b&gt;" in report._repr_html_()
        with pytest.raises(ConformanceError, match="every_kind: the store raised OSError") as caught:
            report.raise_for_failures()
        assert len(caught.value.faults) == 1

    def test_every_way_to_open(self):
        """A factory returns the store, yields it, or is a context manager; clean-up happens once per check."""
        closed = []

        def yielding():
            yield TableStore()
            closed.append("generator")

        @contextmanager
        def context():
            yield TableStore()
            closed.append("context")

        for factory in (TableStore, yielding, context):
            assert check_store(factory, only=["every_kind"]).passed
        assert closed == ["generator", "context"]

    def test_every_way_to_open_an_asynchronous_store(self):
        """Also awaited, or an asynchronous generator or context manager; hooks of either colour."""
        closed = []

        async def returning():
            return AsyncTableStore()

        async def yielding():
            yield AsyncTableStore()
            closed.append("generator")

        @asynccontextmanager
        async def context():
            yield AsyncTableStore()
            closed.append("context")

        for factory in (AsyncTableStore, returning, yielding, context):
            assert asyncio.run(check_async_store(factory, only=["every_kind"])).passed
        assert closed == ["generator", "context"]

    def test_all_capabilities_of_an_asynchronous_store(self):
        """Faults, a second connection, another tenant: as for any store."""

        @asynccontextmanager
        async def watched(store, action):
            with HOOKS["before_writes"](store.inner, action):
                yield

        report = asyncio.run(
            check_async_store(
                AsyncTableStore,
                another=lambda store: AsyncTableStore(HOOKS["another"](store.inner)),
                other_tenant=lambda store: AsyncTableStore(HOOKS["other_tenant"](store.inner)),
                before_writes=watched,
            )
        )
        assert (report.failures, report.skipped) == ((), ())


class TestBadInput:
    """What is asked wrongly is an error that names all of it; what fails is not."""

    def test_all_problems_at_once(self):
        """Each with its place."""
        with pytest.raises(InvalidError) as caught:
            check_store(3, claims=["speed", "tenants"], another="x", callers=1, patience=0, examples=0)
        places = {problem.path.partition("[")[0] for problem in caught.value.problems}
        assert places == {"factory", "claims", "other_tenant", "another", "callers", "examples", "patience"}

    def test_unknown_checks(self):
        """With the nearest that there is."""
        with pytest.raises(InvalidError, match=r"only\[0\] is unknown: 'every_kid' \(did you mean 'every_kind'\?\)"):
            check_store(InMemoryStore, only=["every_kid"])
        with pytest.raises(InvalidError, match="only must be names of checks, got 'every_kind'"):
            check_store(InMemoryStore, only="every_kind")

    def test_no_claims(self):
        """A text is no set of claims."""
        with pytest.raises(InvalidError, match="claims must be"):
            check_store(InMemoryStore, claims="history")

    @pytest.mark.parametrize(
        "factory", [object, AsyncInMemoryStore, lambda: nullcontext(3), lambda: (three for three in [3])]
    )
    def test_no_store(self, factory):
        """What opens something else fails every check, saying what came."""
        (result,) = check_store(factory, only=["every_kind"]).results
        assert result.outcome is Outcome.FAILED
        assert result.why.startswith("the factory opened no store (InvalidTypeError: check_store: store must")

    def test_a_factory_that_raises(self):
        """The factory is blamed, not the store that there is not."""

        def full():
            raise OSError("disk full")

        (result,) = check_store(full, only=["every_kind"]).results
        assert result.why == "the factory opened no store (OSError: disk full)"

    def test_a_store_that_is_not_fresh(self):
        """Where one store is opened for all checks, what is wrong is said to be the factory."""
        shared = InMemoryStore()
        first, second = check_store(lambda: shared, only=["every_kind", "money_scale", "updates"]).failures
        assert "which the factory must open empty: expected Committed(), got Stale" in first.why + second.why

    def test_a_codec_without_the_kits_pipelines(self):
        """The way out is told, since the store does nothing wrong; with it, the check passes."""

        def store(codec):
            class Written(InMemoryStore):
                def commit(self, change_set, /):
                    for write in change_set.writes:
                        codec.dump(write.after)
                    return super().commit(change_set)

            return Written

        (result,) = check_store(store(Codec()), only=["every_event"]).results
        assert "which this codec does not know" in result.why
        assert result.why.endswith("Codec(pipelines=leadflow.testing.builders.PIPELINES)")
        assert check_store(store(Codec(pipelines=PIPELINES)), only=["every_event", "states", "growing_history"]).passed

    def test_a_store_that_waits(self):
        """A store whose plain methods answer with something to wait for belongs to the other function."""

        class Waiting(InMemoryStore):
            def load(self, id_, /):
                return asyncio.sleep(0)

        (result,) = check_store(Waiting, only=["missing_records"]).results
        assert "check_async_store" in result.why

    def test_a_class_without_a_store(self):
        """The pytest class says what to write."""
        with pytest.raises(NotImplementedError, match="write make_store"):
            StoreConformance().make_store()


class TestTheKitIsWhole:
    """What the kit's own data promises."""

    def test_the_page_lists_the_checks(self):
        """docs/reference/conformance.md has a row per check, in their order: name, claim, needs."""
        _, _, table = PAGE.read_text(encoding="utf-8").partition("\n## Checks\n")
        rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", table, flags=re.MULTILINE)
        expected = [
            (
                check.name,
                check.claim.rstrip("."),
                ", ".join(f"`{need}`" for need in (*check.needs, *check.libraries)) or "-",
            )
            for check in CHECKS
        ]
        lines = "\n".join(f"| `{name}` | {claim} | {needs} |" for name, claim, needs in expected)
        assert rows == expected, f"paste:\n{lines}"

    def test_the_page_lists_the_capabilities(self):
        """Each with the hook that makes the claim."""
        text = PAGE.read_text(encoding="utf-8")
        assert [capability for capability in Capability if f"\n| `{capability}` |" not in text] == []

    def test_names_are_unique(self):
        """A name is one check."""
        assert len({check.name for check in CHECKS}) == len(CHECKS)

    def test_every_kind_of_event_is_stored(self):
        """A new kind of event needs a sample, or no store is checked for it."""
        known = {
            kind
            for kind in vars(events).values()
            if isinstance(kind, type) and issubclass(kind, Event) and kind not in (Event, Opening)
        }
        stored = {type(event) for record in eventful() for event in record.history}
        assert sorted(kind.__name__ for kind in known - stored) == []

    def test_one_of_each_kind(self):
        """Six kinds of record."""
        assert len({record.kind for record in one_of_each()}) == 6

    @pytest.mark.parametrize(
        ("statement", "writes"),
        [("insert into x", True), ("\n  UPDATE x", True), ("COMMIT", True), ("select 1", False), ("BEGIN", False)],
    )
    def test_statements_that_write(self, statement, writes):
        """Told by their first word."""
        assert is_write(statement) is writes
