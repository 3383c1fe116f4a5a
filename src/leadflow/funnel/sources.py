"""
Sources: what brought them, what it cost, and what came of it.

Theory. A journey may have been touched by several sources, and which of them gets the credit is a convention: the
first, the last, or each an equal share. Whatever the convention, credit is only handed out: over all sources it adds up
to the number of journeys and of wins, and to the value won, to the cent. A journey without a source stands under None.
"""

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any

from attrs import frozen

from leadflow.currencies import currency_problem
from leadflow.errors import Problem
from leadflow.forecasting.layout import figure, percent, text_table
from leadflow.forecasting.omissions import Omission, in_order, priced, summary
from leadflow.funnel.counting import Funnel
from leadflow.funnel.journeys import WON, Journey
from leadflow.markup import section, table
from leadflow.money import ExchangeRates, Money
from leadflow.money.exact import QUOTIENT
from leadflow.validation import check, coded, instance, optional, text

__all__ = ["Attribution", "SourceReport", "SourceRow", "sources"]


class Attribution(StrEnum):
    """Which source gets the credit for a journey that several touched."""

    FIRST = "first"
    LAST = "last"
    LINEAR = "linear"


@frozen(kw_only=True)
class SourceRow:
    """
    What one source brought.

    Attributes:
        source: Its name; None: nothing is known to have brought them.
        journeys: How many journeys it gets credit for; with linear attribution not a whole number.
        won: How many wins.
        value: What was won, as far as that is known.
        cost: What was spent on it; None: it was not given.
        unvalued: How many of the wins have no value that is known; they are listed in the report's `omitted`.
    """

    source: str | None
    journeys: float
    won: float
    value: Money
    cost: Money | None
    unvalued: float = 0.0

    @property
    def rate(self) -> float | None:
        """Wins / journeys; None without a journey."""
        return self.won / self.journeys if self.journeys else None

    @property
    def cost_per_journey(self) -> Money | None:
        """Cost / journeys, rounded; None without cost or journeys."""
        return _per(self.cost, self.journeys)

    @property
    def cost_per_win(self) -> Money | None:
        """Cost / wins, rounded; None without cost or wins."""
        return _per(self.cost, self.won)

    @property
    def return_on_cost(self) -> float | None:
        """(value - cost) / cost; None without a cost, where nothing was spent, or where a win's value is not known."""
        if self.cost is None or not self.cost.amount or self.unvalued:
            return None
        return float(QUOTIENT.divide((self.value - self.cost).amount, self.cost.amount))


def _per(cost: Money | None, number: float) -> Money | None:
    if cost is None or not number:
        return None
    share = Fraction(number).limit_denominator(1_000_000)
    return (cost * share.denominator / share.numerator).round()


