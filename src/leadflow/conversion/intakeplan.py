"""
What taking in a row comes to: a plan that says what becomes of it, and why.

Like every plan it is a frozen value that shows everything it would write. Its `changes` hold the match keys that nobody
may have by the time it is written, so that two forms of one person at once do not make two leads.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

from attrs import field, frozen

from leadflow.conversion.candidates import Matches
from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.intakeform import IntakeForm
from leadflow.conversion.plans import Readable
from leadflow.conversion.refusals import RefusalReason
from leadflow.conversion.requests import Moment, fingerprint
from leadflow.conversion.targets import Create
from leadflow.conversion.terms import Default
from leadflow.errors import Problem
from leadflow.stores import ChangeSet, Record
from leadflow.validation import check, instance, shown

__all__ = ["IntakeOutcome", "IntakePlan", "IntakeRequest"]


class IntakeOutcome(StrEnum):
    """What becomes of a row: a new lead, something on a record that is there, or a list entry."""

    NEW_LEAD = "new_lead"
    EXISTING = "existing"
    LIST_ENTRY = "list_entry"


def _cells(row: Mapping[Any, Any]) -> tuple[tuple[Any, Any], ...]:
    given: Any = row
    return tuple(given.items()) if isinstance(given, Mapping) else given


@frozen(kw_only=True, slots=False)  # the fingerprint is made once, on first use
class IntakeRequest:
    """
    Take in one row.

    Attributes:
        row: Its cells, by column.
        form: What its columns mean.
        lead: The id that a new lead gets.
        entry: The id that a new list entry gets.
    """

    row: tuple[tuple[Any, Any], ...] = field(converter=_cells, repr=False)
    form: IntakeForm
    lead: Create
    entry: Create

    def __attrs_post_init__(self) -> None:
        row: object = self.row
        lead, entry = (
            instance("lead", self.lead, Create, "Create(id)"),
            instance("entry", self.entry, Create, "Create(id)"),
        )
        rule = f"must be a mapping from columns to cells, got {shown(row)}"
        check(
            "IntakeRequest",
            None if isinstance(row, tuple) else Problem("row", rule, is_type=True),
            instance("form", self.form, IntakeForm, "an IntakeForm"),
            lead,
            entry,
            Problem("entry", f"must have an id of its own, got {self.entry.id!r}, which is given as lead too")
            if not lead and not entry and self.lead.id == self.entry.id
            else None,
        )

    @property
    def action(self) -> str:
        """What is asked for, in words."""
        return f"take in a row of form {self.form.name!r}"

    @property
    def new_ids(self) -> frozenset[str]:
        """The ids that new records would get."""
        return frozenset({self.lead.id, self.entry.id})

    @cached_property
    def fingerprint(self) -> str:
        """What tells this request from another under the same key: the form by name, and the row."""
        cells = sorted((str(name), repr(cell)) for name, cell in self.row)
        return fingerprint("intake", self.form.name, tuple(cells))


@frozen(kw_only=True, repr=False, str=False)
class IntakePlan(Readable):
    """
    Everything that taking in a row would write.

    Attributes:
        request: What was asked for.
        outcome: What becomes of it.
        why: The same in words, with the reason.
        record: The record it ends in, as it will be.
        changes: What a store commits.
        matches: Who may be the same person, and in what they agree.
        moment: When, and by whom.
        defaults: What nobody gave and was filled in.
        unmapped: What of the row is kept nowhere.
        warnings: What somebody should look at.
    """

    request: IntakeRequest
    outcome: IntakeOutcome
    why: str
    record: Record
    changes: ChangeSet
    matches: Matches
    moment: Moment
    defaults: tuple[Default, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    warnings: tuple[RefusalReason, ...] = ()

    def __str__(self) -> str:
        head, _, rest = super().__str__().partition("\n")
        return f"{head} {self.outcome.value.replace('_', ' ')}, since {self.why}\n{rest}"
