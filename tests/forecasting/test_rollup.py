"""Rollups: what is counted where, converted how, and listed when it cannot be counted."""

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from leadflow.calendar import FiscalCalendar
from leadflow.errors import InvalidError, InvalidTypeError, UnknownNameError
from leadflow.forecasting import Deal, DealState, Measure, OmissionReason, Rollup, RollupMode, rollup
from leadflow.forecasting.keys import place
from leadflow.money import ExchangeRates, Money, Rate, Recurring

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BOOKS = FiscalCalendar(UTC)
CLOSE = date(2026, 3, 31)


def deal(key, amount="100", *, state="open", currency="EUR", **attributes):
    priced = None if amount is None else Money(amount, currency)
    return Deal(key, state=state, amount=priced, **attributes)


def won(key, amount="100", day=date(2026, 3, 2), **attributes):
    return deal(
        key, amount, state="won", closed_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC), **attributes
    )


def up(deals, **options):
    return rollup(deals, currency=options.pop("currency", "EUR"), as_of=options.pop("as_of", NOW), **options)


def plain(figures):
    return {category: str(money.amount) for category, money in figures.items()}


ONE_OF_EACH = [
    deal("o", "1", forecast_category="omitted", probability=0.5),
    deal("p", "10", forecast_category="pipeline", probability=0.5),
    deal("b", "100", forecast_category="best_case", probability=0.5),
    deal("m", "1000", forecast_category="most_likely", probability=0.5),
    deal("c", "10000", forecast_category="commit", probability=0.5),
    won("w", "100000"),
    deal("l", "1000000", state="lost", closed_at=NOW),
    deal("x", "10000000", state="withdrawn"),
]


class TestCategories:
    """Every open or won deal is in exactly one category; lost and withdrawn ones in none."""

    def test_single_shows_each_alone(self):
        """One deal of each kind: each amount is in its own column."""
        total = up(ONE_OF_EACH).total
        assert plain(total.amounts) == {
            "omitted": "1.00",
            "pipeline": "10.00",
            "best_case": "100.00",
            "most_likely": "1000.00",
            "commit": "10000.00",
            "closed": "100000.00",
        }
        assert [count for _, count in total.counts.items()] == [1, 1, 1, 1, 1, 1]
        assert total.deals == 6

    def test_cumulative_includes_what_is_surer(self):
        """Commit includes closed, and so on up; the open pipeline is of open deals only; omitted is in nothing else."""
        total = up(ONE_OF_EACH, mode="cumulative").total
        assert plain(total.amounts) == {
            "omitted": "1.00",
            "pipeline": "11110.00",
            "best_case": "111100.00",
            "most_likely": "111000.00",
            "commit": "110000.00",
            "closed": "100000.00",
        }
        assert [count for _, count in total.counts.items()] == [1, 4, 4, 3, 2, 1]
        assert total.deals == 6

    def test_modes_turn_into_each_other(self):
        """Either mode is at hand without adding up again."""
        single = up(ONE_OF_EACH, by="state")
        cumulative = up(ONE_OF_EACH, by="state", mode=RollupMode.CUMULATIVE)
        assert single.cumulative() == cumulative
        assert cumulative.single() == single

    def test_figures_are_found_by_name(self):
        """A category's figure is an attribute and an item."""
        amounts = up(ONE_OF_EACH).total.amounts
        assert amounts["commit"] == amounts.commit == Money("10000", "EUR")

    def test_an_empty_rollup_is_zero(self):
        """No deals are no error: every figure is 0.00 in the currency asked for."""
        result = up([], by="owner")
        assert (result.rows, result.omitted, result.to_rows()) == ((), (), [])
        assert str(result.total.amounts.pipeline) == "0.00 EUR"
        assert result.total.deals == 0
        assert "total" in str(result)


