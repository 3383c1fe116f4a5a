"""The landmark table: shares of past deals that were won within a horizon."""

import pickle
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadflow import FiscalCalendar, pipelines
from leadflow.dealparts import Origin
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.forecasting import Deal, DealFact, DealHistory, fit_landmark, forecast
from leadflow.forecasting.shrinkage import between_variance, prior_weight, shrunk
from leadflow.money import Money
from leadflow.opportunity import Opportunity

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = 7 * DAY


def day(number, hours=0):
    return START + timedelta(days=number, hours=hours)


def deal_of(key, *facts):
    return DealHistory(key, [DealFact(kind, value, at=day(at)) for kind, value, at in facts])


def fit(history, at=20, **options):
    return fit_landmark(history, **{"as_of": day(at), "horizon": WEEK, **options})


def ask(table, at=20, days=7, **attributes):
    given = {"state": "open", "stage": "a", "stage_entered_at": day(at), **attributes}
    return table.win(Deal("O", **given), as_of=day(at), horizon=timedelta(days=days))


# Open from day 0 to 9 in stage a, then won; and open from day 3 on in stage b.
TWO = (
    deal_of("O-1", ("opened", "a", 0), ("won", None, 9)),
    deal_of("O-2", ("opened", "b", 3)),
)


class TestByHand:
    """A table small enough to count on paper: landmarks are the days 0 to 13, the window is a week."""

    def test_counts(self):
        """O-1 is seen on days 0 to 8 and won within a week of days 2 to 8; O-2 on days 3 to 13, never won."""
        cells = fit(TWO, by=["stage"]).cells
        assert {labels: (cell.n, cell.looks, cell.won) for labels, cell in cells.items()} == {
            (): (2, 20, 7),
            ("a",): (1, 9, 7),
            ("b",): (1, 11, 0),
        }

    def test_rates(self):
        """Overall (2 x 7/20 + 1/2)/(2 + 1) of two deals; a stage (w + 20 p0)/(n + 20); a cell alike with its stage."""
        cells = fit(TWO).cells
        overall = 1.2 / 3
        stage = (7 + 20 * overall) / 29
        assert cells[()].p == pytest.approx(overall)
        assert cells["a",].p == pytest.approx(stage)
        # One to three days in stage a: days 1 and 2, of which day 2 was followed by the win.
        assert (cells["a", "1 to 3 days"].looks, cells["a", "1 to 3 days"].won) == (2, 1)
        assert cells["a", "1 to 3 days"].p == pytest.approx((1 + 20 * stage) / 22)

    def test_an_estimate_carries_what_it_rests_on(self):
        """p, distinct deals, the parent's rate, and all of it in words."""
        estimate = ask(fit(TWO, by=["stage"]))
        assert (estimate.n, estimate.prior) == (1, pytest.approx(0.4))
        assert estimate.why == "1 deal with stage a: 77.78 % of 9 looks won within 7 days, drawn to 51.72 %"

    def test_the_window_is_open_at_its_begin_and_closed_at_its_end(self):
        """A win at the landmark is no win in the window, one at its end is; an open deal at the very moment is seen."""
        history = [deal_of("O-1", ("opened", "a", 0), ("won", None, 7)), deal_of("O-2", ("opened", "a", 0))]
        cell = fit(history, at=7, by=[]).cells[()]
        assert (cell.looks, cell.won) == (2, 1)
        assert fit(history, at=6.999 + 7, since=day(6.999), by=[]).cells[()].won == 1
        assert fit(history, at=14, since=day(7), by=[]).cells[()].won == 0

    def test_it_prints(self):
        """The printed table has a row per cell, in order of time, and the warnings."""
        text = str(fit(TWO))
        assert text.splitlines()[0] == (
            "Won within 7 days, as of 2026-03-22T09:00:00+00:00; 14 landmarks from 2026-03-02 to 2026-03-15"
        )
        assert text.index("3 to 7 days") < text.index("10 to 14 days")
        assert "warning: only 1 deal looked at is closed" in text
        assert "10 to 14 days" in fit(TWO)._repr_html_()

    def test_rows(self):
        """One row per cell, coarser ones first."""
        rows = fit(TWO, by=["stage"]).to_rows()
        assert [row["stage"] for row in rows] == [None, "a", "b"]
        assert rows[2] == {
            "stage": "b",
            "n": 1,
            "looks": 11,
            "won": 0,
            "rate": 0.0,
            "prior": rows[0]["p"],
            "p": rows[2]["p"],
        }

    def test_it_is_a_value(self):
        """Equal tables of equal histories, also after use and pickling."""
        table = fit(TWO)
        ask(table)
        assert fit(TWO) == table == pickle.loads(pickle.dumps(table))


