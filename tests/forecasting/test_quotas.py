"""Quotas: attainment, coverage of what is left, and how much coverage is enough."""

import pickle
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.calendar import FiscalCalendar
from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.forecasting import Deal, attainment, needed_coverage, rollup
from leadflow.money import Money

QUARTER = FiscalCalendar(UTC).quarter(2026, 1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
MARCH, JUNE = date(2026, 3, 31), date(2026, 6, 30)
FEBRUARY = datetime(2026, 2, 3, tzinfo=UTC)
SINCE, UNTIL = QUARTER.start, QUARTER.end + timedelta(days=2)


def euros(amount):
    return Money(amount, "EUR")


def open_deal(key, amount, close=MARCH, **attributes):
    return Deal(key, state="open", amount=None if amount is None else euros(amount), expected_close=close, **attributes)


def won(key, amount, at=FEBRUARY, **attributes):
    return Deal(key, state="won", amount=euros(amount), closed_at=at, **attributes)


def up(deals, **options):
    return rollup(deals, **{"period": QUARTER, "currency": "EUR", "as_of": NOW, **options})


TEAM = [
    won("1", "600", owner="ada"),
    open_deal("2", "900", owner="ada"),
    open_deal("3", "5000", JUNE, owner="ada"),
    won("4", "800", owner="bo"),
    open_deal("5", "50", owner="cy"),
    won("6", "70", at=datetime(2025, 12, 1, tzinfo=UTC), owner="cy"),
]


class TestAttainment:
    """What is won of a quota, and what is open against the rest."""

    def test_by_owner(self):
        """Only what closes in the period is on either side; met is met; who has no deal has won nothing."""
        quotas = {"ada": euros(1000), "bo": euros(700), "dee": euros(100)}
        result = attainment(up(TEAM, by="owner"), quotas)
        assert [(row.keys, row.attainment, row.left, row.coverage) for row in result.rows] == [
            (("ada",), 0.6, euros(400), 2.25),
            (("bo",), 800 / 700, euros(0), None),
            (("dee",), 0.0, euros(100), 0.0),
        ]
        assert [row.is_met for row in result.rows] == [False, True, False]
        assert result.without_quota == (("cy",),)
        assert [row["coverage"] for row in result.to_rows()] == [2.25, "met", 0.0]

    def test_of_the_total(self):
        """One amount is the quota of everybody together; nobody is then without one."""
        (row,) = attainment(up(TEAM, by="owner"), euros(2000)).rows
        assert (row.won, row.open, row.left) == (euros(1400), euros(950), euros(600))
        assert attainment(up(TEAM, by="owner"), euros(2000)).without_quota == ()

    def test_by_several_keys(self):
        """A tuple of keys names a row, as in the rollup itself."""
        result = attainment(up(TEAM, by=["owner", "state"]), {("ada", "won"): euros(600)})
        assert [row.is_met for row in result.rows] == [True]

    def test_a_quota_of_zero_is_met(self):
        """There is nothing to be won, and no share of nothing."""
        (row,) = attainment(up([]), euros(0)).rows
        assert (row.is_met, row.attainment, row.coverage) == (True, None, None)

    def test_who_is_short_of_the_coverage_needed(self):
        """Given how much is enough, those below it are named; without, nobody is."""
        quotas = {"ada": euros(1000), "bo": euros(700)}
        rows = up(TEAM, by="owner")
        assert [row.keys for row in attainment(rows, quotas, needed=3.0).short] == [("ada",)]
        assert attainment(rows, quotas, needed=2.0).short == ()
        assert attainment(rows, quotas).short == ()

    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**6)), max_size=6), st.integers(0, 10**7))
    def test_won_and_left_make_up_the_quota(self, deals, quota):
        """Unless it is met, in which case nothing is left."""
        listed = [
            won(str(n), amount) if is_won else open_deal(str(n), amount) for n, (is_won, amount) in enumerate(deals)
        ]
        (row,) = attainment(up(listed), euros(quota)).rows
        assert row.left == (euros(0) if row.is_met else row.quota - row.won)
        assert row.is_met == (row.coverage is None)