class TestExpectedRevenue:
    """Expected revenue is the sum of amount x probability, exact, and rounded once."""

    def test_it_is_the_sum_of_products(self):
        """100 @ 99 % and 200 @ 0 % are 99.00; the product of sum and mean would be 148.50."""
        result = up([deal("a", "100", probability=0.99), deal("b", "200", probability=0.0)])
        assert result.total.expected == Money("99.00", "EUR")

    def test_rounded_rows_add_up_to_the_rounded_total(self):
        """Two deals of 1,234.50 at 25 % are 308.63 + 308.62 = 617.25."""
        result = up([deal(key, "1234.50", probability=0.25) for key in "ab"], by="id")
        assert [str(row.expected) for row in result.rows] == ["308.63 EUR", "308.62 EUR"]
        assert str(result.total.expected) == "617.25 EUR"

    def test_won_counts_in_full_and_lost_and_omitted_not_at_all(self):
        """State beats whatever probability was left on a deal."""
        result = up(
            [
                won("w", "100", probability=0.3),
                deal("l", "100", state="lost", probability=0.9),
                deal("o", "100", probability=0.9, forecast_category="omitted"),
                deal("n", "100", forecast_category="omitted"),
            ]
        )
        assert result.total.expected == Money("100", "EUR")
        assert result.omitted == ()

    def test_without_a_probability_it_is_listed_and_its_amount_counts(self):
        """An unknown probability is neither 0 nor 1: the deal is in the amounts and listed."""
        result = up([deal("a", "100"), deal("b", "50", probability=0.5)])
        assert result.total.amounts.pipeline == Money("150", "EUR")
        assert result.total.expected == Money("25", "EUR")
        assert [(one.id, one.reason) for one in result.omitted] == [("a", OmissionReason.NO_PROBABILITY)]


class TestMoney:
    """Each amount is converted at the rate of its own day; what has no price is listed, never 0 and never 1."""

    RATES = ExchangeRates(
        [
            Rate("USD", "EUR", Decimal("0.5"), date(2026, 1, 1)),
            Rate("USD", "EUR", Decimal("0.8"), date(2026, 3, 5)),
            Rate("USD", "EUR", Decimal("0.9"), date(2026, 4, 1)),
        ]
    )

    @pytest.mark.parametrize(
        ("row", "euros"),
        [
            (deal("a", currency="USD", expected_close=date(2026, 4, 30)), "80"),
            (deal("a", currency="USD", expected_close=date(2026, 2, 1)), "50"),
            (deal("a", currency="USD"), "80"),
            (won("a", currency="USD", day=date(2026, 3, 4)), "50"),
            (won("a", currency="USD", day=date(2026, 3, 5)), "80"),
        ],
    )
    def test_open_deals_at_the_earlier_of_close_and_as_of_won_ones_at_closing(self, row, euros):
        """A rate of the future is never used, and a past win keeps the rate of its day."""
        total = up([row], rates=self.RATES).total.amounts
        assert (total.pipeline if row.is_open else total.closed) == Money(euros, "EUR")

    def test_the_day_of_closing_is_the_calendars(self):
        """23:30 in New York on 4 March is 5 March in London: the rate follows the books."""
        row = deal("a", currency="USD", state="won", closed_at=datetime(2026, 3, 5, 4, 30, tzinfo=UTC))
        new_york = FiscalCalendar(ZoneInfo("America/New_York"))
        assert up([row], rates=self.RATES, calendar=new_york).total.amounts.closed == Money("50", "EUR")
        assert up([row], rates=self.RATES).total.amounts.closed == Money("80", "EUR")
        in_new_york = NOW.astimezone(new_york.tz)
        assert up([row], rates=self.RATES, as_of=in_new_york).total.amounts.closed == Money("50", "EUR")

    def test_a_missing_rate_is_listed(self):
        """A deal before the first rate, in an unknown pair, or without any rates: listed with id and reason."""
        rows = [
            won("early", currency="USD", day=date(2025, 12, 31)),
            deal("yen", currency="JPY"),
            deal("fine", currency="USD"),
        ]
        result = up(rows, rates=self.RATES)
        assert [(one.id, one.reason.value) for one in result.omitted if one.id != "fine"] == [
            ("early", "no_rate"),
            ("yen", "no_rate"),
        ]
        assert "no exchange rate from USD to EUR on 2025-12-31" in str(result.omitted[0])
        assert result.total.deals == 1
        assert "pass rates=ExchangeRates(...)" in str(up([deal("yen", currency="JPY")]).omitted[0])

    def test_a_foreign_win_without_its_day_is_undated(self):
        """Which day's rate it has is unknown; in the figure's own currency no day is needed."""
        foreign = deal("a", currency="USD", state="won")
        assert [one.reason.value for one in up([foreign], rates=self.RATES).omitted] == ["undated"]
        assert up([deal("a", state="won")]).total.amounts.closed == Money("100", "EUR")

    @pytest.mark.parametrize(("amount", "reason"), [(None, "unpriced"), ("-5", "negative")])
    def test_no_amount_and_less_than_nothing_are_listed(self, amount, reason):
        """An unknown amount is not zero; a negative one is not a deal that can be won."""
        result = up([deal("a", amount, probability=0.5)])
        assert [(one.id, one.reason.value) for one in result.omitted] == [("a", reason)]
        assert result.total.deals == 0

    def test_zero_counts(self):
        """Zero is an amount like any other."""
        result = up([deal("a", "0", probability=0.5)])
        assert (result.total.deals, result.omitted) == (1, ())

    def test_converted_rows_are_rounded_once_and_add_up(self):
        """Three thirds of a cent each way: rows add up to the rounded total in every column."""
        rates = ExchangeRates([Rate("USD", "EUR", Decimal("0.333333"), date(2026, 1, 1))])
        result = up([deal(key, "1.00", currency="USD", owner=key) for key in "abc"], by="owner", rates=rates)
        assert [str(row.amounts.pipeline.amount) for row in result.rows] == ["0.34", "0.33", "0.33"]
        assert str(result.total.amounts.pipeline) == "1.00 EUR"

    def test_yen_have_no_cents(self):
        """Figures are rounded to the currency's own smallest unit."""
        result = up([deal("a", "101", currency="JPY", probability=0.5)], currency="JPY")
        assert str(result.total.expected) == "51 JPY"