class TestWhatCounts:
    """Who is looked at, and what is a win."""

    def test_only_what_was_known_then(self):
        """A stage recorded late is in the old stage's cell until it was known; the win counts when it happened."""
        late = DealHistory(
            "O-1",
            [
                DealFact("opened", "a", at=day(0)),
                DealFact("stage", "b", at=day(1), recorded_at=day(4)),
                DealFact("won", at=day(9), recorded_at=day(12)),
            ],
        )
        cells = fit([late], at=19.5, since=day(0), by=["stage"]).cells
        assert (cells["a",].looks, cells["a",].won) == (4, 2)
        # Until it was recorded on day 12 it was seen as open; a win that has happened already is in no window ahead.
        assert (cells["b",].looks, cells["b",].won) == (8, 5)

    def test_void_and_withdrawn_deals_are_left_out(self):
        """What should never have counted teaches nothing, not even by its time in the pipeline."""
        others = [
            deal_of("O-3", ("opened", "a", 0), ("lost", "void", 5)),
            deal_of("O-4", ("opened", "a", 0), ("won", None, 5), ("withdrawn", None, 6)),
        ]
        assert fit([*TWO, *others]).cells == fit(TWO).cells

    def test_a_win_that_was_taken_back_inside_the_window_is_none(self):
        """Who was won on day 3 and reopened on day 5 was not won a week after day 0; who was reopened later, was."""
        reopened = deal_of("O-1", ("opened", "a", 0), ("won", None, 3), ("reopened", None, 5))
        later = deal_of("O-1", ("opened", "a", 0), ("won", None, 3), ("reopened", None, 8))
        assert fit([reopened], since=day(0), at=7, by=[]).cells[()].won == 0
        assert fit([later], since=day(0), at=7, by=[]).cells[()].won == 1

    def test_days_are_those_of_the_as_of_zone(self):
        """A close date is past due by the calendar of where the books are kept."""
        due = DealHistory(
            "O-1",
            [DealFact("opened", "a", at=day(0)), DealFact("expected_close", date(2026, 3, 2), at=day(0))],
        )
        # 2 March, 9:00 in UTC, is still 2 March in New York and 3 March in Kiritimati from 10:00 on.
        options = {"by": ["close_date"], "since": START, "history": [due], "horizon": WEEK}
        here = fit_landmark(as_of=day(7, 1), every=WEEK, **options)
        there = fit_landmark(as_of=day(7, 1).astimezone(ZoneInfo("Pacific/Kiritimati")), every=WEEK, **options)
        assert set(here.cells) == {(), ("due in the window",)}
        assert set(there.cells) == {(), ("past due",)}


