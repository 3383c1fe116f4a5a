"""Adjustments: beside the figure, never in it, and stale when it has moved."""

import pickle
from datetime import UTC, date, datetime, timedelta
from zlib import crc32

import pytest

from leadflow.calendar import FiscalCalendar
from leadflow.errors import InvalidError, InvalidTypeError, UnknownNameError
from leadflow.forecasting import Adjustment, Deal, adjust, adjusted, rollup
from leadflow.money import Money

QUARTER = FiscalCalendar(UTC).quarter(2026, 1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=4)


def euros(amount):
    return Money(amount, "EUR")


def deal(key, amount, category="commit", **attributes):
    return Deal(
        key,
        state="open",
        amount=euros(amount),
        forecast_category=category,
        expected_close=date(2026, 3, 31),
        **attributes,
    )


DEALS = (deal("1", 100, owner="ada"), deal("2", 40, owner="bo"), deal("3", 70, "best_case", owner="ada"))


def up(deals=DEALS, **options):
    return rollup(deals, **{"period": QUARTER, "currency": "EUR", "as_of": NOW, "by": "owner", **options})


def by_cleo(found, category="commit", keys="ada", **options):
    given = {"by": "cleo", "at": NOW, "why": "verbal yes", **options}
    return adjust(found, category, keys, **given)


class TestBesideTheFigure:
    """Who, when, why and how much; the rollup stays as it is."""

    def test_by_how_much_or_to_how_much(self):
        """Two ways to say the same."""
        assert by_cleo(up(), add=euros(50)) == by_cleo(up(), to=euros(150))
        (one,) = adjusted(up(), [by_cleo(up(), add=euros(-30))]).figures
        assert (one.figure, one.adjusted, one.is_stale, one.note) == (euros(100), euros(70), False, "")

    def test_the_rollup_does_not_change(self):
        """Adjusting is no change of a deal, nor of a figure."""
        found = up()
        assert adjusted(found, [by_cleo(found, add=euros(50))]).rollup == up()

    def test_the_total_and_a_cumulative_figure(self):
        """An adjustment remembers which figure it meant, whatever mode the later rollup is in."""
        best = by_cleo(up(mode="cumulative"), "best_case", (), to=euros(300))
        assert (best.seen, best.amount, best.keys) == (euros(210), euros(90), ())
        (one,) = adjusted(up(mode="single"), [best]).figures
        assert (one.figure, one.adjusted, one.is_stale) == (euros(210), euros(300), False)

    def test_in_order_of_time(self):
        """Whatever the order given."""
        first, second = by_cleo(up(), add=euros(1)), by_cleo(up(), add=euros(2), at=LATER)
        assert [one.adjustment for one in adjusted(up(), [second, first]).figures] == [first, second]


class TestStale:
    """When the pipeline underneath has moved, the reason may already be in it."""

    def test_another_figure(self):
        """It says from what to what."""
        mine = by_cleo(up(), add=euros(50))
        result = adjusted(up([*DEALS, deal("4", 50, owner="ada")], as_of=LATER), [mine])
        assert [one.note for one in result.stale] == ["stale: the figure was 100.00 (1 deal), is 150.00 (2 deals)"]
        assert result.figures[0].adjusted == euros(200)

    def test_another_number_of_deals_with_the_same_sum(self):
        """Two halves in place of a whole are a movement too."""
        mine = by_cleo(up(), add=euros(50))
        halves = [deal("1", 50, owner="ada"), deal("4", 50, owner="ada")]
        assert adjusted(up(halves, as_of=LATER), [mine]).stale

    def test_other_deals_that_come_to_the_same(self):
        """A deal in the place of another, or two that swapped their amounts, are seen: the figure stands still."""
        mine = by_cleo(up(), add=euros(50))
        (one,) = adjusted(up([deal("9", 100, owner="ada")], as_of=LATER), [mine]).figures
        assert (one.figure, one.deals, one.is_stale) == (euros(100), 1, True)
        assert one.note == "stale: other deals or other amounts, which come to the same"
        total = by_cleo(up([deal("1", 10), deal("2", 20)]), "commit", (), add=euros(1))
        assert adjusted(up([deal("1", 20), deal("2", 10)]), [total]).stale
        assert not adjusted(up([deal("2", 20), deal("1", "10.00")]), [total]).stale

    def test_the_same_on_every_machine(self):
        """What tells deals apart is pinned: an adjustment may be stored, and read by another process."""
        assert up([deal("1", 10)]).total.marks.commit == crc32(b"1 1E+1")

    def test_other_rows_may_move(self):
        """Only its own figure counts."""
        mine = by_cleo(up(), add=euros(50))
        assert not adjusted(up([*DEALS, deal("4", 50, owner="bo")], as_of=LATER), [mine]).stale

    def test_a_row_that_has_gone(self):
        """Nothing is left of the figure, and the adjustment is stale."""
        (one,) = adjusted(up([DEALS[1]], as_of=LATER), [by_cleo(up(), add=euros(50))]).figures
        assert (one.figure, one.deals, one.is_stale) == (euros(0), 0, True)