class TestGrouping:
    """Groups are by any attribute, field, period or callable, and by several at once."""

    def test_by_owner_with_unknown_last(self):
        """Rows come in order of the key; deals without an owner have a row of their own."""
        result = up([deal("1"), deal("2", owner="bo"), deal("3", owner="ada"), deal("4", owner="bo")], by="owner")
        assert [(row.keys, row.deals) for row in result.rows] == [(("ada",), 1), (("bo",), 2), ((None,), 1)]
        assert result["bo"].amounts.pipeline == Money("200", "EUR")
        assert result[None].deals == 1
        with pytest.raises(LookupError) as caught:
            result["cy"]
        assert str(caught.value) == "unknown key 'cy' in the rollup by owner (known: None, ada, bo)"

    def test_a_wrong_number_of_keys_is_told_the_right_one(self):
        """The error shows the keys there are, as they have to be written; what cannot be a key is no other error."""
        rows = [deal("1", owner="ada", product="core")]
        with pytest.raises(UnknownNameError, match=r"by owner, product \(known: \('ada', 'core'\)\)"):
            up(rows, by=["owner", "product"])["ada"]
        with pytest.raises(UnknownNameError, match=r"by owner \(did you mean 'ada'\?\)"):
            up(rows, by="owner")[["ada"]]
        with pytest.raises(UnknownNameError, match=r"without keys, which has only \.total"):
            up(rows)["ada"]
        assert up(rows)[()].deals == 1

    def test_a_message_names_few_of_many_keys(self):
        """A thousand owners are no message."""
        with pytest.raises(UnknownNameError) as caught:
            up([deal(f"O-{n}") for n in range(1000)], by="id")["?"]
        assert len(str(caught.value)) < 300

    def test_an_unknown_category_is_named(self):
        """Figures are found by their category's name only."""
        with pytest.raises(UnknownNameError, match=r"unknown category 'comit' in a rollup \(did you mean 'commit'\?\)"):
            up([]).total.amounts["comit"]

    def test_equal_numbers_of_different_kinds_are_different_keys(self):
        """True, 1, 1.0 and Decimal(1) are four values of a host's field, as in Fields, and four rows."""
        values = [True, 1, 1.0, Decimal(1), Decimal("1.0")]
        result = up([deal(str(n), fields={"f": value}) for n, value in enumerate(values)], by="f")
        assert [(row.keys, row.deals) for row in result.rows] == [
            ((True,), 1),
            ((1,), 1),
            ((1.0,), 1),
            ((Decimal(1),), 2),
        ]
        assert [type(row.keys[0]) for row in result.rows] == [bool, int, float, Decimal]
        assert [result[value].deals for value in values] == [1, 1, 1, 2, 2]
        assert result[1] is not result[True]

    def test_what_is_not_finite_has_a_place_too(self):
        """A host's callable may return what no field holds."""
        odd = {"a": float("nan"), "b": Decimal("inf"), "c": 2}
        result = up([deal(key) for key in odd], by=lambda row: odd[row.id])
        assert [str(row.keys[0]) for row in result.rows] == ["2", "Infinity", "nan"]

    def test_by_several_keys(self):
        """Two keys make one row per pair that exists."""
        rows = [deal("1", owner="ada", product="core"), deal("2", owner="ada", product="suite"), deal("3", owner="bo")]
        result = up(rows, by=["owner", "product"])
        assert [row.keys for row in result.rows] == [("ada", "core"), ("ada", "suite"), ("bo", None)]
        assert result["ada", "suite"].deals == 1

    def test_by_a_field_of_the_hosts(self):
        """Any of the host's fields is a key; an attribute of the same name goes first where it says something."""
        rows = [deal("1", fields={"tier": "gold"}), deal("2", fields={"tier": 3}), deal("3")]
        assert [row.keys for row in up(rows, by="tier").rows] == [(3,), ("gold",), (None,)]

    def test_by_a_callable(self):
        """A callable names its column; two nameless ones get columns of their own."""

        def size(row):
            return "large" if row.amount.amount > 50 else "small"

        rows = [deal("1", "10"), deal("2", "100")]
        assert [row["size"] for row in up(rows, by=size).to_rows()] == ["large", "small"]
        result = up(rows, by=[lambda row: row.id, lambda row: 1, size, size])
        assert result.by == ("key", "key_2", "size", "size_2")

    def test_by_month_quarter_and_year_of_the_calendar(self):
        """Open deals fall where they are expected to close, won ones where they closed, in fiscal periods."""
        rows = [
            deal("1", expected_close=date(2026, 4, 1)),
            won("2", day=date(2026, 3, 2)),
            won("3", day=date(2026, 1, 5)),
        ]
        april = FiscalCalendar(UTC, first_month=4)
        assert [row["month"] for row in up(rows, by="month").to_rows()] == ["2026-01", "2026-03", "2026-04"]
        assert [row["quarter"] for row in up(rows, by="quarter", calendar=april).to_rows()] == [
            "FY2026 Q4",
            "FY2027 Q1",
        ]
        result = up(rows, by="year", calendar=april)
        assert result.rows[0].keys == (april.year(2026),)
        assert result["FY2026"].deals == result[april.year(2026)].deals == 2

    def test_without_a_date_a_deal_has_no_month(self):
        """Grouping by a period lists what has no date; other groupings do not need one."""
        rows = [deal("1"), deal("2", state="won"), deal("3", None), deal("4", expected_close=CLOSE)]
        by_month = up(rows, by="month")
        assert [(one.id, one.reason.value) for one in by_month.omitted if one.reason != "no_probability"] == [
            ("1", "undated"),
            ("2", "undated"),
            ("3", "undated"),
            ("3", "unpriced"),
        ]
        assert [str(one) for one in by_month.omitted[:2]] == [
            "1: has no expected close date",
            "2: has no day of closing",
        ]
        assert up(rows).total.deals == 3

    def test_limited_to_a_period(self):
        """Only what closes in the period counts; what lies outside is not missing, what has no date is."""
        rows = [
            deal("in", expected_close=CLOSE, probability=1),
            deal("out", expected_close=date(2026, 4, 1)),
            won("won in", day=date(2026, 3, 1)),
            won("won out", day=date(2026, 2, 28)),
            deal("undated"),
        ]
        result = up(rows, period=BOOKS.month(2026, 3))
        assert (result.total.amounts.pipeline, result.total.amounts.closed) == (Money(100, "EUR"), Money(100, "EUR"))
        assert [one.id for one in result.omitted] == ["undated"]
        assert str(result).startswith("Rollup of 2026-03, single")

    def test_a_key_named_like_a_column_gets_out_of_its_way(self):
        """A host's field called commit does not overwrite the category."""
        result = up([deal("1", fields={"commit": "yes"})], by="commit")
        assert result.by == ("by_commit",)
        assert result.to_rows()[0]["by_commit"] == "yes"

    def test_members_of_an_enumeration_show_as_their_values(self):
        """Rows hold plain text for states and categories."""
        result = up([deal("1")], by=["state", "forecast_category"])
        assert result.rows[0].keys == (DealState.OPEN, "pipeline")
        assert type(result.to_rows()[0]["state"]) is str

    def test_keys_of_every_kind_are_ordered(self):
        """Numbers, then money, periods, texts and others, and unknown last; nothing is compared with another kind."""
        keys = [
            "b",
            2,
            None,
            Money(2, "EUR"),
            BOOKS.month(2026, 2),
            "a",
            True,
            Money(1, "EUR"),
            BOOKS.month(2026, 1),
            CLOSE,
        ]
        assert sorted(keys, key=lambda key: place((key,))) == [
            True,
            2,
            Money(1, "EUR"),
            Money(2, "EUR"),
            CLOSE,
            BOOKS.month(2026, 1),
            BOOKS.month(2026, 2),
            "a",
            "b",
            None,
        ]


