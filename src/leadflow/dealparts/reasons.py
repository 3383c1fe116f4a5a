"""
Why deals are lost and leads disqualified: coded reasons, each of which counts in one way.

Theory. A reason counts as a loss, as no decision, or as void (a duplicate, created in error: left out of win rates,
cycle times and learning). Rules look at `Reason.counts_as`, never at labels; a host may bring reasons of its own.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.validation import check, code, coded, instance, member, text, when

__all__ = [
    "DISQUALIFICATION_REASONS",
    "LOSS_REASONS",
    "CountsAs",
    "Reason",
    "find_reason",
    "reason_problems",
]


class CountsAs(StrEnum):
    """How a closed record counts in win rates, cycles and learning."""

    LOSS = "loss"
    NO_DECISION = "no_decision"
    VOID = "void"


_to_counts_as = member(CountsAs)


def _counts_as(value: CountsAs | str) -> CountsAs:
    return _to_counts_as(value)


@frozen
class Reason:
    """
    Why something was lost or disqualified.

    Attributes:
        code: What rules and storage use.
        label: What people read.
        counts_as: A `CountsAs` or its value; void records are left out of win rates, cycles and learning.
        needs_note: Whether it says nothing without a note.
    """

    code: str
    label: str
    counts_as: CountsAs = field(default=CountsAs.LOSS, converter=_counts_as)
    needs_note: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "Reason",
            code("code", self.code),
            text("label", self.label),
            coded("counts_as", self.counts_as, CountsAs),
            instance("needs_note", self.needs_note, bool, "True or False"),
        )


def _listed(*reasons: Reason) -> Mapping[str, Reason]:
    return MappingProxyType({reason.code: reason for reason in reasons})


LOSS_REASONS: Final = _listed(
    Reason("price", "price too high"),
    Reason("competitor", "a competitor won"),
    Reason("missing_feature", "a feature is missing"),
    Reason("poor_fit", "not a fit after all"),
    Reason("relationship", "no trust, or the sponsor left"),
    Reason("terms", "no agreement on the contract"),
    Reason("no_budget", "the budget was not granted", CountsAs.NO_DECISION),
    Reason("no_decision", "they decided to do nothing", CountsAs.NO_DECISION),
    Reason("timing", "not now", CountsAs.NO_DECISION),
    Reason("unresponsive", "they stopped answering", CountsAs.NO_DECISION),
    Reason("duplicate", "recorded twice", CountsAs.VOID),
    Reason("created_in_error", "should not have been created", CountsAs.VOID),
    Reason("other", "other", needs_note=True),
)
DISQUALIFICATION_REASONS: Final = _listed(
    Reason("poor_fit", "does not fit the profile"),
    Reason("no_need", "has no need"),
    Reason("no_authority", "has no say and leads to nobody who has"),
    Reason("no_budget", "has no budget", CountsAs.NO_DECISION),
    Reason("timing", "not now", CountsAs.NO_DECISION),
    Reason("unreachable", "cannot be reached", CountsAs.NO_DECISION),
    Reason("not_interested", "said no", CountsAs.NO_DECISION),
    Reason("competitor", "works for a competitor", CountsAs.VOID),
    Reason("job_seeker", "is looking for a job or studying", CountsAs.VOID),
    Reason("spam", "spam or an invalid address", CountsAs.VOID),
    Reason("duplicate", "recorded twice", CountsAs.VOID),
    Reason("created_in_error", "should not have been created", CountsAs.VOID),
    Reason("other", "other", needs_note=True),
)


def find_reason(reason: Reason | str, known: Mapping[str, Reason]) -> Reason:
    """Return the reason that a code names; what names none is handed on to `reason_problems`."""
    found: Any = known.get(reason) if isinstance(reason, str) else None
    return found or reason  # type: ignore[return-value]  # see above


def reason_problems(reason: Any, known: Mapping[str, Reason], note: object) -> tuple[Problem | None, ...]:  # noqa: ANN401
    """
    Say what is wrong with a reason and the note that goes with it.

    Args:
        reason: What `find_reason` returned.
        known: The shipped list.
        note: What the caller added; must say something where the reason alone does not.
    """
    if reason is None:
        return (Problem("reason", f"must be given, one of: {', '.join(known)}"),)
    if not isinstance(reason, Reason):
        return (coded("reason", reason, known) or instance("reason", reason, Reason, "a Reason or its code"),)
    silent = reason.needs_note and isinstance(note, str) and not note.strip()
    return (when(silent, "note", f"must say more when the reason is {reason.code!r}, got {note!r}"),)
