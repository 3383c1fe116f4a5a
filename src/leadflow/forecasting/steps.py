"""
The way of a deal between two times, seen from the open pipeline of a period.

Theory. At each time a deal is in one place: inside the pipeline of the period, elsewhere in the pipeline, won, lost,
away (withdrawn, void, omitted), or absent. Where it was and where it is say how it came in and how it went out; what it
was worth and is worth say how it changed in between. A deal that is closed now and was not so before has passed through
the pipeline if it closed in the period (a lost one: if it was expected there).
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from attrs import field, frozen

from leadflow.calendar import Period
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.omissions import Omission, OmissionReason, priced
from leadflow.money import ExchangeRates
from leadflow.money.exact import WIDE, ZERO
from leadflow.stage import ForecastCategory

__all__ = ["Bucket"]


class Bucket(StrEnum):
    """
    What happened to a deal, seen from the open pipeline of one period; in the order of a waterfall.

    - start, end: it was, or is, open and expected to close in the period.
    - created: it came in, and was not among the deals before.
    - pulled_in: it came in, and was open before, expected in another period or without a date.
    - reopened: it came in, and was won, lost, withdrawn or called omitted before.
    - increased, decreased: its own amount changed, or became known or unknown, while it was in; converted as before.
    - currency: the rate by which it is converted changed.
    - pushed_out: it went out, and is open, expected in another period (also an earlier one) or without a date.
    - won: it went out because it was won, whenever that was.
    - lost: it went out because it was lost, whenever that was.
    - removed: it went out, and is withdrawn, void (a duplicate, say), called omitted, or not among the deals any more.
    """

    START = "start"
    CREATED = "created"
    PULLED_IN = "pulled_in"
    REOPENED = "reopened"
    INCREASED = "increased"
    DECREASED = "decreased"
    CURRENCY = "currency"
    PUSHED_OUT = "pushed_out"
    WON = "won"
    LOST = "lost"
    REMOVED = "removed"
    END = "end"


BUCKETS = tuple(Bucket)


class _Place(StrEnum):
    """Where a deal is, seen from the open pipeline of the period."""

    ABSENT = "absent"
    AWAY = "away"
    ELSEWHERE = "elsewhere"
    WON = "won"
    LOST = "lost"
    INSIDE = "inside"


# How a deal that was there before comes in, and how one that is there after has gone out.
_COMES: Mapping[str, Bucket] = {
    _Place.ABSENT: Bucket.CREATED,
    _Place.ELSEWHERE: Bucket.PULLED_IN,
    _Place.AWAY: Bucket.REOPENED,
    _Place.WON: Bucket.REOPENED,
    _Place.LOST: Bucket.REOPENED,
}
_GOES: Mapping[str, Bucket] = {
    _Place.ABSENT: Bucket.REMOVED,
    _Place.ELSEWHERE: Bucket.PUSHED_OUT,
    _Place.AWAY: Bucket.REMOVED,
    _Place.WON: Bucket.WON,
    _Place.LOST: Bucket.LOST,
}
_CLOSED = (_Place.WON, _Place.LOST)


@frozen
class _Seen:
    """
    A deal at one time.

    Attributes:
        deal: The deal; None where it was not known.
        place: Where it is.
        counts: Whether the period is its own: it is inside, or closed and to be counted there.
    """

    deal: Deal | None
    place: _Place
    counts: bool = False

    @property
    def is_inside(self) -> bool:
        """Whether it is in the pipeline of the period."""
        return self.place is _Place.INSIDE


_ABSENT = _Seen(None, _Place.ABSENT)


@frozen(kw_only=True)
class View:
    """
    One of the two times, and how deals look from there.

    Attributes:
        period: Whose pipeline it is.
        currency: Of the values.
        rates: For amounts in others.
        today: The day of that time; None when nothing needs it.
        omitted: What is missing in its figures, as far as deals have been looked at.
    """

    period: Period
    currency: str
    rates: ExchangeRates | None
    today: date | None
    omitted: list[Omission] = field(factory=list, init=False)

    def of(self, deal: Deal | None) -> _Seen:
        """Return where a deal is."""
        if deal is None:
            return _ABSENT
        if deal.is_open:
            return self._of_open(deal)
        if deal.is_void:
            return _Seen(deal, _Place.AWAY)
        closed = deal.day(self.period.calendar)
        if deal.is_won:
            return _Seen(deal, _Place.WON, self._holds(closed))
        return _Seen(deal, _Place.LOST, self._holds(closed if deal.expected_close is None else deal.expected_close))

    def _of_open(self, deal: Deal) -> _Seen:
        if deal.forecast_category is ForecastCategory.OMITTED:
            return _Seen(deal, _Place.AWAY)
        if deal.expected_close is None:
            self.omitted.append(Omission(deal.id, OmissionReason.UNDATED, "has no expected close date"))
        inside = self._holds(deal.expected_close)
        return _Seen(deal, _Place.INSIDE if inside else _Place.ELSEWHERE, inside)

    def _holds(self, day: date | None) -> bool:
        return day is not None and self.period.first_day <= day <= self.period.last_day

    def value(self, seen: _Seen, *, missed: bool) -> Decimal | None:
        """Return what a deal is worth, or None; where it is `missed` in a figure, that is listed."""
        found = self._priced(seen, seen) if seen.deal is not None else None
        if isinstance(found, Omission):
            if missed:
                self.omitted.append(found)
            return None
        return found

    def worth_then(self, amount_of: _Seen, day_of: _Seen) -> Decimal | None:
        """Return what the amount of one deal is worth at the rate of another's day; None when that is unknown."""
        found = self._priced(amount_of, day_of)
        return None if isinstance(found, Omission) else found

    def _priced(self, amount_of: _Seen, day_of: _Seen) -> Decimal | Omission:
        deal, dated = amount_of.deal, day_of.deal
        assert deal is not None
        assert dated is not None
        if deal.amount is None or deal.amount.currency == self.currency or self.rates is None or self.today is None:
            on = date.min  # of no consequence
        else:
            day = dated.day(self.period.calendar)
            on = self.today if day is None else min(day, self.today)
        found = priced(deal.id, deal.amount, to=self.currency, on=on, rates=self.rates)
        return found if isinstance(found, Omission) else found.amount