class TestRounding:
    """Figures add up, and the ones that people check are the exact ones, rounded once."""

    RATES = ExchangeRates([Rate("USD", "EUR", "0.9", date(2026, 1, 1))])

    def test_the_open_pipeline_is_rounded_once(self):
        """Four amounts of 0.009 and 0.045 are 0.144: the open pipeline is 0.14, not four roundings, 0.16."""
        categories = {"commit": "0.01", "most_likely": "0.05", "best_case": "0.05", "pipeline": "0.05"}
        rows = [deal(name, cents, currency="USD", forecast_category=name) for name, cents in categories.items()]
        single, total = (up(rows, rates=self.RATES, mode=mode).total for mode in RollupMode)
        assert plain(total.amounts) == {
            "omitted": "0.00",
            "pipeline": "0.14",
            "best_case": "0.10",
            "most_likely": "0.05",
            "commit": "0.01",
            "closed": "0.00",
        }
        assert [str(money.amount) for _, money in single.amounts.items()] == [
            "0.00",
            "0.04",
            "0.05",
            "0.04",
            "0.01",
            "0.00",
        ]

    def test_a_row_that_lost_gets_the_next_unit(self):
        """Rows with the same amounts in two categories both show their sum right."""
        rows = [
            deal(f"{owner} {name}", "0.005", owner=owner, forecast_category=name)
            for owner in ("ada", "bo")
            for name in ("commit", "most_likely")
        ]
        result = up(rows, by="owner", mode="cumulative")
        assert [str(row.amounts.most_likely) for row in result.rows] == ["0.01 EUR", "0.01 EUR"]