@frozen(kw_only=True)
class SourceReport:
    """
    What each source brought. Made by `sources`.

    Attributes:
        attribution: Who gets the credit.
        currency: Of values and costs.
        rows: The source with the most value first.
        omitted: Wins whose value is not known in the currency.
    """

    attribution: Attribution
    currency: str
    rows: tuple[SourceRow, ...]
    omitted: tuple[Omission, ...]

    def row(self, source: str | None) -> SourceRow:
        """
        Return the row of a source.

        Raises:
            InvalidError: If nothing is known of it.
        """
        found = next((row for row in self.rows if row.source == source), None)
        known = ", ".join(repr(row.source) for row in self.rows) or "none"
        check("SourceReport.row", None if found else Problem("source", f"must be one of {known}, got {source!r}"))
        assert found is not None
        return found

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per source."""
        return [
            {
                "source": row.source,
                "journeys": row.journeys,
                "won": row.won,
                "rate": row.rate,
                "value": row.value,
                "cost": row.cost,
                "cost_per_journey": row.cost_per_journey,
                "cost_per_win": row.cost_per_win,
                "return_on_cost": row.return_on_cost,
            }
            for row in self.rows
        ]

    def __str__(self) -> str:
        if not self.rows:
            return "no journeys"
        shown = [
            {
                "source": row.source,
                "journeys": f"{row.journeys:.4g}",
                "won": f"{row.won:.4g}",
                "rate": None if row.rate is None else percent(row.rate),
                f"value {self.currency}": figure(row.value),
                "cost": None if row.cost is None else figure(row.cost),
                "per win": None if row.cost_per_win is None else figure(row.cost_per_win),
                "return": None if row.return_on_cost is None else percent(row.return_on_cost),
            }
            for row in self.rows
        ]
        lines = text_table(shown, figures=list(shown[0])[1:])
        return "\n".join([*lines, *(f"value missing: {line}" for line in summary(self.omitted))])

    def _repr_html_(self) -> str:
        return section(f"sources, credit to the {self.attribution}", table(self.to_rows()))


def sources(
    counted: Funnel,
    *,
    currency: str,
    attribution: Attribution | str = Attribution.FIRST,
    costs: Mapping[str, Money] | None = None,
    rates: ExchangeRates | None = None,
) -> SourceReport:
    """
    Return what each source brought, cost and returned.

    Args:
        counted: The funnel whose journeys get credited.
        currency: Of values and costs.
        attribution: ``first``, ``last`` (of those before the win or the end) or ``linear``.
        costs: From a source's name to what was spent on it in the time that the journeys cover.
        rates: For values in other currencies, at the rate of the day of the win; for costs, of the day of the funnel.

    Raises:
        InvalidError: Naming everything that is wrong, costs that cannot be converted included.
    """
    spent: Mapping[str, Money] = {} if costs is None else costs
    named = spent.items() if isinstance(spent, Mapping) else ()
    check(
        "sources",
        instance("counted", counted, Funnel, "a Funnel"),
        currency_problem("currency", currency),
        coded("attribution", attribution, Attribution),
        instance("costs", spent, Mapping, "a mapping from names of sources to Money"),
        *(text(f"costs[{name!r}]", name) for name, _ in named),
        *(instance(f"costs[{name!r}]", cost, Money, "Money") for name, cost in named),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
    )
    today = counted.as_of.date()
    prices = {name: priced(f"source {name}", cost, to=currency, on=today, rates=rates) for name, cost in spent.items()}
    check(
        "sources",
        *(Problem(f"costs[{name!r}]", price.detail) for name, price in prices.items() if isinstance(price, Omission)),
    )
    model = Attribution(attribution)
    journeys: dict[str | None, Fraction] = defaultdict(Fraction)
    won: dict[str | None, Fraction] = defaultdict(Fraction)
    values: dict[str | None, list[Money]] = defaultdict(list)
    unvalued: dict[str | None, Fraction] = defaultdict(Fraction)
    omitted: list[Omission] = []
    for name in prices:
        journeys[name] += 0
    for journey in counted.journeys:
        credited = _credited(journey, model)
        share = Fraction(1, len(credited))
        is_won = journey.level == WON
        worth = _worth(journey, currency, rates) if is_won else None
        if isinstance(worth, Omission):
            omitted.append(worth)
            worth = None
            for source in credited:
                unvalued[source] += share
        parts = (None,) * len(credited) if worth is None else worth.round().split(len(credited))
        for source, part in zip(credited, parts, strict=True):
            journeys[source] += share
            won[source] += share if is_won else 0
            if part is not None:
                values[source].append(part)
    rows = [
        SourceRow(
            source=source,
            journeys=float(number),
            won=float(won[source]),
            value=Money.total(values[source], currency).round(),
            cost=None if source is None else _cost(prices.get(source)),
            unvalued=float(unvalued[source]),
        )
        for source, number in journeys.items()
    ]
    rows.sort(key=lambda row: (-row.value.amount, -row.journeys, row.source is None, row.source or ""))
    return SourceReport(attribution=model, currency=currency, rows=tuple(rows), omitted=in_order(omitted))


def _cost(price: Any) -> Money | None:  # noqa: ANN401 - a price that was found, or none
    return price.round() if isinstance(price, Money) else None


def _credited(journey: Journey, model: Attribution) -> tuple[str | None, ...]:
    end = journey.steps[-1].at if journey.level == WON else journey.out_at
    before = [source for source in journey.sources if end is None or source.at <= end]
    ordered = [source.name for source in sorted(before, key=lambda source: source.at)]
    if not ordered:
        return (None,)
    match model:
        case Attribution.FIRST:
            return (ordered[0],)
        case Attribution.LAST:
            return (ordered[-1],)
        case Attribution.LINEAR:
            return tuple(ordered)


def _worth(journey: Journey, currency: str, rates: ExchangeRates | None) -> Money | Omission:
    return priced(journey.id, journey.value, to=currency, on=journey.steps[-1].at.date(), rates=rates)
