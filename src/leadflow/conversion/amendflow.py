"""
The flow of merging, un-merging and taking back: load, plan, commit, and again where somebody was faster.

It is run by the same mechanism as a conversion (`leadflow.conversion.attempts.trying`). No policy is asked: nothing
here rests on a verdict. The receipt of a step that is taken back stays as it is: a late retry under its key gets what
was written then, and writes nothing; to take the step again is another request, under another key.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from leadflow.conversion.amendments import (
    MergePlan,
    MergeRequest,
    UnconversionPlan,
    UnconversionRequest,
    UnmergePlan,
    UnmergeRequest,
)
from leadflow.conversion.asking import Flow, candidates
from leadflow.conversion.attempts import Applied, Workings, Written, those, trying
from leadflow.conversion.merging import merge_of, merge_wants
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment
from leadflow.conversion.undoing import unconversion_keys, unconversion_of, unconversion_wants
from leadflow.conversion.unmerging import unmerge_of, unmerge_wants
from leadflow.stores import ChangeSet, MatchKey, Record

__all__ = ["AMENDMENTS", "Amendment", "amending"]

Amendment: TypeAlias = MergePlan[Any] | UnmergePlan[Any] | UnconversionPlan
"""A plan to merge, to un-merge or to take back."""

AMENDMENTS: Final = (MergePlan, UnmergePlan, UnconversionPlan)
"""The same for run-time checks."""


def _none(_: object, __: Iterable[Record]) -> set[MatchKey]:
    return set()


@frozen
class _Steps:
    """What a kind of request needs: which ids and keys the known records make it want, and its planner."""

    wants: Callable[[Any, Iterable[Record]], set[str]]
    keys: Callable[[Any, Iterable[Record]], set[MatchKey]]
    plan: Callable[[Any, Iterable[Record], Moment], Amendment | Refusal]


_STEPS: Final[Mapping[type[Any], _Steps]] = {
    MergeRequest: _Steps(merge_wants, _none, merge_of),
    UnmergeRequest: _Steps(unmerge_wants, _none, unmerge_of),
    UnconversionRequest: _Steps(unconversion_wants, unconversion_keys, unconversion_of),
}


def amending(
    service: Workings,
    request: MergeRequest | UnmergeRequest | UnconversionRequest,
    moment: Moment,
    key: str | None,
    *,
    shown: Amendment | None = None,
) -> Flow[Applied | Refusal]:
    """Plan a request on fresh records and write it; where a plan was shown to somebody, only if it is still that."""
    steps = _STEPS[type(request)]

    def attempt(_: frozenset[str]) -> Flow[tuple[ChangeSet, tuple[Written, ...]] | Refusal]:
        known = yield from _known(service, steps, request)
        plan = steps.plan(request, known, moment)
        if isinstance(plan, Refusal):
            return plan
        if shown not in (None, plan):
            message = (
                "planning it now gives another plan: records have changed since, or the plan was edited; plan again"
            )
            return Refusal(request.action, [RefusalReason(RefusalCode.PLAN_CHANGED, message)])
        return plan.changes, (plan,)

    asked = request.fingerprint if key else ""
    return (yield from trying(service, attempt, request.action, key, asked, doubtful=frozenset()))


def _known(service: Workings, steps: _Steps, request: object) -> Flow[tuple[Record, ...]]:
    """Load what the planner wants, until it wants nothing more, and then what may hang on it."""
    found: dict[str, Record] = {}
    asked: set[str] = set()
    while wanted := steps.wants(request, found.values()) - asked:
        found |= (yield from those(frozenset(wanted))).by_id
        asked |= wanted
    keys = steps.keys(request, found.values())
    if keys:
        # Some of those that a store returns are among what was found already, and must not crowd out the others.
        near = yield from candidates(keys, service.settings.matching.max_hits + 1 + len(found))
        found = {record.id: record for record in near} | found
    return tuple(found.values())