@frozen
class Steps:
    """
    The steps of all deals, gathered by bucket.

    Attributes:
        before: The earlier time.
        after: The later one.
        found: Per bucket the ids and the amounts, as far as deals have been added. In two lists rather than in pairs:
            a hundred thousand small objects that stay make the garbage collector walk all of them again and again.
    """

    before: View
    after: View
    found: Mapping[Bucket, tuple[list[str], list[Decimal]]] = field(
        factory=lambda: {bucket: ([], []) for bucket in BUCKETS}, init=False
    )

    def add(self, old: Deal | None, new: Deal | None) -> None:
        """Add a deal as it was and as it is; one of the two may not have been known."""
        was, now = self.before.of(old), self.after.of(new)
        passed = now.counts and now.place in _CLOSED and not was.is_inside and _is_news(was, now)
        if was.is_inside or now.is_inside or passed:
            known = old or new
            assert known is not None
            self._go(known.id, was, now, passed=passed)

    def _go(self, name: str, was: _Seen, now: _Seen, *, passed: bool) -> None:
        old = self.before.value(was, missed=was.is_inside)
        new = self.after.value(now, missed=now.is_inside or passed)
        if old is None and new is None:
            return
        # Who comes in does so with what it was worth; who goes out, with what it is worth, as far as either is known.
        here = ZERO if was.is_inside else new
        if old is not None:
            here = old
        assert here is not None
        last = new
        if last is None:
            last = ZERO if now.is_inside else here
        if not was.is_inside:
            self._step(name, _COMES[was.place], here)
        elif old is not None:
            self._step(name, Bucket.START, here)
        middle = self._middle(was, now, here, last) if old is not None and new is not None else last
        if middle != here:
            self._step(name, Bucket.INCREASED if middle > here else Bucket.DECREASED, WIDE.subtract(middle, here))
        if last != middle:
            self._step(name, Bucket.CURRENCY, WIDE.subtract(last, middle))
        if not now.is_inside:
            self._step(name, _GOES[now.place], WIDE.minus(last))
        elif new is not None:
            self._step(name, Bucket.END, last)

    def _middle(self, was: _Seen, now: _Seen, here: Decimal, last: Decimal) -> Decimal:
        """Return what the deal would be worth with its amount of now at the rate of before."""
        assert was.deal is not None
        assert now.deal is not None
        if was.deal.amount == now.deal.amount:
            return here
        found = self.before.worth_then(now, was)
        return last if found is None else found

    def _step(self, name: str, bucket: Bucket, amount: Decimal) -> None:
        ids, amounts = self.found[bucket]
        ids.append(name)
        amounts.append(amount)


def _is_news(was: _Seen, now: _Seen) -> bool:
    """Say whether a closed deal was closed since then: it was not closed, or at another time."""
    if was.place not in _CLOSED:
        return True
    assert was.deal is not None
    assert now.deal is not None
    return was.place is not now.place or was.deal.closed_at != now.deal.closed_at
