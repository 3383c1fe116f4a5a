"""
Why two forecasts of one period differ, by cause and by deal; adds up exactly.

Theory. `causes` says what each cause did to each deal, as exact fractions that add up to what the deal's part of the
mean changed by. Here they are made into money: each cause's effect over all deals is rounded so that effects add up to
the difference of the two means as shown, and then shared out over the deals. So rows, columns and the whole add up to
the last cent, and the same question asked the other way round has the same answer, negated.
"""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.currencies import EXPONENTS
from leadflow.errors import Problem, UnknownNameError
from leadflow.forecasting.causes import FACTORS, NOTHING, OF_DEALS, Factor, Side, effects_of, spread
from leadflow.forecasting.forecast import Forecast
from leadflow.forecasting.layout import shown, text_table
from leadflow.markup import section, table
from leadflow.money import Money
from leadflow.money.exact import WIDE
from leadflow.validation import check, instance

__all__ = ["DealEffect", "Effect", "Explanation", "explain"]

# A printed explanation shows so many deals, the largest changes first; to_rows() has all of them.
_SHOWN = 10


@frozen
class Effect:
    """
    What one factor did.

    Attributes:
        factor: Which.
        amount: By how much it raised the mean; below zero where it lowered it.
        deals: In how many deals.
    """

    factor: Factor
    amount: Money
    deals: int


@frozen
class DealEffect:
    """
    What happened to one deal's part of the mean.

    Attributes:
        id: The deal's id.
        amounts: One per factor of deals, in the order of `Factor`, the rest aside.
    """

    id: str
    amounts: tuple[Money, ...]

    @property
    def change(self) -> Money:
        """All factors together."""
        return Money.total(self.amounts)

    def __getitem__(self, factor: Factor | str) -> Money:
        """Return the effect of one factor, by its name."""
        if factor not in OF_DEALS:  # members are equal to their values
            raise UnknownNameError("a deal's explanation", "factor", factor, OF_DEALS)
        return self.amounts[OF_DEALS.index(factor)]

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        named = zip((factor.value for factor in OF_DEALS), self.amounts, strict=True)
        return {"id": self.id, **dict(named), "change": self.change}


