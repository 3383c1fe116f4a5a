"""
The potential of leads and prospects: what might come of those who have no deal yet.

Theory. A lead's estimated value is not revenue: how much of it turns into wins is the caller's to say, per level, and
is never guessed. A rate alone says nothing about when, so what it gives stands beside a forecast and is no part of it;
a `Conversion` knows times as well, and what it expects inside the period is counted there. Whatever lacks a value or a
conversion rate is listed, and so is who has waited longer than any win that the conversion knows. Each record is taken
as it was known at the as-of time. Who is disqualified, merged or withdrawn has no potential; who has become a prospect
or has a deal counts there, and is listed here as converted.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from attrs import frozen

from leadflow.errors import Problem, did_you_mean
from leadflow.forecasting.conversion import Conversion
from leadflow.forecasting.layout import figure, percent
from leadflow.forecasting.models import Estimate
from leadflow.forecasting.omissions import Omission, OmissionReason, in_order, priced, summary
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus
from leadflow.money import ExchangeRates, Money, round_all
from leadflow.prospect import Prospect
from leadflow.validation import instance, probability, unique

__all__ = ["Level", "Potential", "PotentialRow"]


class Level(StrEnum):
    """How far somebody without a deal has come."""

    LEAD = "lead"
    PROSPECT = "prospect"


_DEAD = frozenset({"disqualified", "merged", "withdrawn"})


@frozen(kw_only=True)
class PotentialRow:
    """
    What one lead or prospect might bring.

    Attributes:
        id: Of the lead or prospect.
        level: Which of the two it is.
        value: Its estimated value in the forecast's currency, unrounded.
        rate: The share of such value that the caller expects to be won, in [0, 1].
        expected: Value times rate, rounded so that rows add up to the total.
        in_period: The chance of a win inside the period; None where the caller gave no times.
    """

    id: str
    level: Level
    value: Money
    rate: float
    expected: Money
    in_period: Estimate | None = None


@frozen(kw_only=True)
class Potential:
    """
    What leads and prospects might bring, apart from any deal.

    Attributes:
        currency: Of every amount.
        rows: One per lead or prospect that counts, leads first, by id.
        omitted: Who is not in it, and why.
    """

    currency: str
    rows: tuple[PotentialRow, ...]
    omitted: tuple[Omission, ...]

    @property
    def total(self) -> Money:
        """What the rows add up to."""
        return self._sum(tuple(Level))

    @property
    def leads(self) -> Money:
        """The part of the leads."""
        return self._sum((Level.LEAD,))

    @property
    def prospects(self) -> Money:
        """The part of the prospects."""
        return self._sum((Level.PROSPECT,))

    def _sum(self, levels: tuple[Level, ...]) -> Money:
        zero = Money.zero(self.currency).round()
        return Money.total([zero, *(row.expected for row in self.rows if row.level in levels)])

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per lead or prospect that counts."""
        return [
            {
                "id": row.id,
                "level": row.level.value,
                "value": row.value,
                "rate": row.rate,
                "expected": row.expected,
                "p": None if row.in_period is None else row.in_period.p,
            }
            for row in self.rows
        ]

    def lines(self) -> tuple[str, ...]:
        """Return what people read, line by line; nothing when there was nobody to look at."""
        found = []
        for level, amount in ((Level.LEAD, self.leads), (Level.PROSPECT, self.prospects)):
            rates = [row.rate for row in self.rows if row.level is level]
            if rates:
                found.append(
                    f"{len(rates):,} {level}{'s' * (len(rates) != 1)} at {percent(rates[0])}: {figure(amount)}"
                )
        return (*found, *(f"left out: {line}" for line in summary(self.omitted)))


