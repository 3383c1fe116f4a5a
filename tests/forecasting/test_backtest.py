"""Backtests: past forecasts by what was known then, beside what came and what anybody could have said."""

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from statistics import NormalDist
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import FiscalCalendar, pipelines
from leadflow.dealparts import Origin
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.forecasting import (
    Deal,
    DealFact,
    DealHistory,
    Estimate,
    Past,
    Spread,
    Total,
    backtest,
    calibrated,
    fit_landmark,
    fit_spread,
    forecast,
)
from leadflow.forecasting.backtestrows import Coverage
from leadflow.money import ExchangeRates, Money, Rate
from leadflow.opportunity import Opportunity

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = 7 * DAY
BOOKS = FiscalCalendar(UTC)


def day(number, hours=0):
    return START + timedelta(days=number, hours=hours)


def deal_of(key, begin, end=None, amount="100", *, late=0):
    facts = [
        DealFact("opened", "a", at=day(begin)),
        *([DealFact("amount", Money(amount, "EUR"), at=day(begin))] if amount else []),
        *([DealFact("won", at=day(end), recorded_at=day(end + late))] if end is not None else []),
    ]
    return DealHistory(key, facts)


# Won on days 5, 12, 19, 26, 33: one a week, worth 100, 200, 300, 400, 500.
WEEKLY = [deal_of(f"O-{place}", 0, 5 + 7 * place, str(100 + 100 * place)) for place in range(5)]


def judge(history=WEEKLY, make=None, **options):
    given = {"origins": [day(21), day(28)], "horizon": WEEK, "as_of": day(40), **options}
    return backtest(history, make or (lambda past, as_of: 300.0), **given)


class Half:
    """Every open deal is won with a chance of one half."""

    def win(self, deal, *, as_of, horizon):
        """Answer a half."""
        return Estimate(0.5, 10)


HALF = Half()


def halves(past, as_of, spread=None):
    return forecast(
        past.deals,
        model=HALF,
        period=past.period,
        as_of=as_of,
        currency=past.currency,
        spread=spread,
        rates=past.rates,
    )


