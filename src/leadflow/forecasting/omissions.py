"""
What a figure had to leave out, and why.

Theory. A deal without an amount, a date or an exchange rate is neither worth nothing nor left out in silence: it is
an `Omission`, with the deal's id and the reason, beside the figure that misses it. A deal that lacks several things has
one omission for each, so that a host can put all of them right at once.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from attrs import field, frozen

from leadflow.errors import MissingRateError
from leadflow.money import ExchangeRates, Money
from leadflow.validation import check, code, coded, member, prose

__all__ = ["Omission", "OmissionReason"]

# So many ids are named after each reason in a printed summary; the list itself is complete.
_NAMED = 5


class OmissionReason(StrEnum):
    """Why something is not in a figure."""

    UNPRICED = "unpriced"
    NEGATIVE = "negative"
    NO_RATE = "no_rate"
    NOT_RECURRING = "not_recurring"
    OPEN_ENDED = "open_ended"
    UNDATED = "undated"
    PAST_DUE = "past_due"
    OUTSIDE_PERIOD = "outside_period"
    NO_PROBABILITY = "no_probability"
    CALLED_OMITTED = "called_omitted"
    NO_CONVERSION = "no_conversion"
    CONVERTED = "converted"
    DUPLICATE = "duplicate"
    BAD_HISTORY = "bad_history"
    NO_HISTORY = "no_history"


_WORDS = {
    OmissionReason.UNPRICED: "without an amount",
    OmissionReason.NEGATIVE: "with a negative amount",
    OmissionReason.NO_RATE: "without an exchange rate",
    OmissionReason.NOT_RECURRING: "without recurring revenue",
    OmissionReason.OPEN_ENDED: "open-ended",
    OmissionReason.UNDATED: "without a date",
    OmissionReason.PAST_DUE: "past due",
    OmissionReason.OUTSIDE_PERIOD: "outside the period",
    OmissionReason.NO_PROBABILITY: "without a probability",
    OmissionReason.CALLED_OMITTED: "called omitted",
    OmissionReason.NO_CONVERSION: "without a conversion rate",
    OmissionReason.CONVERTED: "converted already",
    OmissionReason.DUPLICATE: "told twice",
    OmissionReason.BAD_HISTORY: "with a history that cannot be",
    OmissionReason.NO_HISTORY: "without any event",
}


# As a tuple: members of an enumeration class are gathered anew for each check.
REASONS = tuple(OmissionReason)
_to_reason = member(OmissionReason)


def _reason(value: OmissionReason | str) -> OmissionReason:
    return _to_reason(value)


@frozen
class Omission:
    """
    One thing that keeps a record out of a figure.

    Attributes:
        id: The deal's id (the lead's or prospect's in a potential).
        reason: An `OmissionReason` or its value.
        detail: The particulars in words.
    """

    id: str
    reason: OmissionReason = field(converter=_reason)
    detail: str = ""

    def __attrs_post_init__(self) -> None:
        check(
            "Omission",
            code("id", self.id),
            coded("reason", self.reason, REASONS),
            prose("detail", self.detail),
        )

    def __str__(self) -> str:
        return f"{self.id}: {self.detail or _WORDS[self.reason]}"


def in_order(omissions: Iterable[Omission]) -> tuple[Omission, ...]:
    """Return omissions by id, whatever the order in which they were found."""
    return tuple(sorted(omissions, key=lambda omission: (omission.id, omission.reason)))


def summary(omissions: Iterable[Omission]) -> tuple[str, ...]:
    """
    Return one line per reason with the count and the first few ids.

    >>> summary([Omission("O-2", "unpriced"), Omission("O-1", "unpriced"), Omission("O-1", "undated")])
    ('2 without an amount: O-1, O-2', '1 without a date: O-1')
    """
    found = in_order(omissions)
    lines = []
    for reason, words in _WORDS.items():
        ids = [omission.id for omission in found if omission.reason is reason]
        if ids:
            more = ", ..." if len(ids) > _NAMED else ""
            lines.append(f"{len(ids):,} {words}: {', '.join(ids[:_NAMED])}{more}")
    return tuple(lines)


Priced: TypeAlias = Money | Omission


def priced(id: str, amount: Money | None, *, to: str, on: date, rates: ExchangeRates | None) -> Priced:  # noqa: A002
    """
    Return an amount in the currency of a figure, unrounded, or why it cannot be had.

    Args:
        id: Whose amount it is.
        amount: The amount, if known.
        to: The figure's currency.
        on: The amount's own day, whose rate applies.
        rates: Where to look it up; None: only amounts in the figure's own currency have a price.
    """
    if amount is None:
        return Omission(id, OmissionReason.UNPRICED, "has no amount")
    if amount.amount < 0:
        return Omission(id, OmissionReason.NEGATIVE, f"has a negative amount, {amount}")
    if amount.currency == to:
        return amount
    if rates is None:
        detail = f"is in {amount.currency} and no exchange rates were given; pass rates=ExchangeRates(...)"
        return Omission(id, OmissionReason.NO_RATE, detail)
    try:
        return rates.convert(amount, to, on=on)
    except MissingRateError as error:
        return Omission(id, OmissionReason.NO_RATE, str(error))
