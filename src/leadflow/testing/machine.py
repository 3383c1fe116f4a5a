"""
The store under test beside the in-memory store: random programs, and after each step both must hold the same.

Theory. Hypothesis draws the steps (new records, changes of versions that may be out of date, keys that may be used,
absences that may not hold) and, where the two part, looks for the shortest program that shows it. The same programs are
drawn on every machine. Needs Hypothesis; without it the check is skipped.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from attrs import Factory, define
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from leadflow.errors import ConformanceError
from leadflow.stores import (
    ChangeSet,
    CommitResult,
    Committed,
    InMemoryStore,
    MatchAppeared,
    MatchKey,
    Record,
    RecordVersion,
    Write,
    match_keys,
)
from leadflow.stores.records import RECORD_TYPES
from leadflow.testing.hosts import Capability, Host
from leadflow.testing.reporting import expect, same
from leadflow.testing.running import Bench, run_now
from leadflow.testing.strategies import accounts, changed, records

__all__ = ["run_machine"]

# Few ids and keys, so that commits meet.
_IDS: Final = ("r-1", "r-2", "R-1")
_KEYS: Final = ("k-1", "k-2")
_STEPS: Final = 10
_MANY: Final = 99
# How many programs to run in all for each that is drawn: the rest look for a shorter one once something is found.
_PROGRAMS_PER_EXAMPLE: Final = 4


def run_machine(host: Host, *, awaited: bool) -> None:
    """
    Run random programs on stores that the host opens.

    Raises:
        ConformanceError: With the first difference of the shortest program that showed one, and the program.
    """
    tried = _Tried(left=host.examples * _PROGRAMS_PER_EXAMPLE)
    # What was found is told below, in the store's own words; Hypothesis may find that it cannot be repeated.
    with suppress(ConformanceError, Flaky):
        run_state_machine_as_test(
            lambda: _Machine(host, tried, awaited=awaited),  # type: ignore[arg-type]  # a class is called, and so is this
            settings=settings(
                max_examples=host.examples,
                stateful_step_count=_STEPS,
                database=None,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
                verbosity=Verbosity.quiet,
            ),
        )
    if tried.found:
        faults, program = min(tried.found, key=lambda found: len(found[1]))
        raise ConformanceError([*faults, f"after committing {', then '.join(program)}"])


@define
class _Tried:
    """
    What came of all programs so far.

    Attributes:
        left: How many more are run; what is skipped then passes, so that the search for a shorter one ends.
        found: The faults, each with the program that showed it.
    """

    left: int
    found: list[tuple[tuple[str, ...], list[str]]] = Factory(list)


class _States(InMemoryStore):
    """The in-memory store for hosts that keep no history."""

    def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write a change set, and fold up the histories of what was written."""
        result = super().commit(change_set)
        if result == Committed():
            self._records |= {write.id: write.after.compacted() for write in change_set.writes}
        return result


@st.composite
def _change_sets(draw: st.DrawFn, loaded: Sequence[Record], known: Sequence[MatchKey]) -> ChangeSet:
    """Draw something to commit, given every record that was ever loaded and every match key that was ever stored."""
    writes: dict[str, Write] = {}
    for _ in range(draw(st.integers(1, 2))):
        before = draw(st.sampled_from([None, None, *loaded]))
        if before is None:
            kind: Any = draw(st.sampled_from(RECORD_TYPES))
            after = draw(records(kind, id=draw(st.sampled_from(_IDS)), longest=1))
        else:
            after = draw(changed(before))
        if before is None or before.version < after.version:
            writes[after.id] = Write(before, after)
    if not writes:
        writes[_IDS[0]] = Write(None, draw(accounts(_IDS[0], longest=0)))
    free = [RecordVersion.of(record) for record in loaded if record.id not in writes]
    changes = ChangeSet(
        writes=tuple(writes.values()),
        relies_on=draw(st.sampled_from([(), *((version,) for version in free)])),
        absent=tuple(draw(st.lists(st.sampled_from(known), max_size=2))) if known else (),
    )
    key = draw(st.sampled_from([None, *_KEYS]))
    return changes if key is None else changes.keeping(key=key, request=draw(st.sampled_from("ab")))


class _Machine(RuleBasedStateMachine):
    """Both stores, and what was loaded so far."""

    def __init__(self, host: Host, tried: _Tried, *, awaited: bool) -> None:
        super().__init__()
        tried.left -= 1
        self._tried = tried
        self._program: list[str] = []
        self._runner = asyncio.Runner() if awaited else None
        self._bench = Bench(host, awaited=awaited)
        self._model = InMemoryStore() if self._bench.has(Capability.HISTORY) else _States()
        self._loaded: list[Record] = []
        self._match_keys: set[MatchKey] = set()

    @initialize()
    def open(self) -> None:
        """Open the store."""
        self._port = self._wait(self._bench.store())

    def teardown(self) -> None:
        """Close the store."""
        self._wait(self._bench.__aexit__(None, None, None))
        if self._runner is not None:
            self._runner.close()

    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        """Commit something that may be refused."""
        if self._tried.left < 0:
            return
        changes = data.draw(_change_sets(self._loaded, sorted(self._match_keys)))
        self._program.append(f"{changes}")
        try:
            self._commit(changes)
            self._compare()
        except ConformanceError as error:
            self._tried.found.append((error.faults, self._program))
            raise

    def _commit(self, changes: ChangeSet) -> None:
        expected, got = self._model.commit(changes), self._wait(self._port.commit(changes))
        if isinstance(got, MatchAppeared):
            got = MatchAppeared(tuple(sorted(set(got.keys))))
        expect("the result of the last commit", expected=expected, got=got)
        self._match_keys.update(key for write in changes.writes for key in match_keys(write.after))

    def _compare(self) -> None:
        for id_ in _IDS:
            expected = self._model.load(id_)
            same(f"record {id_!r}", expected=expected, got=self._wait(self._port.load(id_)))
            if expected is not None and expected not in self._loaded:
                self._loaded.append(expected)
        for key in _KEYS:
            same(f"receipt {key!r}", expected=self._model.receipt(key), got=self._wait(self._port.receipt(key)))
        for found in sorted(self._match_keys):
            ids = sorted(record.id for record in self._model.candidates([found], _MANY))
            got = sorted(record.id for record in self._wait(self._port.candidates([found], _MANY)))
            expect(f"candidates by {found}", expected=ids, got=got)

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what it returns
        return run_now(coroutine) if self._runner is None else self._runner.run(coroutine)
