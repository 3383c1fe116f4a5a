"""
The past: what there was to know at an origin, and the window that a forecast made there is about.

Theory. A backtest is worth nothing if a forecast can see what came of it, and a rule that asks everybody to look away
is not kept. So a forecast is handed a `Past`: histories from which everything recorded or retracted after the origin
has been cut off. There is nothing in it to look ahead at. The window is (origin, end]: so many days, or the rest of the
month, quarter or year that the origin lies in. What was won in a window is told the same way for the truth, for
baselines and for learning: by when it happened, still standing as won at the window's end, by what is known to whoever
looks back; void and withdrawn deals never count.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from leadflow.calendar import FiscalCalendar, Period, PeriodKind
from leadflow.currencies import currency_problem
from leadflow.errors import LookAheadError, Problem
from leadflow.forecasting.deals import Deal, DealState
from leadflow.forecasting.histories import DealHistory, History, histories_of
from leadflow.forecasting.landmarks import counts
from leadflow.forecasting.omissions import Omission, in_order, priced
from leadflow.money import ExchangeRates, Money
from leadflow.validation import aware, check, each, instance, optional, shown, to_instant

__all__ = ["Horizon", "MakeForecast", "Past", "Window", "horizon_problem", "known_by", "origin_problems", "window_at"]

Horizon: TypeAlias = timedelta | Callable[[datetime], Period]
# Asked with what was known at an origin, and the origin; answers with a `Forecast`, with anything that has a mean and
# a method quantile, with one amount, or, where it has no data, with None.
MakeForecast: TypeAlias = Callable[["Past", datetime], Any]

_DAY = timedelta(days=1)
_NOTHING = timedelta(0)
# So many weeks are a year in which every weekday has its like.
_SEASON = timedelta(weeks=52)
_PER_YEAR = {PeriodKind.MONTH: 12, PeriodKind.QUARTER: 4, PeriodKind.YEAR: 1}


@frozen
class Window:
    """
    The time that a forecast is about: after `start`, up to and including `end`.

    Attributes:
        start: The moment at which the forecast is made.
        end: When its period is over.
        period: The days of it, for `forecast`.
        is_rolling: Whether it is a number of days from the start, rather than the rest of a calendar period.
    """

    start: datetime
    end: datetime
    period: Period
    is_rolling: bool

    def before(self, windows: int) -> tuple[datetime, datetime]:
        """Return start and end of the window that lies so many back: the same part of it, where it is a part."""
        if self.is_rolling:
            back = windows * (self.end - self.start)
            return self.start - back, self.end - back
        period = self.period
        for _ in range(windows):
            period = period.previous()
        return self._part(period)

    def last_season(self) -> tuple[datetime, datetime]:
        """Return start and end of the window a year earlier: 52 weeks, or twelve months, four quarters, one year."""
        if self.period.kind in _PER_YEAR:
            return self.before(_PER_YEAR[self.period.kind])
        return self.start - _SEASON, self.end - _SEASON

    def _part(self, period: Period) -> tuple[datetime, datetime]:
        start, end = (moment.astimezone(UTC) for moment in (period.start, period.end))
        return min(start + (self.start - self.period.start.astimezone(UTC)), end), end


def window_at(origin: datetime, horizon: Horizon) -> Window:
    """
    Return the window of a forecast made at an origin.

    Raises:
        InvalidError: If the origin is naive, or the function for the horizon returns no period around it.
    """
    check("window_at", aware("origin", origin))
    start = origin.astimezone(UTC)
    if isinstance(horizon, timedelta):
        # Days of a period begin at midnight. In a zone whose midnight is the origin, the window is a run of whole days.
        into = timedelta(hours=start.hour, minutes=start.minute, seconds=start.second, microseconds=start.microsecond)
        books = FiscalCalendar(timezone(-into if into <= _DAY / 2 else _DAY - into))
        first = books.day_of(start)
        period = books.period(first, first + (horizon - _DAY))
        return Window(start, start + horizon, period, is_rolling=True)
    period = horizon(origin)
    if not isinstance(period, Period) or origin not in period:
        rule = f"must return the Period around {origin.isoformat()}, got {shown(period)}"
        check("window_at", Problem("horizon", rule))
    return Window(start, period.end.astimezone(UTC), period, is_rolling=False)


def horizon_problem(horizon: object) -> Problem | None:
    """Say what keeps something from being a horizon."""
    if not isinstance(horizon, timedelta):
        if callable(horizon):
            return None
        rule = f"must be a timedelta, or a function such as calendar.month_of, got {shown(horizon)}"
        return Problem("horizon", rule, is_type=True)
    if horizon <= _NOTHING or horizon % _DAY:
        return Problem("horizon", f"must be a number of whole days, at least one, got {horizon!r}")
    return None


def origin_problems(listed: object) -> list[Problem | None]:
    """Say what is wrong with a choice of origins."""
    if not isinstance(listed, tuple):
        return [Problem("origins", f"must be several datetimes, got {shown(listed)}", is_type=True)]
    found: list[Problem | None] = [*each("origins", listed, aware)]
    if not listed:
        found.append(Problem("origins", "must hold at least one"))
    if not any(found):
        twice = [origin for origin, times in Counter(listed).items() if times > 1]
        if twice:
            found.append(Problem("origins", f"must not repeat, got {twice[0].isoformat()} more than once"))
    return found


@frozen(kw_only=True)
class Past:
    """
    What was known at an origin: an iterable of histories, to be passed as `history`, that ends there.

    Attributes:
        as_of: The origin.
        window: What the forecast is to be about.
        currency: Of amounts.
        rates: Exchange rates, if any.
        histories: By id, without anything that was recorded later.
    """

    as_of: datetime
    window: Window
    currency: str
    rates: ExchangeRates | None = field(repr=False)
    histories: tuple[DealHistory, ...] = field(repr=False)
    # What was known earlier still and what was forecast then, for those who ask about many origins in turn.
    _earlier: "dict[Window, Past]" = field(factory=dict, eq=False, repr=False, alias="_earlier")
    _made: dict[MakeForecast, Any] = field(factory=dict, eq=False, repr=False, init=False)

    @classmethod
    def of(
        cls,
        history: History,
        *,
        as_of: datetime,
        horizon: Horizon,
        currency: str,
        rates: ExchangeRates | None = None,
    ) -> "Past":
        """
        Return what is known now, for the forecast that is made now as those of a backtest were.

        Args:
            history: An iterable of `DealHistory` or `Opportunity`.
            as_of: Now; aware.
            horizon: As for `backtest`.
            currency: Of the amounts, ISO 4217.
            rates: Exchange rates, for amounts in others.

        Raises:
            InvalidError: With every argument that is wrong.
        """
        found = histories_of(
            "Past.of",
            history,
            aware("as_of", as_of),
            horizon_problem(horizon),
            currency_problem("currency", currency),
            optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
        )
        window = window_at(as_of, horizon)
        cut = known_by(found, window.start)
        return cls(as_of=window.start, window=window, currency=currency, rates=rates, histories=cut)

    def at(self, window: Window) -> "Past":
        """
        Return what was known at the start of an earlier window.

        Raises:
            LookAheadError: If that lies after this origin.
        """
        if window.start > self.as_of:
            raise LookAheadError("the past", window.start.isoformat(), self.as_of.isoformat())
        if window not in self._earlier:
            self._earlier[window] = evolve(
                self, as_of=window.start, window=window, histories=known_by(self.histories, window.start)
            )
        return self._earlier[window]

    def forecast(self, make_forecast: MakeForecast) -> Any:  # noqa: ANN401 - whatever it returns
        """Return what is forecast with this knowledge; asked once."""
        if make_forecast not in self._made:
            try:
                self._made[make_forecast] = make_forecast(self, self.as_of)
            except Exception as error:
                error.add_note(f"raised at the origin {self.as_of.isoformat()}")
                raise
        return self._made[make_forecast]

    def __iter__(self) -> Iterator[DealHistory]:
        return iter(self.histories)

    def __len__(self) -> int:
        return len(self.histories)

    @property
    def period(self) -> Period:
        """The period to forecast; of a number of days it begins at the origin."""
        return self.window.period

    @property
    def horizon(self) -> timedelta:
        """How long it is until the period is over."""
        return self.window.end - self.window.start

    @cached_property
    def deals(self) -> tuple[Deal, ...]:
        """The deals as they were known."""
        found = (one.as_of(self.as_of) for one in self.histories)
        return tuple(deal for deal in found if deal is not None)

    @cached_property
    def first_recorded_at(self) -> datetime | None:
        """When recording began; None when nothing is known yet."""
        return min((to_instant(one.first_recorded_at) for one in self.histories), default=None)

    def won(self, start: datetime, end: datetime) -> float:
        """Return what was won after a start, up to and including an end, in units of the currency."""
        moments, wins, _ = self._wins
        inside = wins[bisect_right(moments, start) : bisect_right(moments, end)]
        return sum(amount for until, amount in inside if until is None or until > end)

    @property
    def unpriced(self) -> tuple[Omission, ...]:
        """Wins that are in no figure, since they have no amount or no exchange rate."""
        return self._wins[2]

    @cached_property
    def _wins(self) -> tuple[list[datetime], list[tuple[datetime | None, float]], tuple[Omission, ...]]:
        found: list[tuple[datetime, datetime | None, float]] = []
        omitted: list[Omission] = []
        for one in self.histories:
            path = one.spells(self.as_of)
            if not counts(path):
                continue
            deal: Any = one.as_of(self.as_of)
            for spell in path:
                if spell.state is not DealState.WON or spell.start is None:
                    continue
                on = self._day_of(spell.start)
                amount = priced(one.id, deal.amount, to=self.currency, on=on, rates=self.rates)
                if isinstance(amount, Money):
                    found.append((to_instant(spell.start), spell.end, float(amount.amount)))
                else:
                    omitted.append(amount)
        found.sort(key=lambda win: win[0])
        return [win[0] for win in found], [win[1:] for win in found], in_order(omitted)

    def _day_of(self, moment: datetime) -> date:
        return self.window.period.calendar.day_of(moment)


def known_by(histories: Iterable[DealHistory], t: datetime) -> tuple[DealHistory, ...]:
    """Return histories as they were at a time; those of which nothing was known are left out."""
    cut = (one.known_by(t) for one in histories)
    return tuple(one for one in cut if one is not None)
