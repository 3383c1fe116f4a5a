"""The forecast: won, open, mean, spread, what is left out, and how it reads."""

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from leadflow import pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.dealparts import Origin
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.forecasting import Deal, Estimate, StageTable, forecast
from leadflow.money import ExchangeRates, Money, Rate
from leadflow.opportunity import Opportunity

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BOOKS = FiscalCalendar(UTC)
QUARTER = BOOKS.quarter(2026, 1)
CLOSE = date(2026, 3, 31)
TABLE = StageTable(pipelines.SIMPLE)


class Fixed:
    """A model of a host's own: every deal has the same chance, whatever its dates."""

    def __init__(self, p):
        self.p = p

    def win(self, deal, *, as_of, horizon):
        """Answer with the same estimate, which says how it was asked."""
        return Estimate(self.p, 40, 0.2, f"{horizon} from {as_of.isoformat()}")


class Growing:
    """A model whose chance grows with time: 1 % a day."""

    def win(self, deal, *, as_of, horizon):
        """Answer with one per cent a day."""
        return Estimate(round(horizon / timedelta(days=100), 4), 40, 0.2, f"{horizon.days} days")


def deal(key, amount="100", p=0.5, **attributes):
    given = {"expected_close": CLOSE, "probability": p, "currency": "EUR", **attributes}
    currency = given.pop("currency")
    return Deal(key, state="open", amount=None if amount is None else Money(amount, currency), **given)


def won(key, amount="100", at=NOW - timedelta(days=1), currency="EUR", **attributes):
    return Deal(key, state="won", amount=Money(amount, currency), closed_at=at, **attributes)


def of(deals, **options):
    given = {"model": TABLE, "period": QUARTER, "as_of": NOW, "currency": "EUR", **options}
    return forecast(deals, **given)


def reasons(result):
    return [(one.id, one.reason.value) for one in result.omitted]


class TestFigures:
    """Won counts once, open deals by their chance, lost ones not at all."""

    def test_the_specified_portfolio(self):
        """100k @ .5, 50k @ .2, 10k @ .9: mean 69,000, sd 53,935.15 (figures of the forecasting spec)."""
        result = of([deal("a", "100000", 0.5), deal("b", "50000", 0.2), deal("c", "10000", 0.9)])
        assert result.mean == Money("69000", "EUR")
        assert result.sd == pytest.approx(53_935.15, abs=0.005)

    def test_it_is_the_sum_of_products(self):
        """100 @ 99 % and 200 @ 0 % are 99.00; the product of sum and mean would be 148.50."""
        assert of([deal("a", "100", 0.99), deal("b", "200", 0.0)]).mean == Money("99.00", "EUR")

    def test_won_inside_the_period_counts_once_and_in_full(self):
        """What is won is certain; what was won before is history; lost and withdrawn deals are nothing."""
        rows = [
            won("w"),
            won("before", at=QUARTER.start - timedelta(microseconds=1)),
            won("first", at=QUARTER.start),
            deal("o", p=0.5),
            Deal("l", state="lost", amount=Money("1000", "EUR"), probability=0.9, closed_at=NOW),
            Deal("x", state="withdrawn", amount=Money("1000", "EUR"), probability=0.9, expected_close=CLOSE),
        ]
        result = of(rows)
        assert (result.won, result.open, result.mean) == (Money(200, "EUR"), Money(50, "EUR"), Money(250, "EUR"))
        assert (result.sd, result.omitted) == (50.0, ())

    def test_a_win_counts_in_the_period_of_the_books(self):
        """A win at 23:30 in New York on 31 March is in the first quarter there."""
        new_york = FiscalCalendar(ZoneInfo("America/New_York"))
        late = won("w", at=datetime(2026, 4, 1, 3, 30, tzinfo=UTC))
        later = datetime(2026, 4, 2, tzinfo=UTC)
        assert of([late], period=new_york.quarter(2026, 1), as_of=later).won == Money(100, "EUR")
        assert of([late], as_of=later).won == Money(0, "EUR")

    def test_probabilities_enter_as_they_are_written(self):
        """0.1 is a tenth, not the binary fraction beside it."""
        assert of([deal("a", "0.30", 0.1)]).unrounded_mean == Money("0.030", "EUR")
        assert str(of([deal("a", "100000000000000000", 0.1)]).mean) == "10,000,000,000,000,000.00 EUR"

    def test_from_cents_to_a_trillion_in_one_total(self):
        """The smallest amount is not lost beside the largest."""
        result = of([deal("a", "1000000000000", 0.5), deal("b", "0.02", 0.5)])
        assert result.mean == Money("500000000000.01", "EUR")

    def test_nothing_is_zero(self):
        """No deals: zero, certain, and said to be so."""
        result = of([])
        assert (str(result.mean), result.sd, result.contributions(), result.warnings) == ("0.00 EUR", 0.0, (), ())

    def test_an_opportunity_as_the_quickstart_has_it(self):
        """48,000 in proposal at 40 %, expected in the quarter: 19,200."""
        start = datetime(2026, 3, 2, 9, tzinfo=UTC)
        opportunity = Opportunity.open(
            "O-1",
            "Northwind rollout",
            Money("48000", "EUR"),
            expected_close=CLOSE,
            origin=Origin.from_customer("A-1"),
            pipeline=pipelines.SIMPLE,
            at=start,
        ).move_to("proposal", at=start + timedelta(days=7), by="ada")
        result = of([Deal.of(opportunity)], as_of=opportunity.updated_at)
        assert str(result.mean) == "19,200.00 EUR"