class TestByHand:
    """Two origins small enough to reckon on paper."""

    def test_what_came(self):
        """In the week after day 21 the deal of day 26 was won, after day 28 that of day 33."""
        rows = judge().rows
        assert [(row.origin, row.end, row.actual) for row in rows] == [
            (day(21), day(28), 400.0),
            (day(28), day(35), 500.0),
        ]

    def test_errors(self):
        """300 each time against 400 and 500: WAPE 300/900, bias 600/900 - 1."""
        result = judge()
        assert (result.wape, result.bias) == (pytest.approx(300 / 900), pytest.approx(600 / 900 - 1))
        assert [row.error for row in result.rows] == [-100.0, -200.0]

    def test_baselines(self):
        """The last week's 300 and 400; the mean of as many weeks as there are, at most four; a year ago nothing was."""
        rows = judge().rows
        assert [row.baselines for row in rows] == [
            {"last": 300.0, "run_rate": 200.0, "seasonal": None},
            {"last": 400.0, "run_rate": 250.0, "seasonal": None},
        ]

    def test_skill(self):
        """1 - 300/200 against last week, 1 - 300/450 against the run rate; the best baseline leaves the least."""
        result = judge()
        assert {one.baseline: one.skill for one in result.skills} == {
            "last": pytest.approx(-0.5),
            "run_rate": pytest.approx(1 / 3),
            "seasonal": None,
        }
        assert (result.best_baseline.baseline, result.skill) == ("last", pytest.approx(-0.5))

    def test_a_forecast_that_loses_is_told_so_by_name(self):
        """The warning names the baseline that is better, and both errors."""
        assert judge().warnings == (
            "the forecast is no better than the baseline 'last': WAPE 0.333 against 0.222; use that instead",
            "the baseline 'seasonal' has no data at 2 of 2 origins",
        )

    def test_one_number_has_no_interval(self):
        """Its CRPS is its absolute error; there is nothing to cover."""
        result = judge()
        assert (result.crps, result.coverage, result.width, result.interval_score) == (150.0, None, None, None)
        assert (result.pinball, result.reliability, result.pairs) == (None, (), ())
        assert [row.is_hit for row in result.rows] == [None, None]

    def test_an_interval(self):
        """Hits, width and scores of a distribution that is known: 0, 100 .. 500, equally likely."""

        class Dice:
            mean = 250.0

            @staticmethod
            def quantile(q):
                return 100.0 * min(int(6 * q), 5)

        result = judge(make=lambda past, as_of: Dice(), level=0.5)
        assert [(row.low, row.high, row.is_hit) for row in result.rows] == [(100.0, 400.0, True), (100.0, 400.0, False)]
        assert (result.coverage.hits, result.coverage.n, result.width) == (1, 2, 300.0)
        assert result.interval_score == pytest.approx((300 + 300 + 2 / 0.5 * 100) / 2)
        # Quantiles 0, 300 and 500 at 10, 50 and 90 %.
        first, second = (0.1 * 400 + 0.5 * 100 + 0.1 * 100), (0.1 * 500 + 0.5 * 200 + 0.0)
        assert result.pinball == pytest.approx((first + second) / 2 / 3)
        assert [row.rank for row in result.rows] == [pytest.approx(0.75, abs=0.01), pytest.approx(0.9167, abs=0.01)]
        # Mean distance to the truth less half that among the six.
        among = 35 * 100 * 2 / 36
        assert result.crps == pytest.approx((1100 / 6 - among / 2 + 1500 / 6 - among / 2) / 2, rel=0.02)

    def test_what_was_won_before_the_origin_is_no_part_of_it(self):
        """With a calendar month whose first half is over, only the rest is judged."""
        result = judge(make=halves, origins=[day(15)], horizon=BOOKS.month_of)
        row = result.rows[0]
        assert (row.forecast.won, row.forecast.mean) == (Money(300, "EUR"), Money(900, "EUR"))
        assert (row.mean, row.actual) == (600.0, 700.0)
        assert result.pairs == ((row.forecast, Money(1000, "EUR")),)
        assert fit_spread(result.pairs).n == 1

    def test_order_of_origins_does_not_matter(self):
        """Rows come by time."""
        assert judge(origins=[day(28), day(21)]) == judge()