class TestWonCountsOnce:
    """A won deal is closed, whatever somebody called it."""

    def test_a_won_deal_called_omitted_is_closed(self):
        """It is in the column closed and in what is expected, and nowhere else."""
        total = up([won("w", "100", forecast_category="omitted")]).total
        assert (total.amounts.closed, total.amounts.omitted, total.expected) == (
            Money(100, "EUR"),
            Money(0, "EUR"),
            Money(100, "EUR"),
        )
        assert total.counts.closed == total.deals == 1


class TestPastDue:
    """Open deals whose day has passed are in the figures, and named."""

    def test_they_are_a_list_of_their_own(self):
        """Open, in scope, and due before today; what is due today is not late, what is won is not open."""
        rows = [
            deal("late", expected_close=date(2026, 3, 9)),
            deal("unpriced", None, expected_close=date(2026, 1, 9)),
            deal("today", expected_close=date(2026, 3, 10)),
            deal("undated"),
            won("won"),
            deal("lost", state="lost", expected_close=date(2026, 1, 9)),
        ]
        result = up(rows)
        assert result.past_due == ("late", "unpriced")
        assert result.total.amounts.pipeline == Money(300, "EUR")
        assert "open and past due: 2: late, unpriced" in str(result)
        assert "open and past due" in result._repr_html_()
        assert up(rows, period=BOOKS.month(2026, 1)).past_due == ("unpriced",)

    @pytest.mark.parametrize("period", [BOOKS.quarter(2026, 1), BOOKS.quarter(2026, 2), BOOKS.month(2026, 3)])
    def test_expected_before_the_period(self, period):
        """It may yet close in a period that is not over: it is in no figure, and listed."""
        before = deal("before", expected_close=date(2025, 12, 9))
        result = up([before, won("won"), deal("lost", state="lost", expected_close=date(2025, 12, 9))], period=period)
        assert [(one.id, one.reason.value, one.detail) for one in result.omitted] == [
            ("before", "past_due", "was expected to close on 2025-12-09 and is still open")
        ]
        assert (result.past_due, result.total.counts.pipeline) == ((), 0)
        assert "left out: 1 past due: before" in str(result)

    def test_what_is_no_longer_or_not_yet_late(self):
        """In a period that is over nothing closes any more; what is expected before a later one is not late yet."""
        assert up([deal("O-1", expected_close=date(2025, 12, 9))], period=BOOKS.month(2026, 1)).omitted == ()
        assert up([deal("O-1", expected_close=date(2026, 3, 10))], period=BOOKS.quarter(2026, 2)).omitted == ()

    def test_keys_that_are_not_equal_to_themselves(self):
        """Deals whose key is `nan` share a row, though no `nan` equals another."""
        result = up(
            [deal("O-1"), deal("O-2"), deal("O-3")], by=lambda one: Decimal("nan") if one.id == "O-3" else float("nan")
        )
        assert [row.deals for row in result.rows] == [3]

    def test_a_long_list_is_cut_short_in_text_only(self):
        """As with what is left out."""
        result = up([deal(f"O-{n}", expected_close=date(2026, 1, 9)) for n in range(7)])
        assert "open and past due: 7: O-0, O-1, O-2, O-3, O-4, ...\n" in f"{result}\n"
        assert len(result.past_due) == 7


