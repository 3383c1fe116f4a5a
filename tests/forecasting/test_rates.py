"""Win rates and velocity: what they rest on, and which of the two formulas is which."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.calendar import FiscalCalendar
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.forecasting import Deal, velocity, win_rate
from leadflow.money import ExchangeRates, Money, Rate

QUARTER = FiscalCalendar(UTC).quarter(2026, 1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
CLOSED = datetime(2026, 2, 1, tzinfo=UTC)
LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)


def deal(key, state, amount="100", *, currency="EUR", at=CLOSED, days=None, **attributes):
    closed = None if state == "open" else at
    created = None if days is None else (closed or NOW) - timedelta(days=days)
    priced = None if amount is None else Money(amount, currency)
    return Deal(key, state=state, amount=priced, closed_at=closed, created_at=created, **attributes)


def rate(deals, **options):
    return win_rate(deals, **{"as_of": NOW, "currency": "EUR", **options})


class TestTexts:
    """What is printed: a few lines, however much is left out."""

    def test_win_rate(self):
        """Both rates with what they rest on, and what is missing by reason."""
        unpriced = [deal(f"u{place}", "lost", None) for place in range(2_000)]
        found = rate([deal("1", "won", "300"), deal("2", "lost"), *unpriced, deal("3", "lost", counts_as="void")])
        assert str(found).splitlines() == [
            "win rate of deals: 0.04995 % (1 of 2,002 decided)",
            "by value: 75 % (300.00 of 400.00 EUR)",
            "void, not counted: 1",
            "left out: 2,000 without an amount: u0, u1, u10, u100, u1000, ...",
        ]
        assert len(repr(found)) < 1_000
        assert "2,000 without an amount" in found._repr_html_()

    def test_win_rate_of_a_period(self):
        """By what deals were chosen, and how many of a cohort are still open."""
        assert str(rate([deal("1", "won")], period=QUARTER)).startswith("win rate of deals closed in FY2026 Q1: 100 %")
        cohort = rate([deal("1", "open", days=9)], period=QUARTER, cohort=True)
        assert str(cohort).splitlines() == [
            "win rate of deals created in FY2026 Q1: - (0 of 0 decided)",
            "by value: - (0.00 of 0.00 EUR)",
            "still open: 1",
        ]

    def test_velocity(self):
        """Both figures with their cycles; a dash for what is unknown."""
        deals = [deal("1", "won", days=10), deal("2", "lost", days=40), deal("3", "open")]
        found = velocity(deals, as_of=NOW, currency="EUR", period=QUARTER)
        assert str(found).splitlines() == [
            "open deals: 1, win rate: 50 % (of 2 decided), mean size: 100.00 EUR",
            "a day, by Little's law: 2.00 EUR (cycle of all: 25 days)",
            "a day, as dashboards have it: 5.00 EUR (cycle of won: 10 days)",
        ]
        assert "Little" in found._repr_html_()
        nothing = str(velocity([], as_of=NOW, currency="EUR", period=QUARTER))
        assert "as dashboards have it: - (cycle of won: -)" in nothing

    def test_all_problems_at_once(self):
        """A currency that is none is told with the period."""
        with pytest.raises(InvalidTypeError) as caught:
            velocity([3], as_of=3, currency="X", period=3, rates=3)
        paths = [one.path for one in caught.value.problems]
        assert paths == ["currency", "period", "rates", "as_of", "deals[0]"]


class TestWinRate:
    """Won / (won + lost), void ones left out."""

    def test_by_count_and_by_value(self):
        """One of three deals, three quarters of the money; a duplicate and a withdrawn deal count nowhere."""
        found = rate(
            [
                deal("1", "won", "600"),
                deal("2", "lost", "150"),
                deal("3", "lost", "50", counts_as="no_decision"),
                deal("4", "lost", "999", counts_as="void"),
                deal("5", "withdrawn", "999"),
                deal("6", "open", "999"),
            ]
        )
        assert (found.won, found.lost, found.n, found.void, found.open) == (1, 2, 3, 1, 0)
        assert (found.rate, found.value_rate) == (1 / 3, 0.75)
        assert found.to_row()["won_value"] == Money("600", "EUR")

    def test_closed_in_the_period(self):
        """By the day of closing; what has none is listed."""
        found = rate([deal("1", "won"), deal("2", "lost", at=LAST_YEAR), deal("3", "lost", at=None)], period=QUARTER)
        assert (found.won, found.lost, found.rate) == (1, 0, 1.0)
        assert [str(one) for one in found.omitted] == ["3: has no time of closing"]

    def test_by_cohort(self):
        """Those created in the period, whenever they close; how many are still open is shown."""
        deals = [
            deal("1", "won", days=5),
            deal("2", "lost", days=300),
            deal("3", "open", days=5),
            deal("4", "open"),
        ]
        found = rate(deals, period=QUARTER, cohort=True)
        assert (found.won, found.lost, found.open, found.is_cohort) == (1, 0, 1, True)
        assert [str(one) for one in found.omitted] == ["4: has no time of creation"]

    def test_nothing_decided_is_no_rate(self):
        """Neither 0 nor an error."""
        found = rate([deal("1", "open")])
        assert (found.n, found.rate, found.value_rate) == (0, None, None)

    def test_what_has_no_value_counts_by_number_and_is_listed(self):
        """No amount, below zero, no rate, no day whose rate would count."""
        found = rate(
            [
                deal("1", "won", None),
                deal("2", "won", "-5"),
                deal("3", "won", currency="USD"),
                deal("4", "lost", currency="USD", at=None),
                deal("5", "lost", at=None),
            ]
        )
        assert (found.n, found.won_value, found.lost_value) == (5, Money(0, "EUR"), Money(100, "EUR"))
        assert [one.reason.value for one in found.omitted] == ["unpriced", "negative", "no_rate", "undated"]

    def test_each_amount_at_the_rate_of_its_own_day(self):
        """The day it closed."""
        rates = ExchangeRates([Rate("USD", "EUR", "0.5", LAST_YEAR.date()), Rate("USD", "EUR", "0.8", CLOSED.date())])
        deals = [deal("1", "won", currency="USD"), deal("2", "lost", currency="USD", at=LAST_YEAR)]
        found = rate(deals, rates=rates)
        assert (found.won_value, found.lost_value) == (Money(80, "EUR"), Money(50, "EUR"))

    @given(st.lists(st.sampled_from(["won", "lost", "open"]), max_size=8), st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, states, random):
        """The same deals, the same rate, in [0, 1]."""
        deals = [deal(str(number), state) for number, state in enumerate(states)]
        found = rate(deals)
        assert found == rate(random.sample(deals, len(deals)))
        assert found.rate is None or 0 <= found.rate <= 1


class TestVelocity:
    """Deals x win rate x size / cycle, by both cycles."""

    DEALS = (
        deal("1", "won", "1000", days=20),
        deal("2", "lost", days=100),
        deal("3", "open", days=10),
        deal("4", "open"),
        deal("5", "lost", counts_as="void", days=900),
        deal("6", "won", "9999", at=LAST_YEAR, days=900),
    )

    def test_both_figures_by_hand(self):
        """2 deals x 1/2 x 1,000 over 20 days of the won one, or over 60 days of both."""
        found = velocity(self.DEALS, as_of=NOW, currency="EUR", period=QUARTER)
        assert (found.deals, found.win_rate.n, found.size) == (2, 2, Money(1000, "EUR"))
        assert (found.cycle_won, found.cycle_all) == (20.0, 60.0)
        assert (found.dashboard, found.by_littles_law) == (Money("50.00", "EUR"), Money("16.67", "EUR"))
        assert found.to_row()["by_littles_law"] == Money("16.67", "EUR")

    def test_unknown_is_unknown(self):
        """No win, no cycle, a cycle of nothing: no figure, never a 0 or an infinity."""
        for deals in ((), (deal("1", "lost", days=3),), (deal("1", "won"),), (deal("1", "won", days=0),)):
            found = velocity(deals, as_of=NOW, currency="EUR", period=QUARTER)
            assert (found.dashboard, found.by_littles_law) == (None, None)

    def test_what_is_missing_is_listed(self):
        """Deals without a time of creation, or one after they closed, are in no cycle; unpriced ones in no size."""
        deals = [
            deal("1", "won", None, days=4),
            deal("2", "won", days=6),
            deal("3", "lost"),
            deal("4", "lost", days=-1),
        ]
        found = velocity(deals, as_of=NOW, currency="EUR", period=QUARTER)
        assert [(one.id, one.reason.value) for one in found.omitted] == [
            ("1", "unpriced"),
            ("3", "undated"),
            ("4", "undated"),
        ]
        assert (found.size, found.cycle_won, found.cycle_all) == (Money(100, "EUR"), 5.0, 5.0)


class TestBadInput:
    """Each wrong argument is named."""

    def test_every_argument_is_judged(self):
        """All at once."""
        with pytest.raises(InvalidTypeError) as caught:
            win_rate([7], as_of=1, currency="EURO", period="Q1", cohort=1, rates=2)
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["currency", "period", "cohort", "rates", "as_of", "deals[0]"]
        with pytest.raises(InvalidTypeError, match="velocity: period must be a Period"):
            velocity([], as_of=NOW, currency="EUR", period=None)

    def test_a_cohort_of_no_time(self):
        """Created when?"""
        with pytest.raises(InvalidError, match="period must be given for a cohort"):
            rate([], cohort=True)

    def test_no_look_ahead(self):
        """Deals that closed later were open then."""
        with pytest.raises(LookAheadError, match="1"):
            rate([deal("1", "won", at=NOW + timedelta(days=1))])