class TestNeededCoverage:
    """How much pipeline is enough is counted, not assumed."""

    def test_the_reciprocal_of_what_was_won_by_value(self):
        """1,000 open at the start, 250 of it won in the quarter: a quarter by value, so four times is needed."""
        before = [open_deal("1", "250"), open_deal("2", "700"), open_deal("3", "50"), open_deal("4", "999", JUNE)]
        after = [
            won("1", "400"),
            open_deal("2", "700", JUNE),
            won("3", "50", at=UNTIL - timedelta(days=1)),
            won("4", "999"),
            won("5", "5000"),
        ]
        found = needed_coverage(before, after, period=QUARTER, since=SINCE, until=UNTIL)
        assert (found.open, found.won, found.rate, found.coverage) == (euros(1000), euros(250), 0.25, 4.0)
        assert (found.deals, found.wins, found.omitted) == (3, 1, ())

    def test_text_of_needed_coverage(self):
        """The figure, what it rests on, and what is missing, in a few lines."""
        before = [open_deal("1", "100"), open_deal("2", "300"), *(open_deal(f"u{n}", None) for n in range(2_000))]
        after = [won("1", "100"), open_deal("2", "300")]
        found = needed_coverage(before, after, period=QUARTER, since=SINCE, until=UNTIL)
        assert str(found).splitlines() == [
            "needed coverage: 4.00",
            "won in FY2026 Q1: 100.00 of 400.00 EUR that were open at the start (1 of 2 deals)",
            "left out: 2,000 without an amount: u0, u1, u10, u100, u1000, ...",
        ]
        assert len(repr(found)) < 1_000
        assert "needed coverage: 4.00" in found._repr_html_()
        none = needed_coverage([], [], period=QUARTER, since=SINCE, until=UNTIL, currency="EUR")
        assert str(none).startswith("needed coverage: not known\n")

    def test_all_problems_of_needed_coverage(self):
        """Those of the deals and the currency with those of the times, under its own name."""
        with pytest.raises(InvalidError) as caught:
            needed_coverage([3], [], period=QUARTER, since=SINCE, until=SINCE)
        assert caught.value.subject == "needed_coverage"
        assert [one.path for one in caught.value.problems] == ["until", "before[0]", "currency"]

    def test_nothing_won_or_nothing_open(self):
        """No coverage is known to be enough; no rate where nothing was open. Neither is a 0 or an infinity."""
        still = [open_deal("1", "9")]
        lost = needed_coverage(still, still, period=QUARTER, since=SINCE, until=UNTIL)
        assert (lost.rate, lost.coverage) == (0.0, None)
        empty = needed_coverage([], [], period=QUARTER, since=SINCE, until=UNTIL, currency="EUR")
        assert (empty.rate, empty.coverage) == (None, None)

    def test_what_has_no_amount_is_listed(self):
        """It is neither won nor lost value."""
        found = needed_coverage([open_deal("1", None)], [won("1", "9")], period=QUARTER, since=SINCE, until=UNTIL)
        assert [one.reason.value for one in found.omitted] == ["unpriced"]

    def test_a_period_that_has_not_ended_is_refused(self):
        """What is still open may yet be won."""
        with pytest.raises(InvalidError, match="until must not be before the period has ended"):
            needed_coverage([], [], period=QUARTER, since=SINCE, until=NOW, currency="EUR")

    def test_it_is_taken_as_it_is(self):
        """What `needed_coverage` returns is what `attainment` asks for."""
        found = needed_coverage([open_deal("1", "9")], [won("1", "9")], period=QUARTER, since=SINCE, until=UNTIL)
        assert attainment(up(TEAM), euros(9000), needed=found).needed == 1.0