class TestContributions:
    """Each deal's part is named, and the parts add up to the mean."""

    def test_they_add_up_to_the_last_cent(self):
        """Two deals of 1,234.50 at 25 % are 308.63 + 308.62 = 617.25."""
        result = of([deal("a", "1234.50", 0.25), deal("b", "1234.50", 0.25)])
        assert [str(one.expected) for one in result.contributions()] == ["308.63 EUR", "308.62 EUR"]
        assert result.mean == result.unrounded_mean == Money("617.25", "EUR")

    def test_the_largest_comes_first_with_its_share_of_the_variance_and_why(self):
        """Shares add up to 1; a won deal has none."""
        result = of([deal("a", "30", 0.5), deal("b", "40", 0.5), won("w", "10")])
        found = result.contributions()
        assert [(one.id, one.p, str(one.expected)) for one in found] == [
            ("b", 0.5, "20.00 EUR"),
            ("a", 0.5, "15.00 EUR"),
            ("w", 1.0, "10.00 EUR"),
        ]
        assert [one.variance_share for one in found] == pytest.approx([0.64, 0.36, 0.0])
        assert [one.why for one in found] == ["set for this deal", "set for this deal", "won on 2026-03-09"]

    def test_as_rows(self):
        """A table of what each deal adds."""
        (row,) = of([deal("a", name="Northwind")]).to_rows()
        assert row == {
            "id": "a",
            "name": "Northwind",
            "state": "open",
            "amount": Money(100, "EUR"),
            "p": 0.5,
            "n": 0,
            "expected": Money(50, "EUR"),
            "variance_share": 1.0,
            "why": "set for this deal",
        }


class TestLeftOut:
    """What cannot be counted is listed with its reason, and never put at zero."""

    def test_every_reason(self):
        """Unpriced, negative, undated, past due, outside, without a rate, a chance, or called omitted."""
        rows = [
            deal("unpriced", None),
            deal("negative", "-1"),
            deal("dollars", currency="USD"),
            deal("undated", expected_close=None),
            deal("past due", expected_close=date(2026, 3, 9)),
            deal("outside", expected_close=date(2026, 4, 1)),
            deal("chanceless", p=None),
            deal("called", forecast_category="omitted"),
            Deal("won undated", state="won", amount=Money(1, "EUR")),
            deal("counted"),
        ]
        result = of(rows)
        assert dict(reasons(result)) == {
            "unpriced": "unpriced",
            "negative": "negative",
            "dollars": "no_rate",
            "undated": "undated",
            "past due": "past_due",
            "outside": "outside_period",
            "chanceless": "no_probability",
            "called": "called_omitted",
            "won undated": "undated",
        }
        assert [one.id for one in result.contributions()] == ["counted"]
        assert "the mean is without 8 deals that could not be counted; see omitted" in result.warnings

    def test_everything_that_is_missing_is_named(self):
        """Undated and unpriced: both, so that both can be put right; outside the period nothing is missing."""
        result = of([deal("both", None, expected_close=None), deal("out", None, expected_close=date(2026, 4, 1))])
        assert reasons(result) == [("both", "undated"), ("both", "unpriced"), ("out", "outside_period")]

    def test_rates_are_those_of_each_amounts_own_day(self):
        """Open: the earlier of expected close and as-of; won: the day of closing."""
        rates = ExchangeRates(
            [
                Rate("USD", "EUR", Decimal("0.5"), date(2026, 1, 1)),
                Rate("USD", "EUR", Decimal("0.8"), date(2026, 3, 10)),
                Rate("USD", "EUR", Decimal("0.9"), date(2026, 3, 31)),
            ]
        )
        rows = [
            deal("open", "100", currency="USD"),
            deal("late", "100", currency="USD", expected_close=date(2026, 3, 9)),
            deal("undated", "100", currency="USD", expected_close=None),
            won("won", "100", currency="USD"),
        ]
        result = of(rows, rates=rates, model=Fixed(1.0))
        assert {one.id: str(one.expected.amount) for one in result.contributions()} == {
            "open": "80.00",
            "late": "50.00",
            "undated": "80.00",
            "won": "50.00",
        }