class TestAxes:
    """Deals may be told apart by more than stage and time in stage."""

    history = (
        DealHistory(
            "O-1",
            [
                DealFact("opened", "a", at=day(0)),
                DealFact("type", "renewal", at=day(0)),
                DealFact("expected_close", date(2026, 3, 6), at=day(1)),
                DealFact("expected_close", date(2026, 3, 4), at=day(2)),
                DealFact("expected_close", date(2026, 3, 20), at=day(4)),
                DealFact("expected_close", date(2026, 3, 21), at=day(5)),
                DealFact("expected_close", date(2026, 3, 22), at=day(6)),
                DealFact("won", at=day(15)),
            ],
        ),
    )

    def test_stated_close_date(self):
        """None, due in the window, past due, due later: as stated on the day."""
        cells = fit(self.history, at=14, by=["close_date"]).cells
        assert {labels: cell.looks for labels, cell in cells.items() if labels} == {
            ("no close date",): 1,
            ("due in the window",): 2,
            ("past due",): 1,
            ("due later",): 4,
        }

    def test_pushes(self):
        """Only putting off counts, not bringing forward; three and more are one cell."""
        cells = fit(self.history, at=14, by=["pushes"]).cells
        assert {labels[0]: cell.looks for labels, cell in cells.items() if labels} == {
            "0 pushes": 4,
            "1 pushes": 1,
            "2 pushes": 1,
            "3 or more pushes": 2,
        }

    def test_an_attribute(self):
        """Deal type, or any other attribute, by its value; a deal that is asked about has the same axes."""
        table = fit([*self.history, TWO[1]], by=["type", "close_date"])
        assert ("renewal", "due later") in table.cells
        assert ("unknown", "no close date") in table.cells
        assert ask(table, type="renewal", expected_close=date(2026, 8, 1)).n == 1

    def test_unknown_pushes(self):
        """A row that does not say how often it was put off gets the rate of all deals."""
        assert ask(fit(self.history, by=["pushes"])).why.startswith(
            "no deal was seen with pushes unknown; 1 deal in all"
        )

    def test_quantiles(self):
        """Edges from the data: cells of about the same size, from 0 on, never twice the same."""
        table = fit(TWO, edges="quantiles", by=["time_in_stage"])
        assert table.edges[0] == 0
        assert list(table.edges) == sorted(set(table.edges))
        assert max(cell.looks for labels, cell in table.cells.items() if labels) <= 6

    def test_quantiles_of_nothing_known(self):
        """Where nobody knows when stages began there is nothing to divide."""
        found = [DealHistory("O-1", [DealFact("found", "a", at=day(0))])]
        table = fit(found, edges="quantiles")
        assert table.edges == (0.0,)
        assert ("a", "unknown") in table.cells

    def test_own_edges(self):
        """A host's own edges, and no axes at all."""
        assert ("a", "2.5 days or more") in fit(TWO, edges=[0, 2.5]).cells
        assert list(fit(TWO, by=[]).cells) == [()]


class TestFallingBack:
    """What was never seen has the rate of what it is a part of, and says so."""

    def test_unknown_stage(self):
        """A stage that nobody was in has the overall rate."""
        estimate = ask(fit(TWO), stage="new")
        assert estimate.p == estimate.prior == pytest.approx(0.4)
        assert estimate.n == 2
        assert estimate.why.startswith("no deal was seen with stage new, time in stage 0 to 1 days; 2 deals in all: ")

    def test_unknown_time_in_stage(self):
        """Without the day of entry the stage's rate is all there is."""
        table = fit(TWO)
        assert ask(table, stage_entered_at=None).p == table.cells["a",].p
        assert "time in stage unknown; 1 deal with stage a" in ask(table, stage_entered_at=None).why

    def test_nothing_is_impossible(self):
        """Where nobody was won, the chance is small, not nothing, and a warning says what it is worth."""
        table = fit([TWO[1]])
        assert 0 < ask(table, stage="b").p < 0.25
        assert "no deal was won within 7 days of a landmark" in table.warnings[1]

    @pytest.mark.parametrize(("many", "p"), [(1, 0.75), (9, 0.95), (49, 0.99)])
    def test_many_looks_at_few_deals_are_few_deals(self, many, p):
        """Whatever the number of landmarks, all of so many deals won is (d + 1/2)/(d + 1), and no more."""
        history = [deal_of(f"O-{number}", ("opened", "a", 0), ("won", None, 6)) for number in range(many)]
        assert fit(history, by=[]).cells[()].looks == 6 * many
        assert fit(history, by=[]).cells[()].p == pytest.approx(p)

    def test_few_deals_are_warned_about(self):
        """Below 300 closed deals cells are noise; from 300 on there is no warning."""
        many = [deal_of(f"O-{number}", ("opened", "a", 0), ("won", None, 9)) for number in range(300)]
        assert fit(many).warnings == ()
        assert fit(many[:-1]).warnings == (
            "only 299 deals looked at are closed; below 300 the rates of cells are mostly noise",
        )
        assert fit(many).closed == 300


