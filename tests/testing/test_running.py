"""Stores that are slow, stuck or refuse now and then; hooks that do nothing: each ends, and is told apart."""

import asyncio
import threading
from contextlib import nullcontext

import attrs
import pytest

from leadflow.errors import ConformanceError
from leadflow.stores import AsyncInMemoryStore, InMemoryStore
from leadflow.testing import CHECKS, Outcome, check_async_store, check_store
from leadflow.testing.checks import commits
from leadflow.testing.comparing import difference
from leadflow.testing.conformance import check_now
from leadflow.testing.hosts import Host
from leadflow.testing.suites import StoreConformance

from .broken_stores import ForgetsReceipts, VisibleEarly
from .tables import HOOKS, TableStore


def checked(store, check, **given):
    (result,) = check_store(store, only=[check], **given).results
    return result


class Refusing(InMemoryStore):
    """A database that refuses every second commit for a lock."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def commit(self, change_set, /):
        self.calls += 1
        if self.calls % 2 == 0:
            raise OSError("database is locked")
        return super().commit(change_set)


class TestRefusals:
    """What a database refuses is tried again; what it always refuses is a fault."""

    @pytest.mark.parametrize("check", ["no_update_lost", "one_winner", "one_result_per_key", "one_account"])
    def test_now_and_then(self, check):
        """Every caller gets through."""
        assert checked(Refusing, check).outcome is Outcome.PASSED

    def test_always(self):
        """The error is named."""

        class Locked(InMemoryStore):
            def commit(self, change_set, /):
                if len(self):
                    raise OSError("database is locked")
                return super().commit(change_set)

        result = checked(Locked, "no_update_lost", callers=2)
        assert result.why.endswith("expected 'a result', got OSError('database is locked')")

    def test_always_awaited(self):
        """Also where callers are tasks."""

        class Locked(AsyncInMemoryStore):
            async def commit(self, change_set, /):
                if len(self.sync):
                    raise OSError("database is locked")
                return await super().commit(change_set)

        report = asyncio.run(check_async_store(Locked, only=["no_update_lost"], callers=2))
        assert "the same call was refused 50 times" in report.failures[0].why


class TestStuck:
    """Callers who wait for each other for good are told apart from slow ones, and the check ends."""

    def test_threads(self):
        """They are let go."""
        never = threading.Event()

        class Stuck(InMemoryStore):
            def load(self, id_, /):
                if threading.current_thread() is not threading.main_thread():
                    never.wait(60)
                return super().load(id_)

        result = checked(Stuck, "one_winner", callers=2, patience=0.2)
        never.set()
        assert result.why == (
            "callers wait for each other: expected 'all done within 0.2 seconds', got 'not after 0.2 seconds'"
        )

    def test_tasks(self):
        """They are cancelled."""

        class Stuck(AsyncInMemoryStore):
            async def load(self, id_, /):
                await asyncio.sleep(60)

        report = asyncio.run(check_async_store(Stuck, only=["one_winner"], callers=2, patience=0.2))
        assert report.failures[0].why.startswith("callers wait for each other")

    def test_a_caller_without_a_connection(self):
        """The first error is told, and nobody waits for the caller who is missing."""
        calls = iter(range(9))

        def another(store):
            if next(calls) == 1:
                raise OSError("too many connections")
            return store

        result = checked(TableStore, "one_winner", another=another, callers=2, patience=5)
        assert result.why == "the store raised OSError: too many connections"


class TestHooks:
    """A hook that does not do what it says is a failure, not a pass."""

    @pytest.mark.parametrize("check", ["failing_writes", "nothing_early"])
    def test_before_writes_that_does_nothing(self, check):
        """Nothing would be checked."""
        hooks = HOOKS | {"before_writes": lambda store, action: nullcontext()}
        result = checked(TableStore, check, **hooks)
        assert result.why.startswith("the hook before_writes is not called")

    def test_errors_made_from_ours(self):
        """A store may raise an error of its own where a write failed."""

        class Wrapping(TableStore):
            def commit(self, change_set, /):
                try:
                    return super().commit(change_set)
                except Exception as error:
                    raise OSError("disk") from error

        assert checked(Wrapping, "failing_writes", **HOOKS).outcome is Outcome.PASSED

    def test_errors_that_have_nothing_to_do_with_it(self):
        """An error of the store itself is told."""

        class Odd(TableStore):
            def commit(self, change_set, /):
                if self.before is not None:
                    raise OSError("odd")
                return super().commit(change_set)

        assert checked(Odd, "failing_writes", **HOOKS).why == "the store raised OSError: odd"

    def test_commits_without_end(self, monkeypatch):
        """A commit with more writes than there can be is a fault."""
        monkeypatch.setattr(commits, "_MOST_WRITES", 3)
        assert checked(TableStore, "failing_writes", **HOOKS).why.startswith("a commit never ends")

    def test_a_look_that_is_refused(self):
        """A database that refuses to read what is being written lets nobody see it early."""

        class Refuses(TableStore):
            def __init__(self, *given):
                super().__init__(*given)
                self.asked = threading.current_thread()

            def load(self, id_, /):
                if self.asked is not threading.main_thread():
                    raise OSError("database is locked")
                return super().load(id_)

        assert checked(Refuses, "nothing_early", **HOOKS).outcome is Outcome.PASSED

    def test_a_look_that_is_answered_wrongly(self):
        """What breaks the port over another connection is told."""

        class Odd(VisibleEarly):
            def receipt(self, key, /):
                return None if threading.current_thread() is threading.main_thread() else "k"

        assert "Odd.receipt must return a Receipt" in checked(Odd, "nothing_early", **HOOKS).why


class TestWithoutLibraries:
    """What needs a library that is not installed is skipped, with its name."""

    def test_is_skipped(self):
        """Nothing is imported before."""
        (programs,) = (check for check in CHECKS if check.libraries)
        absent = attrs.evolve(programs, libraries=("no_such_library",))
        result = check_now(absent, Host(factory=InMemoryStore))
        assert (result.outcome, result.why) == (Outcome.SKIPPED, "needs no_such_library, which is not installed")


class TestPytestClass:
    """A test per check."""

    def test_fails_with_the_fault(self):
        """A store that fails a check fails its test, by the check's name."""

        class Forgetful(StoreConformance):
            def make_store(self):
                return ForgetsReceipts()

        (check,) = (check for check in CHECKS if check.name == "receipts")
        with pytest.raises(ConformanceError, match="receipts: the receipt of a commit: expected Receipt"):
            Forgetful().test_store(check)


class TestDifference:
    """The first place in which two values differ."""

    @pytest.mark.parametrize(
        ("one", "other", "path"),
        [
            (1, 1.0, ""),
            ((1, 2), (1,), ""),
            ((1, 2), (1, 3), "[1]"),
            ({"a": 1}, {"b": 1}, ""),
            ({"a": True}, {"a": 1}, "['a']"),
        ],
    )
    def test_is_named(self, one, other, path):
        """Types count, and so does what is missing."""
        assert difference(one, other).path == path
        assert difference(one, one) is None