class TestWhatCounts:
    """What was won in a window."""

    def test_the_window_is_open_at_its_begin_and_closed_at_its_end(self):
        """A win at the origin was known then; one at the end belongs to the window."""
        rows = judge(origins=[day(19), day(12)]).rows
        assert [(row.origin, row.actual) for row in rows] == [(day(12), 300.0), (day(19), 400.0)]

    def test_late_records_count_where_they_happened(self):
        """A win of day 24, recorded on day 30, is in the window after day 21, and no baseline on day 28 knows it."""
        late = [*WEEKLY, deal_of("O-9", 0, 24, "1000", late=6)]
        rows = judge(late).rows
        assert [row.actual for row in rows] == [1400.0, 500.0]
        assert rows[1].baselines["last"] == 400.0

    def test_what_was_taken_back_inside_the_window_was_not_won(self):
        """Reopened before the end: nothing; after it: won."""
        history = [
            DealHistory("A", [*WEEKLY[3].facts, DealFact("reopened", at=day(27))]),
            DealHistory("B", [*WEEKLY[4].facts, DealFact("reopened", at=day(36))]),
        ]
        assert [row.actual for row in judge(history).rows] == [0.0, 500.0]

    def test_void_and_withdrawn_deals_never_count(self):
        """A win that was withdrawn later is none."""
        history = [*WEEKLY, DealHistory("X", [*deal_of("X", 0, 24).facts, DealFact("withdrawn", at=day(39))])]
        assert [row.actual for row in judge(history).rows] == [400.0, 500.0]

    def test_wins_without_an_amount_are_listed(self):
        """They are in no figure, and the result says so."""
        result = judge([*WEEKLY, deal_of("X", 0, 24, None)])
        assert [row.actual for row in result.rows] == [400.0, 500.0]
        assert [one.id for one in result.omitted] == ["X"]
        assert "won, but not counted: 1 without an amount: X" in result.warnings

    def test_other_currencies(self):
        """Each win is converted at the rate of its day; without rates it is listed."""
        dollars = deal_of("X", 0).facts[0], DealFact("amount", Money(50, "USD"), at=day(0)), DealFact("won", at=day(24))
        history = [*WEEKLY, DealHistory("X", dollars)]
        rates = ExchangeRates([Rate("USD", "EUR", "0.5", date(2026, 3, 1)), Rate("USD", "EUR", "2", date(2026, 3, 28))])
        assert [row.actual for row in judge(history, currency="EUR", rates=rates).rows] == [425.0, 500.0]
        assert judge(history, currency="EUR").omitted[0].id == "X"
        with pytest.raises(InvalidError, match=r"currency must be one, got EUR, USD; give currency, and rates"):
            judge(history)

    def test_opportunities(self):
        """A history of opportunities is cut at the origin like any other."""
        one = Opportunity.open(
            "O-1",
            "Deal",
            Money(100, "EUR"),
            expected_close=date(2026, 4, 1),
            origin=Origin.from_customer("A-1"),
            pipeline=pipelines.SIMPLE,
            at=day(1),
            by="ada",
        )
        won = one.win(at=day(24), by="ada")
        seen = []
        result = judge([won], make=lambda past, as_of: seen.append(past.deals) or 1.0)
        assert [row.actual for row in result.rows] == [100.0, 0.0]
        assert [deals[0].is_open for deals in seen] == [True, False]

    def test_nothing_won_at_all(self):
        """There is nothing to divide by; that is said, and no figure is made up."""
        result = judge([deal_of("O", 0)], make=lambda past, as_of: 0.0)
        assert (result.wape, result.bias, result.skill, result.best_baseline) == (None, None, None, None)
        assert "nothing was won in any window: errors have nothing to be measured by" in result.warnings
        assert "WAPE" not in str(result)

    def test_wins_without_an_amount_are_no_lack_of_wins(self):
        """Won, but of unknown worth: said once, and not denied."""
        facts = [DealFact("opened", "new", at=day(0)), DealFact("won", at=day(10))]
        result = judge([DealHistory("O", facts)], make=lambda past, as_of: 0.0, currency="EUR")
        assert "no win has an amount that can be counted: errors have nothing to be measured by" in result.warnings
        assert not any("nothing was won" in line for line in result.warnings)


