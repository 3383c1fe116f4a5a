"""
What leads and prospects share: somebody who may buy, on the way to a deal.

Both are nurtured, disqualified and reopened by the same commands; each class brings its own lifecycle (a table, see
`leadflow.lifecycle`) that says from where. What the table forbids, `can_...` explains and the command refuses.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, Final, Self, TypeVar, Unpack

from attrs import field, frozen

from leadflow.allowance import ALLOWED, Allowance
from leadflow.assessment import Evidence, Verdict
from leadflow.commands import command
from leadflow.dealparts import (
    DISQUALIFICATION_REASONS,
    ProductInterest,
    Reason,
    find_reason,
    reason_problems,
)
from leadflow.errors import Problem
from leadflow.events import Disqualified, Event, Nurtured, Reopened, When
from leadflow.fields import FieldValue
from leadflow.lifecycle import Lifecycle
from leadflow.mergeable import Mergeable, Mergers
from leadflow.money import Money
from leadflow.party import Company, Person
from leadflow.validation import built, coded

__all__ = ["Candidate", "Pursued"]

_Id = TypeVar("_Id", bound=str)
_Ev = TypeVar("_Ev", bound=Event)

# What a caller does to make a move of a lifecycle. Merging is no way out of anything, so no refusal names it.
_COMMANDS: Final[Mapping[str, str]] = {
    "work": "touch",
    "nurture": "nurture",
    "disqualify": "disqualify",
    "reopen": "reopen",
    "qualify": "plan_qualification",
}


class Pursued(Mergers, total=False):
    """What the events of a candidate may change."""

    reason: Reason | None
    revisit_on: date | None
    evidence: Evidence | None


@frozen(eq=False, repr=False)
class Candidate(Mergeable[_Id, _Ev]):
    """
    Somebody who may buy.

    Attributes:
        person: Who, as far as known.
        company: For which company, as far as known.
        source: Where they came from first, in the host's words.
        campaign: What we ran that led to it.
        estimated_value: What a deal might be worth.
        product_interest: What they are interested in.
        reason: Why they were disqualified; None otherwise.
        revisit_on: The day to look again while nurturing.
        evidence: What the last qualification or conversion rested on.
    """

    _LIFECYCLE: ClassVar[Lifecycle[Any]]

    person: Person | None = field(init=False, default=None)
    company: Company | None = field(init=False, default=None)
    source: str | None = field(init=False, default=None)
    campaign: str | None = field(init=False, default=None)
    estimated_value: Money | None = field(init=False, default=None)
    product_interest: tuple[ProductInterest, ...] = field(init=False, default=())
    reason: Reason | None = field(init=False, default=None)
    revisit_on: date | None = field(init=False, default=None)
    evidence: Evidence | None = field(init=False, default=None)

    def can_nurture(self) -> Allowance:
        """Whether `nurture` is possible now."""
        return self._may("nurture")

    @command
    def nurture(self, *, revisit_on: date | None = None, note: str = "", **when: Unpack[When]) -> Self:
        """
        Put them aside until they are ready.

        Args:
            revisit_on: The day to look again.
            note: Why, in words.
            **when: See `When`.

        Raises:
            NotAllowedError: If the lifecycle forbids it now.
        """
        self.require("nurture", self.can_nurture())
        return self._record(Nurtured(revisit_on=revisit_on, note=note, **when))

    def can_disqualify(self) -> Allowance:
        """Whether `disqualify` is possible now."""
        return self._may("disqualify")

    @command
    def disqualify(self, reason: Reason | str, *, note: str = "", **when: Unpack[When]) -> Self:
        """
        Decide not to sell to them.

        Args:
            reason: A code out of `DISQUALIFICATION_REASONS`, or the host's own `Reason`.
            note: More in words; needed with ``other``.
            **when: See `When`.

        Raises:
            InvalidError: If the reason is unknown or says nothing without a note.
            NotAllowedError: If the lifecycle forbids it now.
        """
        self.require("disqualify", self.can_disqualify())
        found = find_reason(reason, DISQUALIFICATION_REASONS)
        wrong = reason_problems(found, DISQUALIFICATION_REASONS, note)
        return self._record(built("disqualify", lambda: Disqualified(reason=found, note=note, **when), *wrong))

    def can_reopen(self) -> Allowance:
        """Whether `reopen` is possible now."""
        return self._may("reopen")

    @command
    def reopen(self, *, note: str = "", **when: Unpack[When]) -> Self:
        """
        Take them up again after nurturing or disqualifying.

        Raises:
            NotAllowedError: If they are neither nurtured nor disqualified.
        """
        self.require("reopen", self.can_reopen())
        return self._record(Reopened(note=note, **when))

    @command
    def correct(
        self,
        *,
        person: Person | None = None,
        company: Company | None = None,
        source: str | None = None,
        campaign: str | None = None,
        estimated_value: Money | None = None,
        product_interest: Iterable[ProductInterest | str] | None = None,
        tags: Iterable[str] | None = None,
        fields: Mapping[str, FieldValue] | None = None,
        clear: Iterable[str] = (),
        note: str = "",
        **when: Unpack[When],
    ) -> Self:
        """
        Put attributes right; those not mentioned stay.

        Args:
            person: Replaces the person as a whole; use `attrs.evolve` on the present one to change a part.
            company: Replaces the company as a whole.
            source: The right source.
            campaign: The right campaign.
            estimated_value: The right estimate.
            product_interest: Replaces what they are interested in; product codes or `ProductInterest` values.
            tags: Replaces the tags.
            fields: Replaces the custom fields.
            clear: Names of attributes to blank.
            note: Why.
            **when: See `When`.

        Raises:
            InvalidError: If nothing is mentioned, or a value or a name to clear is wrong.
            NotAllowedError: If the record is read-only, or this attribute of it.
        """
        values = {
            "person": person,
            "company": company,
            "source": source,
            "campaign": campaign,
            "estimated_value": estimated_value,
            "product_interest": product_interest,
            "tags": tags,
            "fields": fields,
        }
        return self._corrected(clear, note, values, when)

    @classmethod
    def _taken_over(cls, id: str, attributes: Mapping[str, Any], **known: Any) -> Self:  # noqa: A002, ANN401
        """Return what `imported` returns; a reason may be given by its code."""
        reason = find_reason(known["reason"], DISQUALIFICATION_REASONS)
        wrong = None if isinstance(reason, Reason | None) else coded("reason", reason, DISQUALIFICATION_REASONS)
        given = {**known, "reason": reason, **attributes}
        return cls._begun(f"{cls.__name__}.imported", id, cls._IMPORT, given, wrong)

    def _unfounded(self, evidence: object, override: object, by: object) -> Iterator[Problem]:
        """Yield why evidence does not carry a step of this record; what is no evidence, the event says."""
        if isinstance(evidence, Evidence):
            if evidence.subject_id != self.id:
                yield Problem("evidence", f"must be about {self}, got one about {evidence.subject_id!r}")
            if evidence.verdict is not Verdict.QUALIFIED and override is None:
                says = evidence.verdict.replace("_", " ")
                yield Problem("evidence", f"must say qualified, got {says}; override= with a reason sets it aside")
        if override is not None and by is None:
            yield Problem("by", "must say who sets the verdict aside, got None with an override")

    def can_merge(self) -> Allowance:
        """Whether another record may go on for this one: it is neither merged nor withdrawn already."""
        return self._may("merge")

    @property
    def _status(self) -> str:
        raise NotImplementedError

    def _may(self, move: str) -> Allowance:
        if self._LIFECYCLE.can(self._status, move):
            return ALLOWED
        return Allowance((self._way_out(),))

    def _way_out(self) -> str:
        """Return what is possible instead."""
        moves = [_COMMANDS[move] for move in self._LIFECYCLE.moves_from(self._status) if move in _COMMANDS]
        return f"possible from here: {', '.join(moves) or 'nothing'}"

    def _state_words(self) -> str:
        return f"in status {str(self._status)!r}"