class TestModels:
    """Any object with the one method is a model; it is asked about the period's own window."""

    def test_a_model_conditional_on_time_counts_every_open_deal(self):
        """Past-due and undated deals are evidence for such a model, not gaps."""
        rows = [deal("a", expected_close=None), deal("b", expected_close=date(2026, 1, 5)), deal("c")]
        result = of(rows, model=Fixed(0.3))
        assert (result.mean, result.omitted) == (Money(90, "EUR"), ())

    def test_it_is_asked_up_to_the_end_of_the_period_in_its_time_zone(self):
        """The horizon is the time elapsed to the period's end; the zone is that of the books."""
        new_york = FiscalCalendar(ZoneInfo("America/New_York"))
        (one,) = of([deal("a")], model=Fixed(0.3), period=new_york.month(2026, 3)).contributions()
        assert one.why == "21 days, 16:00:00 from 2026-03-10T08:00:00-04:00"

    def test_before_the_period_begins_it_is_the_chance_between_two_times(self):
        """Won by the end, less won by the start: 112 days less 22 days at 1 % a day."""
        second = BOOKS.quarter(2026, 2)
        as_of = second.start - timedelta(days=9)
        result = of([deal("a")], model=Growing(), period=second, as_of=as_of)
        (one,) = result.contributions()
        assert (one.p, one.estimate.n) == (0.91, 40)
        assert one.why == "100 days, less 9 % before the period begins"
        assert "the period has not begun; deals not yet created are not in the forecast" in result.warnings

    def test_what_is_expected_before_the_period_is_outside_it(self):
        """The stage table counts a deal in the one period in which it is expected to close."""
        rows = [
            deal("before"),
            deal("in", expected_close=date(2026, 4, 1)),
            deal("after", expected_close=date(2026, 7, 1)),
        ]
        result = of(rows, period=BOOKS.quarter(2026, 2))
        assert [one.id for one in result.contributions()] == ["in"]
        assert reasons(result) == [("after", "outside_period"), ("before", "outside_period")]

    def test_no_chance_at_all_stays_counted(self):
        """A deal at 0 % is in the forecast, with nothing."""
        (one,) = of(
            [deal("a", expected_close=date(2026, 4, 1))], model=Fixed(0.0), period=BOOKS.quarter(2026, 2)
        ).contributions()
        assert (one.p, one.expected) == (0.0, Money(0, "EUR"))

    def test_after_the_period_no_open_deal_is_in_it(self):
        """Once the period has ended only what was won counts."""
        result = of([deal("a"), won("w")], as_of=QUARTER.end, model=Fixed(0.5))
        assert result.mean == result.won == Money(100, "EUR")
        assert [str(one) for one in result.omitted] == ["a: is open, and the period ended on 2026-03-31"]

    def test_a_model_must_answer_with_an_estimate(self):
        """A bare number is refused, with what to return instead."""

        class Bare:
            def win(self, deal, *, as_of, horizon):
                return 0.3

        with pytest.raises(
            InvalidTypeError, match=r"model\.win\('a'\) must be an Estimate, e\.g\. Estimate\(0\.3\), got 0\.3"
        ):
            of([deal("a")], model=Bare())