class TestPast:
    """What a forecast is handed."""

    def test_it_ends_at_the_origin(self):
        """Deals, histories and wins are those known then."""
        seen = []
        judge(
            [*WEEKLY, deal_of("X", 25)], make=lambda past, as_of: seen.append((past, as_of)) or 1.0, origins=[day(21)]
        )
        past, as_of = seen[0]
        assert as_of == past.as_of == day(21)
        assert (len(past), [deal.is_won for deal in past.deals]) == (5, [True, True, True, False, False])
        assert all(one.last_recorded_at <= day(21) for one in past)
        assert past.won(day(0), day(40)) == 600.0
        assert (past.horizon, past.period.days, past.period.start, past.period.end) == (WEEK, 7, day(21), day(28))

    @pytest.mark.parametrize("hour", [0, 6, 12, 18])
    def test_the_period_of_days_begins_at_the_origin(self, hour):
        """To the second, whatever the time of day, in a zone where it is midnight then."""
        origin = datetime(2026, 3, 20, hour, 30, 15, tzinfo=UTC)
        past = Past.of(WEEKLY, as_of=origin, horizon=14 * DAY, currency="EUR")
        assert (past.period.start, past.period.end) == (origin, origin + 14 * DAY)

    def test_now(self):
        """A forecast of today is asked for as those of a backtest were."""
        past = Past.of(WEEKLY, as_of=day(28), horizon=WEEK, currency="EUR")
        assert past.forecast(halves) == judge(make=halves).rows[1].forecast
        assert past.forecast(halves) is past.forecast(halves)

    def test_there_is_no_later_past(self):
        """Asking for what will be known is refused."""
        past, later = (Past.of(WEEKLY, as_of=day(n), horizon=WEEK, currency="EUR") for n in (21, 28))
        with pytest.raises(LookAheadError):
            past.at(later.window)
        assert later.at(past.window).histories == past.histories

    def test_empty(self):
        """Nothing known, nothing won, no beginning."""
        past = Past.of([], as_of=day(0), horizon=WEEK, currency="EUR")
        assert (past.deals, past.first_recorded_at, past.won(day(-9), day(0))) == ((), None, 0.0)

    def test_errors(self):
        """Every argument that is wrong is named."""
        with pytest.raises(InvalidError) as caught:
            Past.of(3, as_of=datetime(2026, 3, 2), horizon=timedelta(0), currency="EURO", rates=1)  # noqa: DTZ001
        assert {problem.path for problem in caught.value.problems} == {
            "history",
            "as_of",
            "horizon",
            "currency",
            "rates",
        }


def priced(one):
    first = min(one.facts, key=lambda fact: fact.recorded_at)
    amount = DealFact("amount", Money(10 + len(one.facts), "EUR"), at=first.at, recorded_at=first.recorded_at)
    return DealHistory(one.id, [*one.facts, amount])


class TestNoLookAhead:
    """A forecast made as of t rests on nothing that was recorded after t."""

    @given(st.data(), st.integers(5, 40))
    def test_editing_what_came_later_changes_nothing(self, portfolio, data, number):
        """Random histories, cut at t and continued at random: the same past, the same forecast, the same baselines."""
        history = [priced(one) for one in data.draw(portfolio)]
        others = data.draw(portfolio)
        t = day(number)
        cut = [one for one in (history.known_by(t) for history in history) if one is not None]
        later = [
            DealHistory(f"L-{place}", [DealFact("opened", "a", at=max(t + DAY, fact.at)) for fact in one.facts[:1]])
            for place, one in enumerate(others)
        ]
        made = []

        def make(past, as_of):
            made.append((past.deals, tuple(one.spells(as_of) for one in past), past.first_recorded_at))
            return past.won(day(-1), as_of) + len(past)

        if not cut:
            return
        options = {"origins": [t], "horizon": WEEK, "as_of": day(90), "currency": "EUR"}
        results = [backtest(some, make, **options) for some in (history, cut, [*history, *later])]
        assert made[0] == made[1] == made[2]
        rows = [result.rows[0] for result in results]
        assert rows[0].mean == rows[1].mean == rows[2].mean
        assert rows[0].baselines == rows[1].baselines == rows[2].baselines

    @given(st.data(), st.integers(3, 40))
    def test_a_cut_history_is_what_was_known(self, portfolio, data, number):
        """At every earlier time a cut history gives the deal and the spells that the whole one gives."""
        for one in data.draw(portfolio):
            cut = one.known_by(day(number))
            if cut is None:
                assert one.as_of(day(number)) is None
                continue
            for earlier in range(number + 1):
                assert cut.as_of(day(earlier)) == one.as_of(day(earlier))
                assert cut.spells(day(earlier)) == one.spells(day(earlier))
            assert cut.last_recorded_at <= day(number)
            assert cut.known_by(day(number)) == cut

    def test_models_fitted_inside(self):
        """A landmark table and a calibrated forecast of a cut past are those of the whole history."""
        history = [deal_of(f"O-{n:03}", n / 3, n / 3 + 4 + n % 9, str(100 + n)) for n in range(150)]

        def make(past, as_of, spread=None):
            model = fit_landmark(past, as_of=as_of, horizon=past.horizon)
            return forecast(past.deals, model=model, period=past.period, as_of=as_of, currency="EUR", spread=spread)

        t = day(40)
        spoilt = [*(one.known_by(t) for one in history if one.known_by(t)), deal_of("X", 41, 42, "99999")]
        whole, other = (
            backtest(some, calibrated(make), origins=[t], horizon=WEEK, as_of=day(60)) for some in (history, spoilt)
        )
        assert whole.rows[0].forecast == other.rows[0].forecast
        assert whole.rows[0].forecast.spread.n > 2
        assert whole.rows[0].actual != other.rows[0].actual