class TestWeights:
    """How much a parent's rate is worth."""

    @pytest.mark.parametrize("k", [0, inf])
    def test_the_extremes(self, k):
        """With k = 0 every cell has its own rate, with an infinite one all have the overall rate."""
        table = fit(TWO, k=k)
        assert all(
            cell.p == (cell.rate if k == 0 else table.cells[()].p) for cell in table.cells.values() if cell.labels
        )

    def test_by_moments(self):
        """Two stages that differ: k by the formula, counting distinct deals."""
        history = [deal_of(f"O-{n}", ("opened", "a", 0), ("won", None, 7 if n < 6 else 90)) for n in range(10)]
        history += [deal_of(f"P-{n}", ("opened", "b", 0), ("won", None, 7 if n < 2 else 90)) for n in range(10)]
        table = fit(history, since=day(0), at=7, by=["stage"], k="moments")
        # p0 = .4; sum n (p - p0)^2 = .8; tau^2 = (.8 - .24)/(20 - 10 - 1); k = .24/tau^2 - 1
        assert table.weights == (pytest.approx(0.24 / (0.56 / 9) - 1),)
        ten_times = fit(history, since=day(0), at=7, by=["stage"], k="moments", every=timedelta(hours=1))
        assert ten_times.weights == table.weights

    def test_no_difference_is_an_infinite_weight(self):
        """Stages that differ by no more than chance all have the overall rate."""
        history = [deal_of(f"O-{n}", ("opened", "ab"[n % 2], 0), ("won", None, 7 if n < 10 else 90)) for n in range(20)]
        table = fit(history, since=day(0), at=7, by=["stage"], k="moments")
        assert table.weights == (inf,)
        assert table.cells["a",].p == table.cells["b",].p == table.cells[()].p

    def test_the_formula_by_hand(self):
        """Rates .2 and .6 of a hundred each: tau^2 = (8 - .24)/(200 - 100 - 1) = 7.76/99, k = .24/tau^2 - 1."""
        variance, spread = between_variance([[(0.2, 100), (0.6, 100)]])
        assert (variance, spread) == (pytest.approx(7.76 / 99), pytest.approx(0.24))
        assert prior_weight([[(0.2, 100), (0.6, 100)]]) == pytest.approx(0.24 / (7.76 / 99) - 1)

    @pytest.mark.parametrize("families", [[], [[]], [[(0.5, 9)]], [[(0.0, 1), (1.0, 1)]], [[(0.0, 5), (0.0, 9)]]])
    def test_where_nothing_can_be_said(self, families):
        """No cell, one cell, single deals, no variance at all: no difference was shown."""
        assert prior_weight(families) == inf

    def test_never_less_than_one(self):
        """Rates of 0 and 1 would say that a cell needs no prior; they get one of a single look."""
        assert prior_weight([[(0.0, 50), (1.0, 50)]]) == 1

    @given(st.floats(0, 1), st.integers(0, 10**9), st.floats(0, 1), st.floats(0, 1e9) | st.just(inf))
    def test_between_parent_and_raw(self, rate, n, parent, k):
        """A drawn rate lies between the two that it is made of, whatever the weights."""
        drawn = shrunk(rate, n, parent, k)
        assert min(rate, parent) <= drawn <= max(rate, parent)
        if n == 0 or k == inf:
            assert drawn == parent