def potential(
    leads: tuple[Lead, ...],
    prospects: tuple[Prospect, ...],
    *,
    conversion: Mapping[str, float | Conversion],
    currency: str,
    rates: ExchangeRates | None,
    as_of: datetime,
    today: date,
    window: tuple[timedelta, timedelta],
) -> Potential:
    """Return the potential of leads and prospects as of a time; `forecast` says what the arguments mean."""
    counted: list[tuple[str, Level, Money, float, Estimate | None]] = []
    omitted: list[Omission] = []
    records: list[Lead | Prospect] = [*sorted(leads, key=_id), *sorted(prospects, key=_id)]
    for record in records:
        known = record.as_of(as_of)
        if known is None or not _is_live(known):
            continue
        level = Level.LEAD if isinstance(known, Lead) else Level.PROSPECT
        value = priced(known.id, known.estimated_value, to=currency, on=today, rates=rates)
        rate = conversion.get(level)
        converted = _converted(known)
        if converted is not None:
            omitted.append(converted)
            continue
        age = as_of.astimezone(UTC) - known.created_at.astimezone(UTC)
        lacking = _lacking(rate, level, age)
        if lacking is not None:
            omitted.append(Omission(known.id, OmissionReason.NO_CONVERSION, lacking))
        if isinstance(value, Omission):
            omitted.append(value)
        elif lacking is None and rate is not None:
            counted.append(
                (
                    known.id,
                    level,
                    value,
                    rate.rate if isinstance(rate, Conversion) else rate,
                    _inside(rate, age, window) if isinstance(rate, Conversion) else None,
                )
            )
    expected = round_all([value.times(rate) for _, _, value, rate, _ in counted])
    rows = tuple(
        PotentialRow(id=name, level=level, value=value, rate=rate, expected=share, in_period=estimate)
        for (name, level, value, rate, estimate), share in zip(counted, expected, strict=True)
    )
    return Potential(currency=currency, rows=rows, omitted=in_order(omitted))


def potential_problems(
    leads: tuple[object, ...], prospects: tuple[object, ...], conversion: object
) -> list[Problem | None]:
    """Say what is wrong with what the caller gave, if anything."""
    found = [
        *(instance(f"leads[{place}]", lead, Lead, "a Lead") for place, lead in enumerate(leads)),
        *(instance(f"prospects[{place}]", one, Prospect, "a Prospect") for place, one in enumerate(prospects)),
        unique("leads", [lead.id for lead in leads if isinstance(lead, Lead)]),
        unique("prospects", [prospect.id for prospect in prospects if isinstance(prospect, Prospect)]),
    ]
    if not isinstance(conversion, Mapping):
        return [*found, instance("conversion", conversion, Mapping, "a mapping from level to rate")]
    levels = [level.value for level in Level]
    for level, rate in conversion.items():
        if level in levels and isinstance(rate, Conversion):
            continue
        if level in levels:
            found.append(probability(f"conversion[{level!r}]", rate))
        else:
            found.append(Problem("conversion", f"has an unknown level, {level!r}{did_you_mean(str(level), levels)}"))
    return found


def _lacking(rate: float | Conversion | None, level: Level, age: timedelta) -> str | None:
    """Say why nothing is known of how often one of an age is won, if so."""
    if rate is None:
        return f"has no conversion rate; pass conversion={{{level.value!r}: ...}}"
    if isinstance(rate, Conversion) and not rate.covers(age):
        return f"is {age.days:,} days old, and no win beyond that age is known"
    return None


def _inside(conversion: Conversion, age: timedelta, window: tuple[timedelta, timedelta]) -> Estimate:
    """Return the chance of a win inside a window that begins and ends so much later."""
    start, end = (max(edge, timedelta(0)) for edge in window)
    by_end = conversion.won(end, age=age)
    if not start:
        return by_end
    p = max(0.0, by_end.p - conversion.won(start, age=age).p)
    return Estimate(p, by_end.n, None, by_end.why)


def _id(record: Lead | Prospect) -> str:
    return record.id


def _is_live(record: Lead | Prospect) -> bool:
    return record.status.value not in _DEAD


def _converted(record: Lead | Prospect) -> Omission | None:
    if isinstance(record, Lead):
        if record.status is not LeadStatus.QUALIFIED:
            return None
        return Omission(record.id, OmissionReason.CONVERTED, f"is qualified; prospect {record.prospect_id!r} counts")
    if not record.opportunity_ids:
        return None
    return Omission(record.id, OmissionReason.CONVERTED, f"has deals of its own: {', '.join(record.opportunity_ids)}")