class TestPeriods:
    """Calendar periods as horizons."""

    HISTORY = tuple(
        deal_of(
            f"O-{month}", 0, (datetime(2026 + month // 12, month % 12 + 1, 20, tzinfo=UTC) - START) / DAY, str(month)
        )
        for month in range(3, 20)
    )

    def test_months_and_their_baselines(self):
        """The month before, the mean of four months, the month a year ago: whole months, however long."""
        result = backtest(
            self.HISTORY, lambda past, as_of: 1, origins=[datetime(2027, 5, 1, tzinfo=UTC)], horizon=BOOKS.month_of
        )
        row = result.rows[0]
        assert row.actual == 16
        assert row.baselines == {"last": 15, "run_rate": (15 + 14 + 13 + 12) / 4, "seasonal": 4}

    def test_the_rest_of_a_month(self):
        """After the 10th: the same part of earlier months; a part that has not begun in a short month is nothing."""
        last, late = (
            backtest(self.HISTORY, lambda past, as_of: 1, origins=[at], horizon=BOOKS.month_of).rows[0]
            for at in (datetime(2027, 5, 10, tzinfo=UTC), datetime(2027, 3, 31, tzinfo=UTC))
        )
        assert (last.actual, last.baselines["last"], last.baselines["seasonal"]) == (16, 15, 4)
        assert (late.actual, late.baselines["last"]) == (0, 0)

    def test_any_run_of_days(self):
        """A year ago is 52 weeks ago, so that weekdays match."""

        def fortnight(moment):
            return BOOKS.period(moment.date(), moment.date() + 13 * DAY)

        at = datetime(2027, 5, 10, tzinfo=UTC)
        row = backtest(self.HISTORY, lambda past, as_of: 1, origins=[at], horizon=fortnight).rows[0]
        assert (row.actual, row.baselines["seasonal"]) == (16, 4)

    def test_where_clocks_change(self):
        """A month in Berlin ends at its midnight."""
        books = FiscalCalendar(ZoneInfo("Europe/Berlin"))
        at = datetime(2026, 10, 1, tzinfo=ZoneInfo("Europe/Berlin"))
        row = backtest(self.HISTORY, lambda past, as_of: 1, origins=[at], horizon=books.month_of).rows[0]
        assert row.end == datetime(2026, 10, 31, 23, tzinfo=UTC)

    def test_a_function_must_give_the_period_around(self):
        """Anything else is refused, and the message says what it was."""
        for wrong in (lambda at: None, lambda at: BOOKS.month_of(at).next()):
            with pytest.raises(InvalidError, match="horizon must return the Period around 2026-03-23"):
                judge(horizon=wrong)


class TestBadInput:
    """Each a clear error, all problems at once."""

    def test_all_at_once(self):
        """Every argument that is wrong is named with its path."""
        with pytest.raises(InvalidTypeError) as caught:
            backtest(
                3,
                None,
                origins=[datetime(2026, 3, 2), "x"],  # noqa: DTZ001
                horizon=timedelta(0),
                baselines=["lsat", 3, "last", "last"],
                level=1,
                as_of="now",
                currency="EURO",
                rates=3,
            )
        assert {problem.path for problem in caught.value.problems} == {
            "make_forecast",
            "horizon",
            "origins[0]",
            "origins[1]",
            "baselines[0]",
            "baselines[1]",
            "baselines",
            "level",
            "as_of",
            "currency",
            "rates",
            "history",
        }

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"history": []}, "history must hold at least one deal, got none"),
            ({"origins": []}, "origins must hold at least one"),
            ({"origins": day(3)}, "origins must be several datetimes"),
            ({"origins": [day(21), day(21).astimezone(timezone(DAY / 24))]}, "must not repeat"),
            ({"origins": [day(34), day(21)]}, "window has not closed by 2026-04-11T09:00:00.00:00: 2026-04-05"),
            ({"origins": [day(-1), *[day(-n) for n in range(2, 9)]]}, "lie before the first record, .* and 3 more"),
            ({"horizon": -WEEK}, "horizon must be a number of whole days, at least one"),
            ({"horizon": DAY / 2}, "horizon must be a number of whole days"),
            ({"horizon": 14}, "horizon must be a timedelta, or a function such as calendar.month_of, got 14"),
            ({"baselines": 3}, "baselines must be names of baselines"),
            ({"baselines": ["lsat"]}, "did you mean 'last'"),
            ({"level": 1.5}, "level must be a probability"),
            ({"history": [deal_of("O", 0, None, None)]}, "give the currency; no deal has an amount"),
            ({"make": lambda past, as_of: "x"}, "make_forecast at 2026-03-23.* must return a Forecast"),
            ({"make": lambda past, as_of: None}, "must return a Forecast"),
            ({"make": lambda past, as_of: float("nan")}, "must return a Forecast"),
            ({"make": lambda past, as_of: Money(1, "USD")}, "must be in EUR, got 1"),
            ({"baselines": [lambda past, as_of: "x"]}, "<lambda> at 2026-03-23"),
            ({"make": lambda past, as_of: other(past, period=past.period.next())}, "must be a forecast of"),
            ({"make": lambda past, as_of: other(past, as_of=as_of + DAY)}, "must be as of the origin"),
        ],
    )
    def test_one_by_one(self, options, message):
        """The message says what is wrong and what was given."""
        with pytest.raises(InvalidError, match=message):
            judge(**options)

    def test_a_failing_forecast_says_where(self):
        """The host's own error comes through, with the origin as a note."""
        with pytest.raises(ZeroDivisionError) as caught:
            judge(make=lambda past, as_of: 1 / 0)
        assert caught.value.__notes__ == ["raised at the origin 2026-03-23T09:00:00+00:00"]

    def test_a_history_of_one_deal(self):
        """Is judged like any other."""
        assert judge(WEEKLY[3:4]).rows[0].actual == 400.0

    def test_amounts_of_every_size(self):
        """From a cent to a million million: no figure is lost or not a number."""
        history = [deal_of("A", 0, 24, "0.01"), deal_of("B", 0, 25, "1000000000000")]
        result = judge(history, make=halves, origins=[day(21)])
        assert result.rows[0].actual == pytest.approx(1e12 + 0.01, abs=1e-3)
        assert result.rows[0].crps == pytest.approx(0.25e12, rel=0.01)