class TestRefused:
    """What cannot be answered says so, with the way out."""

    def test_every_wrong_argument_at_once(self):
        """All of them in one error."""
        with pytest.raises(InvalidTypeError) as caught:
            fit_landmark(
                [3],
                as_of=datetime(2026, 3, 2),  # noqa: DTZ001
                horizon=timedelta(0),
                by=["stag", "id", 3],
                edges=[1, 2],
                k=-1,
                every=timedelta(0),
                since="May",
            )
        assert [problem.path for problem in caught.value.problems] == [
            "as_of",
            "horizon",
            "every",
            "since",
            "by[0]",
            "by[1]",
            "by[2]",
            "edges",
            "k",
            "history[0]",
        ]
        assert "did you mean 'stage'?" in str(caught.value)

    @pytest.mark.parametrize(
        "options",
        [
            {"by": 3},
            {"by": ["stage", "stage"]},
            {"edges": None},
            {"edges": []},
            {"edges": [0, 2, 2]},
            {"edges": ["0"]},
            {"k": "many"},
            {"k": float("nan")},
            {"k": True},
            {"every": 1},
            {"horizon": 7},
        ],
    )
    def test_wrong_arguments(self, options):
        """Names that come twice, edges that do not ascend, weights that are none."""
        with pytest.raises(InvalidError, match=next(iter(options))):
            fit(TWO, **options)

    @pytest.mark.parametrize("history", [[], [deal_of("O-1", ("opened", "a", 21))]])
    def test_no_history(self, history):
        """Without a deal known by then there is nothing to count."""
        with pytest.raises(InvalidError, match="must hold a deal that was recorded by"):
            fit(history)

    def test_no_window_has_closed(self):
        """A horizon longer than the record is refused, with both times."""
        with pytest.raises(InvalidError, match=r"horizon must be over by .* for a landmark at .*, got 21 days"):
            fit(TWO, horizon=21 * DAY)
        assert len(fit(TWO, horizon=20 * DAY).landmarks) == 1

    def test_nobody_was_open(self):
        """Deals that came after the last landmark, or were closed before the first, are no evidence."""
        with pytest.raises(InvalidError, match="must hold a deal that was open from"):
            fit([TWO[0]], since=day(10))

    @pytest.mark.parametrize("days", [6, 8, 14])
    def test_another_horizon(self, days):
        """The chance of a week says nothing certain about eight days: refused, and the way out named."""
        with pytest.raises(InvalidError, match=r"must be the 7 days that the table was fitted for, got .*fit_hazard"):
            ask(fit(TWO), days=days)

    def test_a_change_of_clocks_is_no_other_horizon(self):
        """An hour more or less is the same week."""
        table = fit(TWO)
        assert ask(table, days=7 + 1 / 24) == ask(table)

    def test_no_look_ahead(self):
        """A table may not be asked about a time before its own, nor about a deal's stage before it was entered."""
        with pytest.raises(LookAheadError, match="the landmark table was last recorded at"):
            ask(fit(TWO), at=19)
        with pytest.raises(LookAheadError, match="deal 'O'"):
            ask(fit(TWO), stage_entered_at=day(21))

    @pytest.mark.parametrize("state", ["won", "lost", "withdrawn"])
    def test_closed_deals(self, state):
        """Only open deals can still be won."""
        with pytest.raises(InvalidError, match=f"must be open, got 'O', which is {state}"):
            ask(fit(TWO), state=state)

    def test_no_deal(self):
        """Something else is refused."""
        with pytest.raises(InvalidTypeError, match="must be a Deal"):
            fit(TWO).win("O-1", as_of=day(20), horizon=WEEK)


class TestInAForecast:
    """It is a win model like any other."""

    def test_a_week_ahead(self):
        """A forecast asks it for the time that is left of the period; that has to be its horizon."""
        books = FiscalCalendar(UTC)
        week_before = books.quarter(2026, 1).end - WEEK
        history = [*TWO, deal_of("O-3", ("opened", "a", 20))]
        table = fit_landmark(history, as_of=week_before, horizon=WEEK)
        deals = [Deal("O-3", state="open", stage="a", stage_entered_at=day(20), amount=Money("100", "EUR"))]
        outlook = forecast(deals, model=table, period=books.quarter(2026, 1), as_of=week_before, currency="EUR")
        assert outlook.contributions()[0].p == table.win(deals[0], as_of=week_before, horizon=WEEK).p