class TestWarnings:
    """What a reader should know before using the figures is said."""

    def test_assumed_chances(self):
        """Percentages that nobody counted are called assumptions; counted ones are not."""
        assert "none rests on deals that were counted" in " ".join(of([deal("a")]).warnings)
        assert of([deal("a")], model=Fixed(0.5)).warnings == ()

    def test_one_deal_that_decides(self):
        """More than half of the variance in one of several deals."""
        rows = [deal("whale", "1000"), deal("b", "10"), deal("c", "10")]
        assert of(rows, model=Fixed(0.5)).warnings == ("deal 'whale' alone is 99.98 % of the variance",)

    def test_amounts_of_zero(self):
        """A deal worth nothing is counted and mentioned."""
        assert of([deal("a", "0")], model=Fixed(0.5)).warnings == ("1 deal with an amount of zero",)


class TestBadInput:
    """Each wrong argument is named, all of them at once."""

    def test_every_argument_is_judged(self):
        """One error lists them all."""
        with pytest.raises(InvalidTypeError) as caught:
            forecast(
                [deal("a"), deal("a")],
                model=StageTable,
                period="2026-Q1",
                as_of=datetime(2026, 3, 10),  # noqa: DTZ001
                currency="eur",
                rates={},
                leads=7,
                prospects=["P-1"],
                conversion={"leed": 0.1, "prospect": 2},
            )
        assert [problem.path for problem in caught.value.problems] == [
            "model",
            "period",
            "currency",
            "rates",
            "leads[0]",
            "prospects[0]",
            "conversion",
            "conversion['prospect']",
            "as_of",
            "deals",
        ]
        assert "has an unknown level, 'leed' (did you mean 'lead'?)" in str(caught.value)

    def test_conversion_is_a_mapping(self):
        """One rate for all is not a rate per level."""
        with pytest.raises(InvalidTypeError, match=r"conversion must be a mapping from level to rate, got 0\.1"):
            of([], conversion=0.1)

    def test_deals_that_know_the_future_are_refused(self):
        """A forecast as of Monday uses nothing recorded on Tuesday."""
        with pytest.raises(LookAheadError, match="deal 'a'"):
            of([deal("a", recorded_at=NOW + timedelta(seconds=1))])

    def test_an_unknown_model_is_refused(self):
        """An object without the method cannot answer."""
        with pytest.raises(InvalidError, match=r"model must have a method win\(deal, \*, as_of, horizon\), got 0\.3"):
            of([], model=0.3)


class TestShowing:
    """A forecast reads well in a terminal and in a notebook."""

    def test_text(self):
        """What the quickstart prints: figures, the largest deals, what is left out, warnings."""
        rows = [
            deal("O-1", "48000", 0.4, name="Northwind rollout"),
            deal("O-2", "9000", 0.5),
            won("O-3", "5000"),
            deal("O-4", None),
        ]
        assert str(of(rows)) == (
            "Forecast of FY2026 Q1, as of 2026-03-10T12:00:00+00:00, in EUR\n"
            "won so far   5,000.00  1 deal\n"
            "open        23,700.00  2 deals worth 57,000.00\n"
            "mean        28,700.00  standard deviation 23,941.80, deals taken as independent\n"
            "deal  name                  amount  chance   expected  share of variance  why\n"
            "O-1   Northwind rollout  48,000.00    40 %  19,200.00            96.47 %  set for this deal\n"
            "O-3   -                   5,000.00   100 %   5,000.00                0 %  won on 2026-03-09\n"
            "O-2   -                   9,000.00    50 %   4,500.00            3.533 %  set for this deal\n"
            "left out: 1 without an amount: O-4\n"
            "warning: the mean is without 1 deal that could not be counted; see omitted\n"
            "warning: the chances are assumptions: none rests on deals that were counted (n = 0)\n"
            "warning: deal 'O-1' alone is 96.47 % of the variance"
        )

    def test_long_tables_are_cut_short_in_text_only(self):
        """Ten deals are shown; the rows have all."""
        result = of([deal(f"O-{n:02}") for n in range(12)])
        assert "and 2 deals more" in str(result)
        assert len(result.to_rows()) == 12

    def test_an_empty_forecast_has_no_table_of_deals(self):
        """Nothing to list is not an empty table."""
        assert "chance" not in str(of([]))
        assert "chance" not in of([])._repr_html_()

    def test_html_is_escaped(self):
        """A deal called <script> stays text."""
        html = of([deal("a", name="<script>alert()</script>"), deal("<b>", None)])._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "&lt;b&gt;" in html

    def test_it_is_a_value(self):
        """Forecasts compare by what they say, and survive pickling."""
        result = of([deal("a"), won("w")])
        assert pickle.loads(pickle.dumps(result)) == result
        assert result != of([deal("a")])