def other(past, **options):
    given = {"model": HALF, "period": past.period, "as_of": past.as_of, "currency": "EUR", **options}
    return forecast([], **given)


class TestBaselines:
    """What anybody can say without a model."""

    def test_own_ones(self):
        """A function is asked as a forecast is, and may have no data."""

        def weights(past, as_of):
            return halves(past, as_of) if as_of > day(21) else None

        rows = judge(baselines=["last", weights]).rows
        assert [row.baselines for row in rows] == [{"last": 300.0, "weights": None}, {"last": 400.0, "weights": 250.0}]

    def test_none(self):
        """Without any there is no skill."""
        result = judge(baselines=())
        assert (result.skills, result.skill, result.warnings) == ((), None, ())

    def test_no_data_is_not_zero(self):
        """A window that begins before recording did says nothing."""
        rows = judge(origins=[day(6), day(7)]).rows
        assert [row.baselines["last"] for row in rows] == [None, 100.0]
        assert [row.baselines["run_rate"] for row in rows] == [None, 100.0]

    def test_skill_is_taken_where_there_is_data(self):
        """A baseline that had data once is compared there."""
        result = judge(origins=[day(6), day(7)], baselines=["last"])
        assert [(one.n, one.wape_of_baseline) for one in result.skills] == [(1, 0.5)]

    def test_a_perfect_baseline(self):
        """Nothing can be divided by its error; that is no skill either way."""
        perfect = judge(
            make=lambda past, as_of: 1.0, baselines=[lambda past, as_of: 400.0 if as_of == day(21) else 500.0]
        )
        assert perfect.skill is None


