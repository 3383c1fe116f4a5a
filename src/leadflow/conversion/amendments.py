"""
Merging, un-merging and taking back: what can be asked for, and the plans that answer.

Theory. As with conversions, a request names records by id and is checked when it is built, a plan shows everything that
a store would write, and both are values: a merge of the same records is the same request in whatever order they were
named, and a plan can be made again on fresh records and compared.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.mergefields import Mergeable, MergeRule
from leadflow.conversion.plans import Readable
from leadflow.conversion.refusals import RefusalReason
from leadflow.conversion.requests import Moment, fingerprint
from leadflow.conversion.terms import Default
from leadflow.errors import Problem
from leadflow.events import Provenance
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet
from leadflow.validation import check, code, coded, each, member, prose, shown, to_tuple, when

__all__ = [
    "CUSTOM_RULES",
    "MergePlan",
    "MergeRequest",
    "TakenBack",
    "UnconversionPlan",
    "UnconversionRequest",
    "UnmergePlan",
    "UnmergeRequest",
]

_Kind = TypeVar("_Kind", bound=Mergeable)

CUSTOM_RULES = (MergeRule.FIRST, MergeRule.MAXIMUM)
"""The rules that a host may name for a custom field."""


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    given: Any = to_tuple(values)
    good = isinstance(given, tuple) and all(isinstance(value, str) for value in given)
    return tuple(sorted(given)) if good else given


_to_rule = member(MergeRule)


def _rules(values: Mapping[str, MergeRule | str]) -> tuple[tuple[str, MergeRule], ...]:
    given: Any = values
    if isinstance(given, Mapping) and all(isinstance(name, str) for name in given):
        return tuple(sorted((name, _to_rule(rule)) for name, rule in given.items()))
    return given  # type: ignore[no-any-return]  # refused by the type's check


@frozen(kw_only=True, slots=False)  # the fingerprint is made once, on first use
class MergeRequest:
    """
    Make one record of several.

    Attributes:
        ids: The records, sorted: in which order they were named makes no difference.
        rules: How custom fields merge that are not filled where they are blank, by name: ``maximum``.
        note: Why, in words.
    """

    ids: tuple[str, ...] = field(converter=_sorted)
    rules: tuple[tuple[str, MergeRule], ...] = field(default=(), converter=_rules)
    note: str = ""

    def __attrs_post_init__(self) -> None:
        named = isinstance(self.ids, tuple)
        check(
            "MergeRequest",
            *each("ids", self.ids, code),
            when(named and len(self.ids) < 2, "ids", f"must name at least two records, got {shown(self.ids)}"),  # noqa: PLR2004 - two
            *self._rule_problems(),
            prose("note", self.note),
        )

    def _rule_problems(self) -> list[Problem | None]:
        given: Any = self.rules
        if not isinstance(given, tuple):
            rule = f"must map names of custom fields to rules, got {shown(self.rules)}"
            return [Problem("rules", rule, is_type=True)]
        return [
            problem
            for name, rule in self.rules
            for problem in (code(f"rules[{name!r}]", name) or coded(f"rules[{name!r}]", rule, CUSTOM_RULES),)
        ]

    @property
    def action(self) -> str:
        """What is asked for, in words."""
        return f"merge {', '.join(map(repr, self.ids))}"

    @cached_property
    def fingerprint(self) -> str:
        """What tells this request from another under the same key."""
        return fingerprint("merge", self.ids, self.rules)


@frozen(kw_only=True, slots=False)
class UnmergeRequest:
    """
    Make a record that was merged into another go on by itself again.

    Attributes:
        id: The record that was merged.
        note: Why, in words.
    """

    id: str
    note: str = ""

    def __attrs_post_init__(self) -> None:
        check("UnmergeRequest", code("id", self.id), prose("note", self.note))

    @property
    def action(self) -> str:
        """What is asked for, in words."""
        return f"un-merge {self.id!r}"

    @cached_property
    def fingerprint(self) -> str:
        """What tells this request from another under the same key."""
        return fingerprint("unmerge", self.id)


class TakenBack(StrEnum):
    """What is taken back: a prospect's last conversion, or everything that came of a lead."""

    CONVERSION = "conversion"
    QUALIFICATION = "qualification"


