"""
What a backtest found: forecasts beside what came, and what that says of the next one.

Theory. Each origin is a row: what was forecast of what was still to come, what came, and how good that was. Errors are
added up before they are divided (WAPE: sum of |error| over sum of actual), since a mean of percentages is ruled by the
smallest window. Coverage is hits of n with the 95 % interval by Wilson, because four of nine is not 44 %. Skill is 1 -
error over the baseline's error on the same origins; the best baseline is the one that leaves the least of it. A number
without such a companion is not shown.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from math import fsum
from typing import Any

from attrs import field, frozen

from leadflow.forecasting.layout import percent, text_table
from leadflow.forecasting.omissions import Omission, summary
from leadflow.forecasting.scores import wilson
from leadflow.markup import paragraph, section, table
from leadflow.money import Money
from leadflow.validation import check, probability, when, whole

__all__ = ["Backtest", "BacktestRow", "Coverage", "Skill"]

# Where the quantiles of a good forecast are looked at.
# An interval from nothing to twice what comes leaves everything open.
_TOO_WIDE = 2.0
_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@frozen
class Coverage:
    """
    How often something held that was claimed to hold with a chance.

    >>> print(Coverage(0.8, 4, 9))
    4 of 9 (44.44 %; 95 % interval 18.88 % to 73.33 %), claimed 80 %

    Attributes:
        level: The chance that was claimed.
        hits: How often it held.
        n: Out of how many; at least one.

    Raises:
        InvalidError: If a figure is out of range.
    """

    level: float
    hits: int
    n: int

    def __attrs_post_init__(self) -> None:
        found = [probability("level", self.level), whole("hits", self.hits), whole("n", self.n, 1)]
        more = not any(found) and self.hits > self.n
        check("Coverage", *found, when(more, "hits", f"must be at most n, got {self.hits!r} of {self.n!r}"))

    @property
    def rate(self) -> float:
        """Hits over n."""
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the rate by Wilson, as if windows were independent."""
        return wilson(self.hits, self.n)

    @property
    def is_off(self) -> bool:
        """Whether the level that was claimed lies outside of it."""
        low, high = self.interval
        return not low <= self.level <= high

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        low, high = self.interval
        row = {"level": self.level, "hits": self.hits, "n": self.n, "rate": self.rate}
        return {**row, "rate_low": low, "rate_high": high, "is_off": self.is_off}

    def __str__(self) -> str:
        low, high = map(percent, self.interval)
        rate = percent(self.rate)
        return f"{self.hits} of {self.n} ({rate}; 95 % interval {low} to {high}), claimed {percent(self.level)}"


@frozen
class Skill:
    """
    How a forecast did against a baseline, on the origins at which the baseline has data.

    Attributes:
        baseline: Its name.
        n: At how many origins it had data.
        wape: Of the forecast there; None when nothing was won.
        wape_of_baseline: Of the baseline; None when nothing was won.
        skill: 1 - sum of errors / sum of the baseline's errors: above 0 is better, 1 is perfect. None when the baseline
            had no data or made no error.
    """

    baseline: str
    n: int
    wape: float | None
    wape_of_baseline: float | None
    skill: float | None

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        return {
            "baseline": self.baseline,
            "n": self.n,
            "wape": self.wape,
            "wape_of_baseline": self.wape_of_baseline,
            "skill": self.skill,
        }


@frozen(kw_only=True)
class BacktestRow:
    """
    One origin. Amounts are in units of the backtest's currency and without what had been won before the origin.

    Attributes:
        origin: When the forecast was made.
        end: When its window closed.
        actual: What was won in between.
        forecast: What was forecast: a `Forecast`, or whatever `make_forecast` returned.
        mean: Its mean.
        low: Lower end of its interval; None: it was one number.
        high: Upper end.
        baselines: What each baseline said; None: it has no data.
        interval_score: Of the interval; None: it was one number.
        pinball: Mean over the quantiles at 10 %, 50 % and 90 %; None: it was one number.
        crps: Of the distribution; of one number the absolute error.
        rank: Where what came lies in the distribution, in [0, 1]; None: it was one number.
    """

    origin: datetime
    end: datetime
    actual: float
    forecast: Any = field(repr=False)
    mean: float
    low: float | None
    high: float | None
    baselines: Mapping[str, float | None]
    interval_score: float | None
    pinball: float | None
    crps: float
    rank: float | None

    @property
    def error(self) -> float:
        """Forecast less actual."""
        return self.mean - self.actual

    @property
    def is_hit(self) -> bool | None:
        """Whether what came lies in the interval; None without one."""
        return None if self.low is None or self.high is None else self.low <= self.actual <= self.high

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        return {
            "origin": self.origin.isoformat(),
            "end": self.end.isoformat(),
            "actual": self.actual,
            "mean": self.mean,
            "error": self.error,
            "low": self.low,
            "high": self.high,
            "is_hit": self.is_hit,
            **self.baselines,
            "interval_score": self.interval_score,
            "pinball": self.pinball,
            "crps": self.crps,
            "rank": self.rank,
        }