class TestCalibrated:
    """Spread and bias out of errors that had been made by then."""

    HISTORY = tuple(deal_of(f"O-{n:03}", n / 3, n / 3 + 6, "100") for n in range(240))

    def spreads(self, number=60, **options):
        past = Past.of(self.HISTORY, as_of=day(number), horizon=WEEK, currency="EUR")
        return calibrated(halves, **options)(past, past.as_of).spread

    def test_bias_is_learnt(self):
        """Every deal is won within the week where a half was said: what came is drawn near to twice as much."""
        assert self.spreads().bias > 1.5
        assert self.spreads(correct=False).bias == 1.0
        assert self.spreads(correct=False).phi > self.spreads().phi

    def test_earlier_origins(self):
        """Half a week apart, with two weeks of history before each: from day 53 back to day 14."""
        assert self.spreads().n == 12
        assert self.spreads(most=3).n == 3
        assert self.spreads(21).n == 1
        assert self.spreads(20) == fit_spread([])

    def test_nothing_known(self):
        """Without any history the spread is what is believed beforehand."""
        past = Past.of([], as_of=day(0), horizon=WEEK, currency="EUR")
        assert calibrated(halves)(past, past.as_of).spread == fit_spread([])

    def test_periods(self):
        """Of months, earlier months are looked at, in the same part."""
        past = Past.of(
            TestPeriods.HISTORY, as_of=datetime(2027, 5, 10, tzinfo=UTC), horizon=BOOKS.month_of, currency="EUR"
        )
        assert calibrated(halves)(past, past.as_of).spread.n == 12

    def test_options_reach_fit_spread(self):
        """Its prior is the caller's to choose."""
        assert self.spreads(20, prior=5.0).phi == fit_spread([], prior=5.0).phi

    def test_errors(self):
        """What is no function, no flag, no number is named."""
        with pytest.raises(InvalidError) as caught:
            calibrated(3, correct=1, most=0)
        assert {problem.path for problem in caught.value.problems} == {"make_forecast", "correct", "most"}

    def test_it_can_be_backtested(self):
        """A calibrated forecast is better than one that is half too low, and covers more."""
        options = {"origins": [day(40 + 5 * n) for n in range(5)], "horizon": WEEK, "as_of": day(90)}
        raw, better = (backtest(self.HISTORY, make, **options) for make in (halves, calibrated(halves)))
        assert better.wape < raw.wape / 2
        assert better.coverage.hits > raw.coverage.hits