def brute(histories, as_of, horizon, first):
    """Count by asking every deal about every day: the definition, without any short cut."""
    looks, won, deals = Counter(), Counter(), {}
    steps = (as_of - horizon - first) // DAY
    for history in histories:
        final = history.as_of(as_of)
        if final is None or final.is_void:
            continue
        path = history.spells(as_of)
        for step in range(steps + 1):
            s = as_of - horizon - step * DAY
            seen = history.as_of(s)
            if seen is None or not seen.is_open:
                continue
            win = any(
                spell.state == "won"
                and s < spell.start <= s + horizon
                and (spell.end is None or spell.end > s + horizon)
                for spell in path
            )
            for labels in ((), (seen.stage or "unknown",)):
                looks[labels] += 1
                won[labels] += win
                deals.setdefault(labels, set()).add(history.id)
    return {labels: (len(deals[labels]), looks[labels], won[labels]) for labels in looks}


def tried(history, **options):
    """Return a table, or skip the example where there is nothing to count."""
    try:
        return fit_landmark(history, **options)
    except InvalidError:
        assume(False)


class TestAxesOfOpportunities:
    """A deal of an opportunity falls into the cell that its own history was counted in, whatever the axis."""

    @pytest.mark.parametrize(
        ("name", "label"),
        [("forecast_category", "commit"), ("probability_is_manual", "True"), ("team", "north"), ("type", "new")],
    )
    def test_counted_as_asked(self, name, label):
        """Calls, chances set by hand and fields that name a team are known of the past as they are of today."""
        deal = Opportunity.open(
            "O-1",
            "Deal",
            Money("100", "EUR"),
            expected_close=date(2026, 4, 1),
            origin=Origin.from_customer("A-1"),
            pipeline=pipelines.SIMPLE,
            fields={"team": "north"},
            at=day(0),
        )
        deal = deal.call("commit", at=day(0)).set_probability(0.9, at=day(0))
        table = fit_landmark([deal], as_of=day(20), horizon=5 * DAY, by=[name])
        assert (label,) in table.cells
        assert "no deal was seen" not in table.win(Deal.of(deal), as_of=day(20), horizon=5 * DAY).why

    def test_what_an_open_deal_is_when_nothing_is_told(self):
        """A deal made of rows is in the pipeline, with a chance that nobody set, then as now."""
        history = deal_of("O-1", ("opened", "a", 0))
        for name, label in (("forecast_category", "pipeline"), ("probability_is_manual", "False")):
            table = fit_landmark([history], as_of=day(20), horizon=5 * DAY, by=[name])
            assert set(table.cells) == {(), (label,)}
        with pytest.raises(InvalidError, match="is no axis: 'tags'"):
            fit_landmark([history], as_of=day(20), horizon=5 * DAY, by=["tags"])