class TestBadInput:
    """Each wrong argument is named."""

    def test_a_rollup_without_a_period(self):
        """Coverage of all times means nothing."""
        with pytest.raises(InvalidError, match="rollup must be limited to the period of the quotas"):
            attainment(up(TEAM, period=None), euros(1))

    def test_wrong_quotas(self):
        """All of them at once."""
        with pytest.raises(InvalidTypeError) as caught:
            attainment(up(TEAM, by="owner"), {"ada": 7, "bo": Money(1, "USD"), "cy": euros(-1)})
        assert [problem.path for problem in caught.value.problems] == ["quotas['ada']", "quotas['bo']", "quotas['cy']"]
        with pytest.raises(InvalidTypeError, match="quotas must be Money, or a mapping"):
            attainment(up(TEAM), 7)
        with pytest.raises(InvalidTypeError, match=r"rollup must be a Rollup.*needed must be a number"):
            attainment(7, 7, needed="3x")

    def test_quotas_of_rows_that_cannot_be(self):
        """A quota of nobody in the rollup would look missed: one too many keys, none to have, and one row twice."""
        with pytest.raises(InvalidError, match=r"quotas\['ada'\] must be of the total, .* pass rollup\(\.\.\., by="):
            attainment(up(TEAM), {"ada": euros(1)})
        with pytest.raises(InvalidError, match="must have one key each for owner, got 2"):
            attainment(up(TEAM, by="owner"), {("ada", "north"): euros(1)})
        with pytest.raises(InvalidError, match="quotas must not repeat"):
            attainment(up(TEAM, by="owner"), {"ada": euros(1), ("ada",): euros(2)})

    @pytest.mark.parametrize("needed", [0, -1, float("nan")])
    def test_needed_coverage_is_above_zero(self, needed):
        """Nothing is enough without pipeline."""
        with pytest.raises(InvalidError, match="needed must be"):
            attainment(up(TEAM), euros(1), needed=needed)

    def test_wrong_times(self):
        """Before anything is counted."""
        with pytest.raises(InvalidTypeError) as caught:
            needed_coverage([], [], period=1, since=2, until=3)
        assert [problem.path for problem in caught.value.problems] == ["period", "since", "until", "currency"]


class TestShowing:
    """A table, as text and in a notebook."""

    def test_text_and_html(self):
        """Coverage in figures or the word met; who has no quota is named."""
        result = attainment(up(TEAM, by="owner"), {"ada": euros(1000), "bo": euros(0)}, needed=3)
        assert str(result) == (
            "Quotas of FY2026 Q1, as of 2026-03-02T00:00:00+00:00, in EUR\n"
            "of      quota     won  attainment    left    open  coverage\n"
            "ada  1,000.00  600.00        60 %  400.00  900.00      2.25\n"
            "bo       0.00  800.00           -    0.00    0.00       met\n"
            "needed coverage: 3.00\n"
            "without a quota: cy"
        )
        assert "met" in result._repr_html_()
        assert str(attainment(up([]), {})).endswith("no quotas")

    def test_it_is_a_value(self):
        """It compares by what it says, and survives pickling."""
        result = attainment(up(TEAM), euros(1000))
        assert pickle.loads(pickle.dumps(result)) == result


class TestPastDue:
    """Open and past due is a category of its own: counted in its period with a remark, listed from before it."""

    def test_attainment_says_what_it_rests_on(self):
        """A deal due earlier in the period covers, and is counted below; one from before the period does not."""
        deals = [
            open_deal("1", "9", QUARTER.first_day),
            open_deal("2", "5", date(2020, 1, 1)),
        ]
        as_of = QUARTER.start + timedelta(days=30)
        found = attainment(rollup(deals, period=QUARTER, currency="EUR", as_of=as_of), Money(100, "EUR"))
        assert found.rows[0].open == Money("9.00", "EUR")
        assert found.past_due == ("1",)
        assert [(one.id, one.reason.value) for one in found.omitted] == [("2", "past_due")]
        assert str(found).endswith("open and past due: 1\nleft out: 1 past due: 2")
        assert "open and past due: 1" in found._repr_html_()

    def test_a_deal_that_nobody_knows_of_afterwards(self):
        """It was neither won nor not won: it is listed, and in no rate."""
        before = [open_deal("1", "9"), open_deal("2", "5")]
        found = needed_coverage(before, [won("2", "5")], period=QUARTER, since=SINCE, until=UNTIL)
        assert (found.rate, found.deals, found.open) == (1.0, 1, Money("5.00", "EUR"))
        assert [(one.id, one.detail) for one in found.omitted] == [("1", "is not among the deals after the period")]
        assert needed_coverage(before, [], period=QUARTER, since=SINCE, until=UNTIL).rate is None