_to_taken_back = member(TakenBack)


def _taken_back(value: TakenBack | str) -> TakenBack:
    return _to_taken_back(value)


@frozen(kw_only=True, slots=False)
class UnconversionRequest:
    """
    Take back what came of a prospect or lead.

    Attributes:
        step: A `TakenBack` or its value: of a prospect, its last conversion; of a lead, its qualification and every
            conversion since.
        id: The prospect or lead.
        note: Why, in words.
    """

    step: TakenBack = field(converter=_taken_back)
    id: str
    note: str = ""

    def __attrs_post_init__(self) -> None:
        check(
            "UnconversionRequest",
            coded("step", self.step, TakenBack),
            code("id", self.id),
            prose("note", self.note),
        )

    @property
    def action(self) -> str:
        """What is asked for, in words."""
        kind = Lead.kind if self.step is TakenBack.QUALIFICATION else Prospect.kind
        return f"take back the {self.step} of {kind} {self.id!r}"

    @cached_property
    def fingerprint(self) -> str:
        """What tells this request from another under the same key."""
        return fingerprint("unconvert", self.step.value, self.id)


@frozen(kw_only=True, repr=False, str=False)
class MergePlan(Readable, Generic[_Kind]):
    """
    Everything that merging records would write.

    Attributes:
        request: What was asked for.
        survivor: The record that goes on, with what it gained.
        merged: The records that end, in the order in which they went into it; each points at the survivor.
        prospect: The prospect behind a qualified lead, with what it gained; None: there is none, or it gained nothing.
        contact: The contact of a prospect, with tighter consents; None: there is none, or they do not change.
        changes: What a store commits.
        provenance: Which records the values of the survivor came from.
        moment: When, and by whom.
        defaults: Why this record survives.
        unmapped: What of the merged records does not go on; it stays readable on them.
        warnings: What somebody should look at.
    """

    request: MergeRequest
    survivor: _Kind
    merged: tuple[_Kind, ...]
    changes: ChangeSet
    moment: Moment
    prospect: Prospect | None = None
    contact: Contact | None = None
    provenance: tuple[Provenance, ...] = ()
    defaults: tuple[Default, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    warnings: tuple[RefusalReason, ...] = ()


@frozen(kw_only=True, repr=False, str=False)
class UnmergePlan(Readable, Generic[_Kind]):
    """
    Everything that un-merging a record would write.

    Attributes:
        request: What was asked for.
        survivor: The record that went on for it, as it was before.
        restored: The record that goes on by itself again.
        prospect: The prospect behind a qualified lead, as it was before; None: the merge had not changed it.
        changes: What a store commits.
        moment: When, and by whom.
        defaults: None: nothing is filled in.
        unmapped: None: nothing is carried.
        warnings: What stays as the merge left it.
    """

    request: UnmergeRequest
    survivor: _Kind
    restored: _Kind
    changes: ChangeSet
    moment: Moment
    prospect: Prospect | None = None
    defaults: tuple[Default, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    warnings: tuple[RefusalReason, ...] = ()


@frozen(kw_only=True, repr=False, str=False)
class UnconversionPlan(Readable):
    """
    Everything that taking back a conversion, or a qualification, would write.

    Attributes:
        request: What was asked for.
        lead: The lead as it was before it was qualified; None where only a conversion is taken back.
        prospect: The prospect as it was before; withdrawn where its qualification is taken back.
        account: The account of the last conversion: withdrawn, or without what was filled in; None where it stays.
        contact: The contact: the same.
        opportunity: The deal: the same.
        changes: What a store commits.
        moment: When, and by whom.
        defaults: None: nothing is filled in.
        unmapped: None: nothing is carried.
        warnings: What stays as the conversion left it.
    """

    request: UnconversionRequest
    prospect: Prospect
    changes: ChangeSet
    moment: Moment
    lead: Lead | None = None
    account: Account | None = None
    contact: Contact | None = None
    opportunity: Opportunity | None = None
    defaults: tuple[Default, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    warnings: tuple[RefusalReason, ...] = ()