class TestRecurring:
    """Recurring revenue is one of four figures, and the rollup says which."""

    ROWS = (
        deal("yearly", "3600", recurring=Recurring(Money("1200", "EUR"), 12, 36), probability=0.5),
        deal("monthly", "50", recurring=Recurring(Money("100", "EUR"), 1), probability=0.5),
        deal("once", "700", probability=0.5),
    )

    @pytest.mark.parametrize(
        ("measure", "figure", "left_out"),
        [
            ("amount", "4350.00", []),
            ("mrr", "200.00", [("once", "not_recurring")]),
            ("arr", "2400.00", [("once", "not_recurring")]),
            ("acv", "2400.00", [("once", "not_recurring")]),
            ("tcv", "3600.00", [("monthly", "open_ended"), ("once", "not_recurring")]),
        ],
    )
    def test_each_figure_by_its_name(self, measure, figure, left_out):
        """What a deal does not have is listed, never 0."""
        result = up(self.ROWS, measure=measure)
        assert str(result.total.amounts.pipeline.amount) == figure
        assert [(one.id, one.reason.value) for one in result.omitted] == left_out

    def test_the_title_names_it(self):
        """MRR and ARR must not be mixed up; plain amounts need no name."""
        assert str(up(self.ROWS, measure="mrr")).startswith("Rollup of MRR, single")
        assert str(up(self.ROWS)).startswith("Rollup, single")
        assert up(self.ROWS, measure="arr").measure is Measure.ARR


class TestOneCalendar:
    """A period's days are those of its own calendar."""

    def test_another_calendar_than_the_periods_is_refused(self):
        """New York's days are not those of a quarter in UTC; the period's own calendar may be given."""
        new_york = FiscalCalendar(ZoneInfo("America/New_York"))
        with pytest.raises(
            InvalidError, match=r"calendar must be that of the period, .*; leave it out, or take"
        ) as caught:
            up([], period=BOOKS.quarter(2026, 1), calendar=new_york)
        assert [problem.path for problem in caught.value.problems] == ["calendar"]
        assert up([], period=BOOKS.quarter(2026, 1), calendar=FiscalCalendar(UTC)).total.deals == 0


class TestBadInput:
    """Each wrong argument is named, all of them at once."""

    @pytest.mark.parametrize("deals", [None, "long text" * 1000, {"a": 1}, [1] * 10_000])
    def test_what_holds_no_deals_is_one_short_error(self, deals):
        """No text falls apart into its letters, and ten thousand wrong rows are not told one by one."""
        with pytest.raises(InvalidTypeError, match="rollup: deals") as caught:
            up(deals)
        assert len(str(caught.value)) < 600

    def test_every_argument_is_judged(self):
        """One error lists them all."""
        with pytest.raises(InvalidTypeError) as caught:
            rollup(
                [deal("1", owner="ada")],
                period="2026-03",
                mode="both",
                measure="ARRR",
                by=["ownr", 7],
                rates=1.1,
                currency="EURO",
                as_of=datetime(2026, 3, 10),  # noqa: DTZ001
                calendar=UTC,
            )
        assert [problem.path for problem in caught.value.problems] == [
            "period",
            "mode",
            "measure",
            "by[0]",
            "by[1]",
            "rates",
            "currency",
            "calendar",
            "as_of",
        ]
        assert "did you mean 'owner'?" in str(caught.value)

    @pytest.mark.parametrize("key", ["tags", "fields", "recurring"])
    def test_what_is_no_single_value_is_no_key(self, key):
        """A deal with three tags is in no one group."""
        with pytest.raises(InvalidError, match="is unknown"):
            up([deal("1")], by=key)
        with pytest.raises(InvalidError, match="is unknown"):
            up([], by=key)

    def test_a_field_nobody_has_is_unknown_unless_there_is_nobody(self):
        """With deals, a key that none of them knows is a mistake; without any, it cannot be known."""
        with pytest.raises(InvalidError, match=r"by\[0\] is unknown: 'tier'"):
            up([deal("1")], by="tier")
        assert up([], by="tier").by == ("tier",)

    def test_a_callable_must_give_keys_that_can_be_hashed(self):
        """The error names the deal."""
        with pytest.raises(InvalidTypeError, match=r"by must give keys that can be hashed, got \(\['1'\],\) for '1'"):
            up([deal("1")], by=lambda row: [row.id])