class TestHowItReads:
    """Text, tables, values."""

    def test_text(self):
        """Figures, a line per origin, warnings."""
        assert str(judge(make=halves)).splitlines() == [
            "Backtest, 2 origins from 2026-03-23 to 2026-03-30, in EUR",
            "WAPE                      0.333",
            "bias                      -0.222",
            "skill against 'last'      -0.500",
            "80 % intervals that held  2 of 2 (100 %; 95 % interval 34.24 % to 100 %), claimed 80 %",
            "mean width                700",
            "mean interval score       700",
            "mean pinball loss         65",
            "mean CRPS                 100",
            "          origin  actual  forecast  from   to  last  run rate  seasonal",
            "2026-03-23 09:00     400       450     0  900   300       200         -",
            "2026-03-30 09:00     500       250     0  500   400       250         -",
            "warning: the forecast is no better than the baseline 'last': WAPE 0.333 against 0.222; use that instead",
            "warning: the baseline 'seasonal' has no data at 2 of 2 origins",
        ]

    def test_rows(self):
        """One row per origin with every figure."""
        row = judge(make=halves).to_rows()[1]
        assert row["origin"] == "2026-03-30T09:00:00+00:00"
        assert (row["actual"], row["mean"], row["error"], row["low"], row["high"]) == (500, 250, -250, 0, 500)
        assert (row["is_hit"], row["last"], row["seasonal"]) == (True, 400, None)
        assert judge().skills[0].to_row()["skill"] == pytest.approx(-0.5)
        assert Coverage(0.8, 4, 9).to_row()["rate_low"] == pytest.approx(0.1888, abs=1e-4)

    @pytest.mark.parametrize(
        ("figures", "paths"),
        [((0.8, 5, 3), ["hits"]), ((0.8, 0, 0), ["n"]), ((8, -1, 2.5), ["level", "hits", "n"])],
    )
    def test_coverage_that_cannot_be(self, figures, paths):
        """More hits than there were, none at all, or no such numbers: refused, each with its name."""
        with pytest.raises(InvalidError) as caught:
            Coverage(*figures)
        assert [one.path for one in caught.value.problems] == paths

    def test_html(self):
        """A notebook shows the same."""
        shown = judge(make=halves)._repr_html_()
        assert "80 % intervals that held" in shown
        assert "2026-03-30 09:00" in shown

    def test_one_origin(self):
        """Its title names it alone."""
        assert str(judge(origins=[day(21)])).splitlines()[0] == "Backtest, origin 2026-03-23, in EUR"

    def test_overlapping_windows_are_told(self):
        """Five windows of a week, two days apart, are worth about two."""
        origins = [day(20 + 2 * place) for place in range(5)]
        assert any(
            line.startswith("windows overlap: 5 origins are worth about 2") for line in judge(origins=origins).warnings
        )

    def test_intervals_that_do_not_hold_are_told(self):
        """Ten misses of ten are no bad luck."""
        history = [deal_of(f"O-{place}", 0, 1.5 + place) for place in range(30)]
        result = backtest(
            history, lambda past, as_of: Total.of([(1.0, 0.5)]), origins=[day(1 + n) for n in range(10)], horizon=DAY
        )
        assert "the intervals do not hold what they claim: 0 of 10" in "\n".join(result.warnings)
        assert [one.hits for one in result.reliability] == [0] * 5

    def test_reliability(self):
        """Of a calibrated law, about each share of what came lies below its quantile."""
        law = NormalDist(0.0, 1.0)

        class Law:
            mean = 1000.0

            @staticmethod
            def quantile(q):
                return 1000.0 + 100.0 * law.inv_cdf(min(max(q, 1e-9), 1 - 1e-9))

        history = [
            deal_of(f"O-{n}", 0, 1.5 + n, str(round(1000 + 100 * law.inv_cdf((n * 7 % 40 + 0.5) / 40), 2)))
            for n in range(40)
        ]
        result = backtest(history, lambda past, as_of: Law(), origins=[day(1 + n) for n in range(39)], horizon=DAY)
        assert [round(one.rate - one.level, 1) for one in result.reliability] == [0.0] * 5
        assert not any(one.is_off for one in result.reliability)

    def test_it_is_a_value(self):
        """Equal results of equal histories; it can be pickled."""
        result = judge(make=halves)
        assert judge(make=halves) == result
        assert pickle.loads(pickle.dumps(judge())) == judge()

    def test_what_is_handed_on_is_a_spread(self):
        """`pairs` are what `fit_spread` learns from."""
        assert isinstance(fit_spread(judge(make=halves).pairs), Spread)
        assert isinstance(Deal("x", state="open"), Deal)
