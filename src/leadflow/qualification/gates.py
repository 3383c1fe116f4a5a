"""
Gates: what must hold, and what must not.

A requirement that is false makes a subject not qualified; a knock-out that is true disqualifies it, whatever else
holds.
"""

# ruff: noqa: D102 - overrides are documented on their base class

from typing import Final, Self

from attrs import evolve, frozen

from leadflow.qualification.logic import Criterion, Predicate, to_predicate
from leadflow.qualification.nodes import Node, Reading
from leadflow.validation import check, coded, instance, optional, text

__all__ = ["Gate", "KnockOut", "Requirement", "knock_out", "require"]

# What an unknown gate counts as: open (range), or closed today as true (yes) or false (no).
_CLOSED: Final[dict[str, bool | None]] = {"range": None, "yes": True, "no": False}


class Gate(Node):
    """A criterion that can decide alone."""

    __slots__ = ()

    when: Predicate
    reason: str
    unknown: str

    def _check(self) -> None:
        check(
            type(self).__name__,
            instance("when", self.when, Predicate, "a criterion"),
            optional(text, "reason", self.reason if self.reason != "" else None),
            coded("unknown", self.unknown, _CLOSED),
        )

    @property
    def text(self) -> str:
        return self.when.text

    @property
    def is_closing(self) -> bool:
        return self.unknown != "range"

    def truth(self, reading: Reading, /) -> bool | None:
        """Return whether it holds, an unknown taken as it says."""
        truth = self.when.truth(reading)
        return _CLOSED[self.unknown] if truth is None else truth

    def lenient(self) -> Self:
        """Return the same with an open unknown taken as no."""
        return evolve(self, unknown="no") if self.unknown == "range" else self  # type: ignore[misc]  # both are attrs

    def note(self, reading: Reading, /) -> str:
        """Return what a reader should know besides."""
        note = self.when.note(reading)
        if self.unknown == "range" or self.when.truth(reading) is not None:
            return note
        return f"{note}; unknown is taken as {self.unknown}".removeprefix("; ")


@frozen
class Requirement(Gate):
    """
    A criterion that has to hold.

    Attributes:
        when: The criterion.
        reason: Why it matters, for people.
        unknown: What an unknown counts as: ``range`` (it stays open), ``yes`` or ``no``; those two are closing forms.
    """

    when: Predicate
    reason: str = ""
    unknown: str = "range"

    def __attrs_post_init__(self) -> None:
        self._check()


@frozen
class KnockOut(Gate):
    """
    A criterion that must not hold.

    Attributes:
        when: The criterion.
        reason: Why it matters, for people.
        unknown: What an unknown counts as: ``range`` (it stays open), ``yes`` or ``no``; those two are closing forms.
    """

    when: Predicate
    reason: str = ""
    unknown: str = "range"

    def __attrs_post_init__(self) -> None:
        self._check()


def require(when: Criterion, reason: str = "", *, unknown: str = "range") -> Requirement:
    """
    Demand that a criterion holds.

    >>> from leadflow.qualification import fact
    >>> require(fact("company.employees") >= 50, "smaller ones need no such thing").text
    'company.employees >= 50'
    """
    return Requirement(to_predicate(when, "when"), reason, unknown)


def knock_out(when: Criterion, reason: str = "", *, unknown: str = "range") -> KnockOut:
    """
    Rule out whatever a criterion holds for.

    >>> from leadflow.qualification import fact
    >>> knock_out(fact("company.country").is_in("KP"), "embargo").reason
    'embargo'
    """
    return KnockOut(to_predicate(when, "when"), reason, unknown)