@frozen(kw_only=True)
class Explanation:
    """
    What `explain` returns.

    Attributes:
        period: Of both forecasts.
        currency: Of every amount.
        since: The as-of time of the one forecast.
        until: That of the other.
        start: The mean of the one.
        end: The mean of the other.
        effects: One per factor, in the order of `Factor`; they add up to the change.
        deals: One per deal that changed, by id; each column adds up to its factor's effect.
    """

    period: Period
    currency: str
    since: datetime
    until: datetime
    start: Money
    end: Money
    effects: tuple[Effect, ...]
    deals: tuple[DealEffect, ...] = field(repr=False)

    @property
    def change(self) -> Money:
        """By how much the mean rose."""
        return self.end - self.start

    def __getitem__(self, factor: Factor | str) -> Money:
        """Return the effect of one factor, by its name: ``result["timing"]``."""
        if factor not in FACTORS:  # members are equal to their values
            raise UnknownNameError("an explanation", "factor", factor, FACTORS)
        return self.effects[FACTORS.index(factor)].amount

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per deal that changed, the largest change first: its id, an amount per factor, the change."""
        return [one.to_row() for one in self._by_size()]

    def _by_size(self) -> list[DealEffect]:
        return sorted(self.deals, key=lambda one: (one.change.amount.copy_abs().copy_negate(), one.id))

    def _title(self) -> str:
        times = f"from {self.since.isoformat()} to {self.until.isoformat()}"
        return f"Forecast of {self.period}, {times}, in {self.currency}"

    def _tables(self) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        bars = [
            ("start", self.start, None),
            *(
                (one.factor.value.replace("_", " or "), one.amount, one.deals or None)
                for one in self.effects
                if one.amount.amount or one.deals
            ),
            ("end", self.end, None),
        ]
        causes: list[dict[str, object]] = [{"": name, "amount": amount, "deals": deals} for name, amount, deals in bars]
        moved = [one.factor.value for one in self.effects[:-1] if one.deals]
        largest = [{name: row[name] for name in ("id", *moved, "change")} for row in self.to_rows()[:_SHOWN]]
        return causes, largest

    def __str__(self) -> str:
        causes, largest = self._tables()
        lines = [self._title(), *text_table(causes, figures=["amount", "deals"])]
        if largest:
            lines += text_table(largest, figures=[name for name in largest[0] if name != "id"])
        more = len(self.deals) - _SHOWN
        return "\n".join([*lines, *([f"and {more:,} more"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        tables = [table({name: shown(row[name]) for name in row} for row in rows) for rows in self._tables() if rows]
        return section(self._title(), *tables)


def explain(f0: Forecast, f1: Forecast) -> Explanation:
    """
    Say why the mean of one forecast differs from that of another.

    >>> from datetime import UTC, date
    >>> from leadflow import pipelines
    >>> from leadflow.calendar import FiscalCalendar
    >>> from leadflow.forecasting import Deal, StageTable, forecast
    >>> def of(day, amount, stage):
    ...     return forecast(
    ...         [Deal("O-1", state="open", amount=Money(amount, "EUR"), stage=stage, expected_close=date(2026, 3, 31))],
    ...         model=StageTable(pipelines.SIMPLE),
    ...         period=FiscalCalendar(UTC).quarter(2026, 1),
    ...         as_of=datetime(2026, 3, day, tzinfo=UTC),
    ...         currency="EUR",
    ...     )
    >>> print(explain(of(2, "1000", "qualified"), of(6, "1500", "proposal")))
    Forecast of FY2026 Q1, from 2026-03-02T00:00:00+00:00 to 2026-03-06T00:00:00+00:00, in EUR
                 amount  deals
    start        200.00      -
    amount       150.00      1
    probability  250.00      1
    end          600.00      -
    id   amount  probability  change
    O-1  150.00       250.00  400.00

    Where a rate that the mixture of two states needs is missing, the effect of the currency is in that of the amount.

    Args:
        f0: The one forecast; usually the earlier.
        f1: The other, of the same period and currency. Their models are asked again, about mixtures of the two states.

    Raises:
        InvalidError: If one is no forecast, or they are not of the same period and currency.
    """
    pair: tuple[Any, Any] = (f0, f1)
    check("explain", *(instance(f"f{n}", one, Forecast, "a Forecast") for n, one in enumerate(pair)))
    check("explain", _differing("period", f0.period, f1.period), _differing("currency", f0.currency, f1.currency))
    sides = (Side.of(f0), Side.of(f1))
    found: dict[str, dict[Factor, Fraction]] = {}
    for name in sorted(sides[0].deals.keys() | sides[1].deals.keys()):
        effects = {factor: effect for factor, effect in effects_of(name, *sides).items() if effect}
        if effects:
            found[name] = effects
    # In whole units from here on.
    scale = 10 ** EXPONENTS[f0.currency]
    columns = {
        factor: {name: scale * each[factor] for name, each in found.items() if factor in each} for factor in OF_DEALS
    }
    parts = [Money.total((one.expected for one in each.contributions()), each.currency) for each in (f0, f1)]
    by_deals = _units(parts[1] - parts[0], scale)
    totals = spread([*(sum(columns[factor].values(), NOTHING) for factor in OF_DEALS), NOTHING], by_deals)
    totals[-1] += _units(f1.mean - f0.mean, scale) - by_deals
    shares = {
        factor: dict(zip(column, spread(list(column.values()), total), strict=True))
        for (factor, column), total in zip(columns.items(), totals, strict=False)
    }

    def money(units: int) -> Money:
        return Money(WIDE.scaleb(Decimal(units), -EXPONENTS[f0.currency]), f0.currency)

    counts = [*(len(column) for column in columns.values()), 0]
    return Explanation(
        period=f0.period,
        currency=f0.currency,
        since=f0.as_of,
        until=f1.as_of,
        start=f0.mean,
        end=f1.mean,
        effects=tuple(
            Effect(factor, money(total), count) for factor, total, count in zip(FACTORS, totals, counts, strict=True)
        ),
        deals=tuple(
            DealEffect(name, tuple(money(shares[factor].get(name, 0)) for factor in OF_DEALS)) for name in found
        ),
    )


def _differing(path: str, one: object, other: object) -> Problem | None:
    return None if one == other else Problem("f1", f"must be of the same {path}, got {one!s} and {other!s}")


def _units(money: Money, scale: int) -> int:
    return int(Fraction(money.amount) * scale)