class TestShowing:
    """A rollup is a table: as rows, as text, in a notebook."""

    def test_rows_hold_money_and_counts(self):
        """Column by column: keys, amounts, expected revenue, number of deals, counts."""
        (row,) = up([deal("1", owner="ada", probability=0.5)], by="owner").to_rows()
        assert list(row) == [
            "owner",
            "omitted",
            "pipeline",
            "best_case",
            "most_likely",
            "commit",
            "closed",
            "expected",
            "deals",
            "omitted_deals",
            "pipeline_deals",
            "best_case_deals",
            "most_likely_deals",
            "commit_deals",
            "closed_deals",
        ]
        assert (row["pipeline"], row["expected"], row["pipeline_deals"]) == (Money(100, "EUR"), Money(50, "EUR"), 1)

    def test_totals_are_a_row_on_request(self):
        """By default rows can be added up without counting twice."""
        result = up([deal("1", owner="ada", product="core"), deal("2")], by=["owner", "product"])
        assert len(result.to_rows()) == 2
        last = result.to_rows(total=True)[-1]
        assert (last["owner"], last["product"], last["deals"]) == ("total", None, 2)

    def test_text_is_a_table_with_totals_and_omissions(self):
        """What a terminal shows."""
        rows = [
            deal("O-1", "1234.50", owner="ada", probability=0.25),
            deal("O-2", "1234.50", owner="bo", probability=0.25, forecast_category="commit"),
            deal("O-3", None, owner="bo"),
        ]
        assert str(up(rows, by="owner")) == (
            "Rollup, single, as of 2026-03-10T12:00:00+00:00, in EUR\n"
            "owner  omitted  pipeline  best case  most likely    commit  closed  expected  deals\n"
            "ada       0.00  1,234.50       0.00         0.00      0.00    0.00    308.63      1\n"
            "bo        0.00      0.00       0.00         0.00  1,234.50    0.00    308.62      1\n"
            "total     0.00  1,234.50       0.00         0.00  1,234.50    0.00    617.25      2\n"
            "left out: 1 without an amount: O-3"
        )
        assert str(up(rows[:2], mode="cumulative")) == (
            "Rollup, cumulative, as of 2026-03-10T12:00:00+00:00, in EUR\n"
            "       open pipeline  best case  most likely    commit  closed  expected  deals\n"
            "total       2,469.00   1,234.50     1,234.50  1,234.50    0.00    617.25      2"
        )

    def test_long_lists_of_omissions_are_cut_short_in_text_only(self):
        """The text names the first five; the list has all."""
        result = up([deal(f"O-{n}", None) for n in range(1, 8)])
        assert "left out: 7 without an amount: O-1, O-2, O-3, O-4, O-5, ..." in str(result)
        assert len(result.omitted) == 7

    def test_html_is_escaped(self):
        """An owner called <script> stays text in a notebook."""
        html = up([deal("<i>", None, owner="ada"), deal("2", owner="<script>")], by="owner")._repr_html_()
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "<i>" not in html
        assert "100.00" in html

    def test_it_is_a_value(self):
        """Rollups compare by what they say, and survive pickling."""
        result = up(ONE_OF_EACH, by="state", mode="cumulative")
        assert isinstance(result, Rollup)
        assert pickle.loads(pickle.dumps(result)) == result
        assert result != up(ONE_OF_EACH, by="state", mode="cumulative", as_of=NOW + timedelta(days=1))