@frozen(kw_only=True)
class Backtest:
    """
    What `backtest` returns.

    Attributes:
        rows: One per origin, the earliest first.
        level: What the intervals claim to hold.
        currency: Of the amounts.
        baselines: Names, in the order in which they were given.
        omitted: Wins that are in no figure, since they have no amount or no exchange rate.
    """

    rows: tuple[BacktestRow, ...] = field(repr=False)
    level: float
    currency: str
    baselines: tuple[str, ...]
    omitted: tuple[Omission, ...] = field(repr=False)

    @property
    def n(self) -> int:
        """How many origins there are."""
        return len(self.rows)

    @property
    def pairs(self) -> tuple[tuple[Any, Money], ...]:
        """Forecasts with what was won in their whole period: what `fit_spread` learns from."""
        return tuple((row.forecast, _whole(row, self.currency)) for row in self.rows if hasattr(row.forecast, "won"))

    @property
    def wape(self) -> float | None:
        """Sum of absolute errors over the sum of what was won; None when nothing was won."""
        return _wape([(row.mean, row.actual) for row in self.rows])

    @property
    def bias(self) -> float | None:
        """What was forecast in all over what was won in all, less 1: above 0 is too much. None when nothing was won."""
        came = fsum(row.actual for row in self.rows)
        return fsum(row.mean for row in self.rows) / came - 1.0 if came else None

    @property
    def coverage(self) -> Coverage | None:
        """How many intervals held what came; None when none was given."""
        hits = [row.is_hit for row in self.rows if row.is_hit is not None]
        return Coverage(self.level, sum(hits), len(hits)) if hits else None

    @property
    def width(self) -> float | None:
        """Mean width of the intervals."""
        return _mean([row.high - row.low for row in self.rows if row.low is not None and row.high is not None])

    @property
    def interval_score(self) -> float | None:
        """Mean interval score: the width, and a fine for each miss; lower is better."""
        return _mean([row.interval_score for row in self.rows if row.interval_score is not None])

    @property
    def pinball(self) -> float | None:
        """Mean pinball loss at 10 %, 50 % and 90 %; lower is better."""
        return _mean([row.pinball for row in self.rows if row.pinball is not None])

    @property
    def crps(self) -> float:
        """Mean continuous ranked probability score; lower is better."""
        return fsum(row.crps for row in self.rows) / self.n

    @property
    def reliability(self) -> tuple[Coverage, ...]:
        """At five quantiles, how often no more came than they said."""
        ranks = [row.rank for row in self.rows if row.rank is not None]
        return tuple(Coverage(q, sum(rank <= q for rank in ranks), len(ranks)) for q in _LEVELS) if ranks else ()

    @property
    def skills(self) -> tuple[Skill, ...]:
        """Against each baseline."""
        return tuple(self._skill(name) for name in self.baselines)

    @property
    def best_baseline(self) -> Skill | None:
        """Against the baseline that leaves the least skill; None when none has data."""
        found = [one for one in self.skills if one.skill is not None]
        return min(found, key=lambda one: one.skill or 0.0, default=None)

    @property
    def skill(self) -> float | None:
        """Against the best baseline."""
        best = self.best_baseline
        return None if best is None else best.skill

    def _skill(self, name: str) -> Skill:
        beside = [(row, said) for row in self.rows if (said := row.baselines[name]) is not None]
        ours = [(row.mean, row.actual) for row, _ in beside]
        theirs = [(said, row.actual) for row, said in beside]
        error = _errors(theirs)
        skill = 1.0 - _errors(ours) / error if error else None
        return Skill(name, len(beside), _wape(ours), _wape(theirs), skill)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know before trusting forecasts like these."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterable[str]:
        best = self.best_baseline
        if best is not None and best.skill is not None and best.skill <= 0.0:
            figures = f"WAPE {_figure(best.wape)} against {_figure(best.wape_of_baseline)}"
            yield f"the forecast is no better than the baseline {best.baseline!r}: {figures}; use that instead"
        for one in self.skills:
            if one.n < self.n:
                missing = self.n - one.n
                yield f"the baseline {one.baseline!r} has no data at {missing} of {self.n} origins"
        coverage = self.coverage
        if coverage is not None and coverage.is_off:
            yield f"the intervals do not hold what they claim: {coverage}"
        apart = _apart(self.rows)
        if apart < self.n:
            yield (
                f"windows overlap: {self.n} origins are worth about {apart} windows side by side, and the intervals of "
                "rates are too narrow"
            )
        wide = self.width is not None and self.width > _TOO_WIDE * fsum(abs(row.actual) for row in self.rows) / self.n
        if wide and any(row.actual for row in self.rows):
            yield (
                f"the intervals say little: {_amount(self.width)} wide on average, which is more than twice what came; "
                "that they hold is no merit"
            )
        if self.omitted and not any(row.actual for row in self.rows):
            yield "no win has an amount that can be counted: errors have nothing to be measured by"
        elif not any(row.actual for row in self.rows):
            yield "nothing was won in any window: errors have nothing to be measured by"
        for line in summary(self.omitted):
            yield f"won, but not counted: {line}"

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per origin."""
        return [row.to_row() for row in self.rows]

    def _title(self) -> str:
        first, last = self.rows[0].origin, self.rows[-1].origin
        of = f"{self.n} origins from {first:%Y-%m-%d} to {last:%Y-%m-%d}" if self.n > 1 else f"origin {first:%Y-%m-%d}"
        return f"Backtest, {of}, in {self.currency}"

    def _figures(self) -> list[dict[str, object]]:
        best = self.best_baseline
        named = f"skill against {best.baseline!r}" if best is not None else "skill"
        figures: list[tuple[str, object]] = [
            ("WAPE", _figure(self.wape)),
            ("bias", _figure(self.bias)),
            (named, _figure(self.skill)),
            (f"{percent(self.level)} intervals that held", self.coverage),
            ("mean width", _amount(self.width)),
            ("mean interval score", _amount(self.interval_score)),
            ("mean pinball loss", _amount(self.pinball)),
            ("mean CRPS", _amount(self.crps)),
        ]
        return [{"": name, "figure": value} for name, value in figures if value is not None]

    def _table(self) -> list[dict[str, object]]:
        return [
            {
                "origin": f"{row.origin:%Y-%m-%d %H:%M}",
                "actual": _amount(row.actual),
                "forecast": _amount(row.mean),
                "from": _amount(row.low),
                "to": _amount(row.high),
                **{name: _amount(said) for name, said in row.baselines.items()},
            }
            for row in self.rows
        ]

    def __str__(self) -> str:
        rows = self._table()
        lines = [self._title(), *text_table(self._figures(), figures=[])[1:], *text_table(rows, figures=list(rows[0]))]
        return "\n".join([*lines, *(f"warning: {line}" for line in self.warnings)])

    def _repr_html_(self) -> str:
        return section(self._title(), table(self._figures()), table(self._table()), *map(paragraph, self.warnings))


def _whole(row: BacktestRow, currency: str) -> Money:
    """Return what was won in the forecast's period, with what had been won before the origin."""
    before: Money = row.forecast.won
    return Money(str(row.actual), currency) + before


def _errors(pairs: Iterable[tuple[float, float]]) -> float:
    return fsum(abs(said - came) for said, came in pairs)


def _wape(pairs: list[tuple[float, float]]) -> float | None:
    came = fsum(came for _, came in pairs)
    return _errors(pairs) / came if came else None


def _mean(values: list[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _apart(rows: tuple[BacktestRow, ...]) -> int:
    """Return how many windows fit side by side."""
    inside = timedelta(0)
    for row, after in pairwise(rows):
        inside += min(row.end, after.origin) - row.origin
    inside += rows[-1].end - rows[-1].origin
    longest = max(row.end - row.origin for row in rows)
    return min(len(rows), round(inside / longest)) if longest else len(rows)


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _amount(value: float | None) -> str | None:
    return None if value is None else f"{value:,.0f}"