class TestLaws:
    """What holds for every history."""

    @given(st.data(), st.integers(5, 40), st.integers(1, 9))
    def test_counting_in_slices_is_counting_one_by_one(self, portfolio, data, at, days):
        """The linear pass finds what asking each deal about each day finds."""
        histories = data.draw(portfolio)
        options = {"as_of": day(at), "horizon": timedelta(days=days)}
        table = tried(histories, by=["stage"], **options)
        first = min(one.first_recorded_at for one in histories if one.first_recorded_at <= day(at))
        assert {key: (cell.n, cell.looks, cell.won) for key, cell in table.cells.items()} == brute(
            histories, first=first, **options
        )

    @given(st.data(), st.integers(5, 30), st.integers(1, 9), st.sampled_from([20.0, 0.0, "moments"]))
    def test_no_look_ahead(self, portfolio, data, at, days, k):
        """Taking away or adding anything that is recorded after the as-of time changes nothing."""
        histories = data.draw(portfolio)
        options = {"as_of": day(at), "horizon": timedelta(days=days), "k": k, "by": ["stage", "close_date", "pushes"]}
        table = tried(histories, **options)
        later = []
        for one in histories:
            told = data.draw(st.sampled_from([("expected_close", date(2026, 3, 9)), ("won", None), ("stage", "c")]))
            fact = DealFact(*told, at=one.facts[-1].at + timedelta(hours=1), recorded_at=day(100))
            try:
                later.append(DealHistory(one.id, [*one.facts, fact]))
            except InvalidError:  # it cannot come there: closed already
                later.append(one)
        assert fit_landmark([*later, deal_of("new", ("opened", "a", at + 1))], **options) == table

    @given(st.data(), st.integers(5, 40), st.randoms(use_true_random=False), st.sampled_from([20.0, "moments"]))
    def test_order_does_not_matter(self, portfolio, data, at, random, k):
        """The same deals in another order make the same table."""
        histories = data.draw(portfolio)
        shuffled = list(histories)
        random.shuffle(shuffled)
        options = {"as_of": day(at), "horizon": 3 * DAY, "k": k}
        assert tried(histories, **options) == fit_landmark(shuffled, **options)

    @given(st.data(), st.integers(5, 40), st.sampled_from([0.0, 1.0, 20.0, inf, "moments"]))
    def test_every_rate_lies_between_its_own_and_its_parents(self, portfolio, data, at, k):
        """And so in [0, 1]; each cell's parts add up to it."""
        table = tried(data.draw(portfolio), as_of=day(at), horizon=3 * DAY, k=k)
        for labels, cell in table.cells.items():
            assert min(cell.rate, cell.prior) <= cell.p <= max(cell.rate, cell.prior)
            parts = [part for key, part in table.cells.items() if key[:-1] == labels and len(key) == len(labels) + 1]
            if parts:
                assert (sum(p.looks for p in parts), sum(p.won for p in parts)) == (cell.looks, cell.won)
                assert max(p.n for p in parts) <= cell.n <= sum(p.n for p in parts)


class TestBeyondTheEdges:
    """A deal that is much older than the last edge is compared with younger ones, and that is said."""

    def test_a_deal_far_beyond_the_last_edge(self):
        """`why` names the time, the edge and the way out; close to the edge, or with later edges, it does not."""
        start = datetime(2025, 1, 1, tzinfo=UTC)
        history = [
            DealHistory(
                f"O-{n}",
                [
                    DealFact("opened", "a", at=start + timedelta(days=n)),
                    DealFact("won", at=start + timedelta(days=n + 50)),
                ],
            )
            for n in range(100)
        ]
        now = start + timedelta(days=200)

        def why(days, **options):
            table = fit_landmark(history, as_of=now, horizon=timedelta(days=14), **options)
            since = now - timedelta(days=days)
            return table.win(
                Deal("X", state="open", stage="a", stage_entered_at=since), as_of=now, horizon=timedelta(days=14)
            ).why

        said = '; 180 days in stage is far beyond the last edge, 28: give later edges, or edges="quantiles"'
        assert why(180).endswith(said)
        assert "edge" not in why(56)
        assert "edge" not in why(180, edges=(0, 30, 60, 90))
        assert "edge" not in why(180, edges=(0,))
        assert "edge" not in why(180, by=["stage"])

    def test_most_looks_beyond_the_last_edge(self):
        """A table whose last cell holds most looks says so in its warnings."""
        start = datetime(2025, 1, 1, tzinfo=UTC)
        history = [DealHistory("O-1", [DealFact("opened", "a", at=start)])]
        table, wider = (
            fit_landmark(history, as_of=start + timedelta(days=200), horizon=timedelta(days=14), **options)
            for options in ({}, {"edges": "quantiles"})
        )
        assert any("of looks are at 28 days or more in stage" in warning for warning in table.warnings)
        assert not any("of looks" in warning for warning in wider.warnings)


def test_axes_are_named_once():
    """The message about an unknown axis names each that there is once."""
    with pytest.raises(InvalidError) as caught:
        fit_landmark([], as_of=datetime(2026, 3, 2, tzinfo=UTC), horizon=timedelta(days=1), by=["zzz"])
    said = str(caught.value).partition("known: ")[2].partition(")")[0].split(", ")
    assert len(said) == len(set(said)) > 5
