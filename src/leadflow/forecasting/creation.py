"""
New business: what deals that do not exist yet will bring inside a window.

Theory. A good part of a period's wins comes from deals that are not there at its start, so a forecast of open deals
alone is too low. How much it is can be read from the past: for many windows of the same length that have closed, add
up what was both first known after the window's start and won before its end. Mean and variance over those windows are
the forecast for the next one. Windows overlap, so they count as no more than fit side by side; with few the variance is
drawn towards that of a compound Poisson process (wins come independently: the mean sum of squared amounts), and never
goes below it; the uncertainty of the mean itself is added.

A shorter window brings less, and not in proportion, since a deal needs time to be won: the mean grows with some power
of the length, which is read off the half window.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from math import fsum, log2, sqrt
from typing import Any

from attrs import frozen

from leadflow.calendar import FiscalCalendar
from leadflow.currencies import currency_problem
from leadflow.errors import Problem
from leadflow.forecasting.deals import DealState
from leadflow.forecasting.histories import DealHistory, History, histories_of
from leadflow.forecasting.layout import in_days, percent
from leadflow.forecasting.omissions import Omission, in_order, priced
from leadflow.money import ExchangeRates, Money
from leadflow.validation import (
    aware,
    check,
    each,
    finite,
    instance,
    invalid,
    optional,
    probability,
    prose,
    shown,
    to_instant,
    when,
    whole,
)

__all__ = ["Creation", "fit_creation"]

# A window counts as so many landmarks, unless the history is long.
_PER_WINDOW = 20
_MOST_LANDMARKS = 1_000
# What is known beforehand about the variance weighs as much as so many windows.
_PRIOR_WINDOWS = 4.0
_MOST_GROWTH = 3.0
_NOTHING = timedelta(0)


@frozen(kw_only=True)
class Creation:
    """
    What deals that do not exist yet bring inside a window.

    >>> from datetime import timedelta
    >>> new = Creation(mean=Money("40000", "EUR"), sd=12_000.0, window=timedelta(days=90), growth=2.0)
    >>> mean, variance = new.within(timedelta(days=45))
    >>> mean, variance == 12_000.0**2 / 4
    (10000.0, True)

    Attributes:
        mean: Expected in a whole window.
        sd: Standard deviation, in units of the currency.
        window: How long the window is.
        growth: With which power of the length mean and variance grow: 1 is in proportion; at least 1.
        n: How many past windows fit side by side into what it was read from; 0: it is an assumption.
        why: In words.
        omitted: Wins that could not be counted.
        wins: How many deals it is on average in a whole window. Where they are few, nothing at all is likely, and the
            distribution knows it. None: unknown; some new business is taken for certain.

    Raises:
        InvalidError: If a figure is out of range.
    """

    mean: Money
    sd: float
    window: timedelta
    growth: float = 1.0
    n: int = 0
    why: str = ""
    omitted: tuple[Omission, ...] = ()
    wins: float | None = None

    def __attrs_post_init__(self) -> None:
        check(
            "Creation",
            instance("mean", self.mean, Money, "Money"),
            when(
                isinstance(self.mean, Money) and self.mean.amount < 0, "mean", f"must not be negative, got {self.mean}"
            ),
            at_least("sd", self.sd),
            longer("window", self.window),
            at_least("growth", self.growth, 1),
            whole("n", self.n),
            prose("why", self.why),
            optional(at_least, "wins", self.wins),
            when(
                isinstance(self.mean, Money) and self.mean.amount == 0 and self.sd != 0,
                "sd",
                f"must be 0 when the mean is, got {self.sd!r}",
            ),
            *each("omitted", self.omitted, instance, Omission, "an Omission"),
        )

    @classmethod
    def poisson(
        cls, *, rate: float, won: float, size: Money, size_sd: float = 0.0, window: timedelta, why: str = ""
    ) -> "Creation":
        """
        Return new business as a compound Poisson process: so many new deals, some won in time, each worth something.

        >>> from datetime import timedelta
        >>> new = Creation.poisson(rate=30, won=0.2, size=Money("5000", "EUR"), window=timedelta(days=90))
        >>> str(new.mean), round(new.sd)
        ('30,000.00 EUR', 12247)

        Args:
            rate: New deals per window.
            won: Which share of them is won before the window ends, in [0, 1].
            size: Mean amount of those.
            size_sd: Standard deviation of that amount.
            window: How long the window is.
            why: In words.
        """
        check(
            "Creation.poisson",
            at_least("rate", rate),
            probability("won", won),
            instance("size", size, Money, "Money"),
            at_least("size_sd", size_sd),
        )
        wins = rate * won
        mean = float(size.amount)
        sd = sqrt(wins * (mean * mean + size_sd * size_sd))
        text = why or f"{rate:g} new deals, {percent(won)} won in time, {size} each"
        whole = money_of(wins * mean, size.currency)
        return cls(mean=whole, sd=sd if whole.amount else 0.0, window=window, why=text, wins=wins)

    def within(self, length: timedelta) -> tuple[float, float]:
        """Return mean and variance inside a window of another length, at least nothing, in units of the currency."""
        check("Creation.within", lasting("length", length))
        share = (length / self.window) ** self.growth
        return float(self.mean.amount) * share, self.sd * self.sd * share

    def wins_at(self, variance: float) -> float | None:
        """Return how many deals it is in a window of a variance, with which numbers grow; None: unknown."""
        return self.wins and self.wins * variance / (self.sd * self.sd) if self.sd else self.wins

    def between(self, start: timedelta, end: timedelta) -> tuple[float, float]:
        """
        Return mean and variance in a window that begins and ends so much later, of deals that do not exist now.

        Raises:
            InvalidError: If it begins before now, or ends before it begins.
        """
        wrong = (lasting("start", start), lasting("end", end))
        backward = not any(wrong) and end < start
        check("Creation.between", *wrong, when(backward, "end", f"must not be before start, {start!r}, got {end!r}"))
        (before, of_before), (by_end, of_end) = self.within(start), self.within(end)
        return by_end - before, of_end - of_before


def fit_creation(
    history: History,
    *,
    as_of: datetime,
    horizon: timedelta,
    currency: str,
    rates: ExchangeRates | None = None,
) -> Creation:
    """
    Read from a history what new deals bring inside a window.

    Args:
        history: Of deals (`DealHistory`) or opportunities. What was recorded after `as_of` is not used.
        as_of: Whose knowledge it is; aware. Its time zone says which day's exchange rate applies.
        horizon: The length of the window; longer than nothing.
        currency: Of the amounts.
        rates: For amounts in others, at the rate of the day on which each was won.

    Raises:
        InvalidError: If an argument is of no use, or the history is shorter than one window.
    """
    found = histories_of(
        "fit_creation",
        history,
        aware("as_of", as_of),
        longer("horizon", horizon),
        currency_problem("currency", currency),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
    )
    now = as_of.astimezone(UTC)
    first = min((to_instant(one.first_recorded_at) for one in found), default=now)
    span = now - first
    if span < horizon:
        rule = f"must reach back a whole window of {in_days(horizon)} from {as_of.isoformat()}"
        rule = f"{rule}, got {in_days(max(span, _NOTHING))}"
        raise invalid("fit_creation", Problem("history", rule))
    wins: list[tuple[datetime, datetime, float]] = []
    omitted: list[Omission] = []
    calendar = FiscalCalendar(as_of.tzinfo or UTC)
    for one in found:
        win = _win(one, as_of)
        if win is None:
            continue
        deal = one.as_of(as_of)
        worth = None if deal is None else deal.amount
        amount = priced(one.id, worth, to=currency, on=calendar.day_of(win), rates=rates)
        if isinstance(amount, Omission):
            omitted.append(amount)
        else:
            wins.append((to_instant(one.first_recorded_at), win, float(amount.amount)))
    sums, squares = _windows(wins, first, now, horizon)
    half, _ = _windows(wins, first, now, horizon / 2)
    mean, expected = fsum(sums) / len(sums), fsum(squares) / len(squares)
    n = span / horizon
    sample = fsum((one - mean) ** 2 for one in sums) / len(sums) * n / max(n - 1.0, 1.0)
    drawn = (sample * (n - 1.0) + expected * _PRIOR_WINDOWS) / (n - 1.0 + _PRIOR_WINDOWS)
    variance = max(drawn, expected) * (1.0 + 1.0 / n)
    mean_of_half = fsum(half) / len(half)
    growth = min(max(log2(mean / mean_of_half), 1.0), _MOST_GROWTH) if mean > 0 and mean_of_half > 0 else 1.0
    number = sum(won - known <= horizon for known, won, _ in wins)
    counts, _ = _windows([(known, won, 1.0) for known, won, _ in wins], first, now, horizon)
    rounded = money_of(mean, currency)
    return Creation(
        mean=rounded,
        sd=sqrt(variance) if rounded.amount else 0.0,
        window=horizon,
        growth=growth,
        n=int(n),
        why=f"{number:,} wins within {in_days(horizon)} of becoming known, in {int(n):,} windows side by side",
        omitted=in_order(omitted),
        wins=fsum(counts) / len(counts),
    )


def _win(history: DealHistory, as_of: datetime) -> datetime | None:
    """Return when a deal that stands as won was won."""
    path = history.spells(as_of)
    last = path[-1] if path else None
    return last.start if last is not None and last.state is DealState.WON else None


def _windows(
    wins: Sequence[tuple[datetime, datetime, float]], first: datetime, now: datetime, length: timedelta
) -> tuple[list[float], list[float]]:
    """Return for each landmark what was first known after it and won within the length, and the sum of squares."""
    every = max(length / _PER_WINDOW, (now - first) / _MOST_LANDMARKS)
    count = (now - length - first) // every + 1
    landmarks = [now - length - every * (count - 1 - place) for place in range(count)]
    rises, squares = [0.0] * (count + 1), [0.0] * (count + 1)
    for known, won, amount in wins:
        # Landmarks s with won - length <= s < known: one slice.
        begin, end = bisect_left(landmarks, won - length), bisect_left(landmarks, known)
        if begin < end:
            for rows, value in ((rises, amount), (squares, amount * amount)):
                rows[begin] += value
                rows[end] -= value
    # What is left of sums that rose and fell again is rounding.
    return [max(0.0, one) for one in accumulate(rises[:-1])], [max(0.0, one) for one in accumulate(squares[:-1])]


def money_of(number: float, currency: str) -> Money:
    """
    Return an amount that was calculated in floats, rounded to the currency's smallest unit.

    >>> money_of(1234.5678, "EUR")
    Money('1234.57', 'EUR')
    """
    return Money(Decimal(float.__repr__(number)), currency).round()


def at_least(path: str, value: object, least: float = 0) -> Problem | None:
    """Check for a finite number that is not below another."""
    found = finite(path, value)
    if found is not None:
        return found
    number: Any = value
    return None if number >= least else Problem(path, f"must be at least {least}, got {shown(value)}")


def lasting(path: str, value: object) -> Problem | None:
    """Check for a time of at least nothing."""
    if not isinstance(value, timedelta):
        return instance(path, value, timedelta, "a timedelta")
    return when(value < _NOTHING, path, f"must not be negative, got {value!r}")


def longer(path: str, value: object) -> Problem | None:
    """Check for a time longer than nothing."""
    if not isinstance(value, timedelta):
        return instance(path, value, timedelta, "a timedelta")
    return None if value > _NOTHING else Problem(path, f"must be longer than nothing, got {value!r}")
