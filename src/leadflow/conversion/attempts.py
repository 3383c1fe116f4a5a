"""
Attempts: do a step, and again where somebody was faster.

Theory. The idempotency key is looked up first, so that a retry finds its receipt before anybody says "already
converted"; and once more before a refusal is believed, since a twin of the request may have finished meanwhile. `Stale`
and `MatchAppeared` mean that the plan was made on what is no longer true: everything is loaded and planned anew, a few
times, then refused as a conflict. A new id that the store says is in use is looked up in the next attempt, so that the
planner can say whose it is. What a step is, its flow knows; see `leadflow.conversion.flows`.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias, assert_never

from attrs import field, frozen

from leadflow import markup
from leadflow.assessment import Assessor
from leadflow.conversion.amendments import MergePlan, UnconversionPlan, UnmergePlan
from leadflow.conversion.asking import Flow, commit, load, receipt
from leadflow.conversion.candidates import Known
from leadflow.conversion.intakeplan import IntakePlan
from leadflow.conversion.plans import ConversionPlan, QualificationPlan, Readable
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.settings import ConversionSettings
from leadflow.errors import KeyConflictError
from leadflow.stores import ChangeSet, Committed, KeyTaken, MatchAppeared, Receipt, Record, RecordVersion, Stale
from leadflow.validation import check, each, instance, to_tuple

__all__ = ["Applied", "Attempt", "Plan", "Workings", "Written", "those", "trying"]

Plan: TypeAlias = QualificationPlan | ConversionPlan[Any]
Written: TypeAlias = Plan | IntakePlan | MergePlan[Any] | UnmergePlan[Any] | UnconversionPlan
"""What a service may have written."""


def _versions(values: Iterable[RecordVersion]) -> tuple[RecordVersion, ...]:
    return to_tuple(values)


def _plans(values: Iterable[Written]) -> tuple[Written, ...]:
    return to_tuple(values)


@frozen
class Applied:
    """
    What a service wrote; the same for a retry under the same key, plans aside.

    Attributes:
        records: What was written, by id and version, in the order account, contact, opportunity, prospect, lead.
        plans: What was applied, with the records; empty when an earlier request with the key had done it.
        is_repeat: Whether an earlier request with the key had done it.
    """

    records: tuple[RecordVersion, ...] = field(converter=_versions)
    plans: tuple[Written, ...] = field(default=(), eq=False, repr=False, converter=_plans)
    is_repeat: bool = field(default=False, eq=False)

    def __attrs_post_init__(self) -> None:
        check(
            "Applied",
            *each("records", self.records, instance, RecordVersion, "a RecordVersion"),
            *each("plans", self.plans, instance, Readable, "a plan"),
            instance("is_repeat", self.is_repeat, bool, "True or False"),
        )

    def id_of(self, kind: str) -> str | None:
        """Return the id of the record of a kind (``account``, ``contact``, ``opportunity``, ...) that was written."""
        return next((record.id for record in self.records if record.kind == kind), None)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per record that was written."""
        return [{"record": record.kind, "id": record.id, "version": record.version} for record in self.records]

    def __str__(self) -> str:
        return f"{'written before' if self.is_repeat else 'written'}: {', '.join(map(str, self.records))}"

    def _repr_html_(self) -> str:
        return markup.section("written before" if self.is_repeat else "written", markup.table(self.to_rows()))


class Workings(Protocol):
    """What a flow needs beside the request."""

    @property
    def qualify_with(self) -> Assessor:
        """Judges leads."""
        ...

    @property
    def convert_with(self) -> Assessor:
        """Judges prospects."""
        ...

    @property
    def settings(self) -> ConversionSettings:
        """What the host has decided once."""
        ...

    @property
    def attempts(self) -> int:
        """How often to try before giving up."""
        ...


Attempt: TypeAlias = Callable[[frozenset[str]], Flow["tuple[ChangeSet, tuple[Written, ...]] | Refusal"]]
"""Loads, judges and plans once; it is given the new ids that may be in use and have to be looked up."""


def those(ids: frozenset[str]) -> Flow[Known]:
    """Load records, as far as they are there."""
    found: list[Record] = []
    for id_ in sorted(ids):
        record = yield from load(id_)
        if record is not None:
            found.append(record)
    return Known(found)


def trying(
    service: Workings, attempt: Attempt, action: str, key: str | None, asked: str, *, doubtful: frozenset[str]
) -> Flow[Applied | Refusal]:
    """Attempt a step, commit what it comes to, and again where somebody was faster."""
    repeat = yield from _repeat(key, asked)
    if repeat is not None:
        return repeat
    why, code = "", RefusalCode.CONFLICT
    for _ in range(service.attempts):
        try:
            outcome = yield from attempt(doubtful)
        except Exception:
            # What a policy or router cannot bear may be that a twin of this request has finished. What a store raises
            # does not come here.
            repeat = yield from _repeat(key, asked)
            if repeat is None:
                raise
            return repeat
        if isinstance(outcome, Refusal):
            return (yield from _repeat(key, asked)) or outcome
        changes, plans = outcome
        code = RefusalCode.CONFLICT
        result = yield from commit(changes if key is None else changes.keeping(key=key, request=asked))
        match result:
            case Committed():
                return Applied(changes.versions, plans)
            case KeyTaken():
                repeat = yield from _repeat(key, asked)
                if repeat is not None:
                    return repeat
                why = f"the key {key!r} is taken and has no receipt"
            case Stale(ids=ids):
                new = {write.id for write in changes.writes if write.before is None}
                why = f"{', '.join(map(repr, ids))} changed meanwhile"
                if taken := [id_ for id_ in ids if id_ in new]:
                    # The next attempt looks them up, and says whose they are; unless the store shows that to nobody.
                    doubtful = doubtful.union(taken)
                    code = RefusalCode.ID_TAKEN
                    why = f"{', '.join(map(repr, taken))} must be a new id, got that of a record in the store"
            case MatchAppeared(keys=keys):
                # No addresses in prose: refusals are logged and shown.
                shared = dict.fromkeys(f"{found.finds} with the same {found.by}" for found in keys)
                why = f"a record ({', '.join(shared)}) appeared meanwhile"
            case _:
                assert_never(result)
    way_out = "try again" if code is RefusalCode.CONFLICT else "give another, or look at what new_id returns"
    message = f"{why}, {service.attempts} times in a row; {way_out}"
    return Refusal(action, [RefusalReason(code, message)])


def _repeat(key: str | None, asked: str) -> Flow[Applied | None]:
    """Return what came of the same request before, if it came to anything."""
    if key is None:
        return None
    kept: Receipt | None = yield from receipt(key)
    if kept is None:
        return None
    if kept.request != asked:
        raise KeyConflictError(key)
    return Applied(kept.records, is_repeat=True)