class TestBadInput:
    """Each wrong argument is named."""

    def test_every_argument_is_judged(self):
        """All at once."""
        with pytest.raises(InvalidTypeError) as caught:
            adjust(7, "comit", by="cleo", at="today", why="x", add=7, to=euros(1))
        assert [problem.path for problem in caught.value.problems] == ["rollup", "category", "at", "add", "add"]

    def test_neither_add_nor_to(self):
        """By how much?"""
        with pytest.raises(InvalidError, match="add must be given, or to"):
            by_cleo(up())

    def test_another_currency_and_a_time_before_the_rollup(self):
        """Nobody adjusts what is not there yet."""
        with pytest.raises(InvalidError, match=r"at must not be before the rollup's as-of .*to must be in EUR"):
            by_cleo(up(), to=Money(1, "USD"), at=NOW - timedelta(days=1))

    def test_without_a_reason_or_a_name(self):
        """Who and why are the point."""
        with pytest.raises(InvalidError) as caught:
            by_cleo(up(), add=euros(1), why="", by="")
        assert [problem.path for problem in caught.value.problems] == ["by", "why"]

    def test_an_unknown_row(self):
        """As the rollup itself says it."""
        with pytest.raises(UnknownNameError):
            by_cleo(up(), keys="adda", add=euros(1))

    def test_adjustments_of_another_rollup(self):
        """Period, measure, currency and grouping must be the same; a total's has no grouping."""
        mine = by_cleo(up(), add=euros(1))
        for options, word in (
            ({"period": None}, "period"),
            ({"measure": "mrr"}, "measure"),
            ({"currency": "USD"}, "currency"),
            ({"by": ()}, "grouping"),
        ):
            with pytest.raises(InvalidError, match=rf"adjustments\[0\] is of another {word}"):
                adjusted(up(**options), [mine])
        assert adjusted(up(by=()), [by_cleo(up(), keys=(), add=euros(1))]).figures
        with pytest.raises(InvalidTypeError, match=r"rollup must be a Rollup.*adjustments\[0\] must be an Adjustment"):
            adjusted(1, [2])

    def test_strangers_and_what_is_none_at_once(self):
        """Adjustments of another rollup are told together with what is no adjustment."""
        with pytest.raises(InvalidTypeError) as caught:
            adjusted(up(period=None, by=()), [by_cleo(up(), add=euros(1)), 3])
        assert [one.path for one in caught.value.problems] == ["adjustments[1]", "adjustments[0]", "adjustments[0]"]


class TestShowing:
    """The rollup, and below it who changed what."""

    def test_text_and_html(self):
        """Stale ones say so."""
        mine = by_cleo(up(), to=euros(150))
        text = str(adjusted(up([deal("1", 120, owner="ada")], as_of=LATER), [mine]))
        head, line = text.splitlines()[-2:]
        assert head.split() == ["of", "category", "figure", "adjustment", "adjusted", "by", "at", "why", "stale"]
        assert line.split()[:5] == ["ada", "commit", "120.00", "50.00", "170.00"]
        assert line.endswith("verbal yes  stale: the figure was 100.00 (1 deal), is 120.00 (1 deal)")
        html = adjusted(up(), [by_cleo(up(), add=euros(1), why="<b>")])._repr_html_()
        assert "&lt;b&gt;" in html
        assert str(adjusted(up(), [])).endswith("no adjustments")

    def test_rows_and_value(self):
        """Plain columns; it survives pickling, so that a host can store it."""
        mine = by_cleo(up(), keys=(), add=euros(1))
        assert adjusted(up(), [mine]).to_rows()[0]["of"] == "total"
        assert isinstance(mine, Adjustment)
        assert pickle.loads(pickle.dumps(mine)) == mine
