"""Waterfalls: what happened to each deal of a period's pipeline, and that it adds up whatever happened."""

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Opportunity, pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.dealparts import CountsAs, Origin
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError, UnknownNameError
from leadflow.forecasting import Bucket, Deal, DealState, rollup, waterfall
from leadflow.money import ExchangeRates, Money, Rate
from leadflow.stage import ForecastCategory

BOOKS = FiscalCalendar(UTC)
QUARTER = BOOKS.quarter(2026, 1)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
FRIDAY = datetime(2026, 3, 6, 17, tzinfo=UTC)
MARCH, JUNE = date(2026, 3, 31), date(2026, 6, 30)
IN_JANUARY = datetime(2026, 1, 15, tzinfo=UTC)
LAST_YEAR = datetime(2025, 11, 15, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, tzinfo=UTC)
RATES = ExchangeRates(
    [
        Rate("USD", "EUR", Decimal("0.9137"), date(2026, 1, 1)),
        Rate("USD", "EUR", Decimal("0.8731"), date(2026, 3, 4)),
        Rate("EUR", "GBP", Decimal("0.8457"), date(2026, 3, 1)),
    ]
)
TIMES = {"rates": RATES, "since": MONDAY, "until": FRIDAY}


def deal(amount="100", close=MARCH, *, state="open", currency="EUR", key="O-1", **attributes):
    priced = None if amount is None else Money(amount, currency)
    return Deal(key, state=state, amount=priced, expected_close=close, **attributes)


def closed(state, amount="100", at=WEDNESDAY, close=MARCH, **attributes):
    return deal(amount, close, state=state, closed_at=at, **attributes)


def fall(before, after, **options):
    listed = [[] if side is None else [side] if isinstance(side, Deal) else side for side in (before, after)]
    return waterfall(*listed, **{"period": QUARTER, "currency": "EUR", **options})


def way(before, after, **options):
    return [(step.bucket.value, str(step.amount.amount)) for step in fall(before, after, **options).chain("O-1")]


WITHDRAWN = deal(state="withdrawn")
OMITTED = deal(forecast_category="omitted")
DUPLICATE = closed("lost", counts_as="void")


class TestOneWayPerDeal:
    """What two states of a deal mean, bucket by bucket."""

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            (deal(), deal(), [("start", "100"), ("end", "100")]),
            (None, deal(), [("created", "100"), ("end", "100")]),
            (deal(), None, [("start", "100"), ("removed", "-100")]),
            (deal(close=JUNE), deal(), [("pulled_in", "100"), ("end", "100")]),
            (deal(close=None), deal(), [("pulled_in", "100"), ("end", "100")]),
            (deal(), deal(close=JUNE), [("start", "100"), ("pushed_out", "-100")]),
            (deal(), deal(close=date(2025, 12, 31)), [("start", "100"), ("pushed_out", "-100")]),
            (deal(), deal(close=None), [("start", "100"), ("pushed_out", "-100")]),
            (deal(), deal("130"), [("start", "100"), ("increased", "30"), ("end", "130")]),
            (deal(), deal("70"), [("start", "100"), ("decreased", "-30"), ("end", "70")]),
            (deal(), closed("won"), [("start", "100"), ("won", "-100")]),
            (deal(), closed("lost"), [("start", "100"), ("lost", "-100")]),
            (deal(), WITHDRAWN, [("start", "100"), ("removed", "-100")]),
            (deal(), OMITTED, [("start", "100"), ("removed", "-100")]),
            (deal(), DUPLICATE, [("start", "100"), ("removed", "-100")]),
            (closed("lost"), deal(), [("reopened", "100"), ("end", "100")]),
            (closed("won"), deal("90"), [("reopened", "100"), ("decreased", "-10"), ("end", "90")]),
            (WITHDRAWN, deal(), [("reopened", "100"), ("end", "100")]),
            (OMITTED, deal(), [("reopened", "100"), ("end", "100")]),
        ],
    )
    def test_a_step_for_each_thing_that_happened(self, before, after, expected):
        """In at most one way, out at most one way, and the change of amount between them."""
        assert way(before, after) == expected

    def test_increased_and_pushed_out(self):
        """It grew while it was in, and all that it is worth now went out."""
        assert way(deal(), deal("120", JUNE)) == [("start", "100"), ("increased", "20"), ("pushed_out", "-120")]

    def test_pulled_in_and_increased(self):
        """It came in with what it was worth, and grew inside."""
        assert way(deal(close=JUNE), deal("120")) == [("pulled_in", "100"), ("increased", "20"), ("end", "120")]

    def test_won_with_another_amount(self):
        """The discount is a decrease; the win is what was won."""
        assert way(deal(), closed("won", "80")) == [("start", "100"), ("decreased", "-20"), ("won", "-80")]

    def test_won_or_lost_before_or_after_the_period(self):
        """What was expected in the period is won or lost, whenever that was: it was not pushed out."""
        for state in ("won", "lost"):
            assert way(deal(), closed(state, at=LAST_YEAR)) == [("start", "100"), (state, "-100")]

    def test_created_and_closed_inside_the_window(self):
        """It came and went: won if it closed in the period, lost if it was expected there."""
        assert way(None, closed("won")) == [("created", "100"), ("won", "-100")]
        assert way(None, closed("won", close=JUNE)) == [("created", "100"), ("won", "-100")]
        assert way(None, closed("won", at=LAST_YEAR)) == []
        assert way(None, closed("lost")) == [("created", "100"), ("lost", "-100")]
        assert way(None, closed("lost", close=None)) == [("created", "100"), ("lost", "-100")]
        assert way(None, closed("lost", close=JUNE)) == []
        assert way(None, DUPLICATE) == []

    def test_pulled_in_and_won(self):
        """A deal of the next quarter that is won in this one passes through this one."""
        assert way(deal(close=JUNE), closed("won", "90", close=JUNE)) == [
            ("pulled_in", "100"),
            ("decreased", "-10"),
            ("won", "-90"),
        ]

    def test_reopened_and_closed_again(self):
        """Closed at another time, or otherwise: it was open in between. Closed as before: nothing happened."""
        lost = closed("lost", at=IN_JANUARY)
        assert way(lost, closed("lost")) == [("reopened", "100"), ("lost", "-100")]
        assert way(lost, closed("won", "90")) == [("reopened", "100"), ("decreased", "-10"), ("won", "-90")]
        assert way(lost, lost) == []
        assert way(closed("won"), closed("won", "50")) == []

    def test_never_in(self):
        """What was elsewhere and is elsewhere, away or closed elsewhere has no steps."""
        for after in (deal("500", JUNE), OMITTED, None, closed("won", at=LAST_YEAR), closed("lost", close=JUNE)):
            assert way(deal(close=JUNE), after) == []


class TestUnknownAmounts:
    """What has no amount is listed at that time, and is neither 0 nor away."""

    def test_an_amount_that_became_known_is_an_increase(self):
        """At the start it is listed, at the end it counts."""
        result = fall(deal(None), deal())
        assert [(step.bucket.value, step.amount.amount) for step in result.chain("O-1")] == [
            ("increased", 100),
            ("end", 100),
        ]
        assert [str(one) for one in result.omitted_before] == ["O-1: has no amount"]
        assert result.omitted_after == ()

    def test_an_amount_that_became_unknown_is_a_decrease(self):
        """The other way round."""
        result = fall(deal(), deal(None))
        assert [step.bucket.value for step in result.chain("O-1")] == ["start", "decreased"]
        assert [one.reason.value for one in result.omitted_after] == ["unpriced"]

    def test_who_goes_out_without_an_amount_goes_with_the_one_it_had(self):
        """And who comes in from without one, with the one it has."""
        assert way(deal(), closed("won", None)) == [("start", "100"), ("won", "-100")]
        assert way(deal(None, JUNE), deal()) == [("pulled_in", "100"), ("end", "100")]
        assert way(deal(None), closed("won")) == [("increased", "100"), ("won", "-100")]

    @pytest.mark.parametrize(
        ("broken", "reason"),
        [
            (deal(None), "unpriced"),
            (deal("-5"), "negative"),
            (deal(currency="USD"), "no_rate"),
            (deal(close=None), "undated"),
        ],
    )
    def test_listed_at_both_times(self, broken, reason):
        """Without amount, rate or date, or below zero: listed at each time, and in no bucket."""
        result = fall(broken, broken)
        assert [[one.reason.value for one in side] for side in (result.omitted_before, result.omitted_after)] == [
            [reason],
            [reason],
        ]
        assert (result.start, result.end, result.chain("O-1")) == (Money("0.00", "EUR"), Money("0.00", "EUR"), ())

    def test_zero_is_a_value(self):
        """A deal worth nothing is counted, and not listed."""
        result = fall(None, deal("0"))
        assert (result["created"].deals, result.omitted_after) == (1, ())


class TestCurrencies:
    """A change of rate is no change of amount."""

    def test_the_rate_alone(self):
        """The same dollars are worth other euros on Friday."""
        assert way(deal(currency="USD"), deal(currency="USD"), **TIMES) == [
            ("start", "91.3700"),
            ("currency", "-4.0600"),
            ("end", "87.3100"),
        ]

    def test_amount_and_rate(self):
        """The amount at the rate of before, then the rate."""
        assert way(deal(currency="USD"), deal("200", currency="USD"), **TIMES) == [
            ("start", "91.3700"),
            ("increased", "91.3700"),
            ("currency", "-8.1200"),
            ("end", "174.6200"),
        ]

    def test_another_currency(self):
        """Priced anew in pounds: what that is at Monday's rate is a change of amount."""
        steps = dict(way(deal(currency="USD"), deal("50", currency="GBP"), **TIMES))
        assert set(steps) == {"start", "decreased", "end"}

    def test_a_currency_that_had_no_rate_then(self):
        """What cannot be told apart is a change of amount."""
        early = datetime(2026, 2, 20, tzinfo=UTC)
        steps = way(deal(), deal("50", currency="GBP"), rates=RATES, since=early, until=FRIDAY)
        assert [name for name, _ in steps] == ["start", "decreased", "end"]

    def test_one_currency_needs_no_name_and_no_times(self):
        """The common case; several, or none, must be settled by the caller."""
        assert waterfall([deal()], [deal("120")], period=QUARTER).currency == "EUR"
        with pytest.raises(InvalidError, match="currency must be given where amounts are in several, got EUR, USD"):
            waterfall([deal()], [deal(currency="USD")], period=QUARTER)
        with pytest.raises(InvalidError, match="currency must be given where no deal has an amount"):
            waterfall([], [deal(None)], period=QUARTER)

    def test_times_are_needed_where_amounts_are_converted(self):
        """Which day's rate, nobody can guess."""
        with pytest.raises(InvalidError, match=r"since must be given where .*until must be given where"):
            fall(deal(), deal(), rates=RATES)

    def test_rounded_once(self):
        """Start and end are the rollup's figures, rounded once; changes take up what that leaves."""
        before = [deal("0.005", key=f"O-{n}") for n in range(3)]
        result = fall(before, [*before, deal("0.004", key="O-9")])
        assert [str(row.amount.amount) for row in result.rows if row.deals] == ["0.02", "0.00", "0.02"]


amounts = st.none() | st.builds(
    Money, st.decimals(Decimal(-1), Decimal(10**9), places=3), st.sampled_from(["EUR", "USD", "GBP", "CHF"])
)
days = st.none() | st.dates(date(2025, 12, 1), date(2026, 4, 30))


def instants(last):
    return st.datetimes(datetime(2025, 12, 1), last.replace(tzinfo=None), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def states_of(draw, key, at):
    state = draw(st.sampled_from(DealState))
    is_open = state is DealState.OPEN
    lost_as = draw(st.none() | st.sampled_from(CountsAs)) if state is DealState.LOST else None
    category = st.sampled_from([c for c in ForecastCategory if c is not ForecastCategory.CLOSED])
    return Deal(
        key,
        state=state,
        amount=draw(amounts),
        forecast_category=draw(st.none() | category),
        expected_close=draw(days),
        closed_at=None if is_open else draw(st.none() | instants(at)),
        counts_as=lost_as,
    )


@st.composite
def pairs(draw):
    """Deals as known at two times: some at one only, some unchanged."""
    before, after = [], []
    for number in range(draw(st.integers(0, 8))):
        key = f"O-{number}"
        old = draw(st.none() | states_of(key, MONDAY))
        same = old is not None and draw(st.booleans())
        new = old if same else draw(st.none() | states_of(key, FRIDAY))
        before += [] if old is None else [old]
        after += [] if new is None else [new]
    return before, after


def fallen(before, after, **options):
    return fall(before, after, **{**TIMES, **options})


def open_pipeline(deals, at):
    return rollup(deals, period=QUARTER, currency="EUR", rates=RATES, as_of=at, mode="cumulative")


ZERO = Money.zero("EUR")


class TestBalance:
    """It adds up: in all, bucket by bucket, and deal by deal."""

    @given(pairs())
    def test_start_and_changes_are_the_end(self, sides):
        """To the last cent, whatever happened and whatever was converted."""
        result = fallen(*sides)
        assert Money.total([row.amount for row in result.rows[:-1]]) == result.end

    @given(pairs())
    def test_the_exact_steps_add_up_too(self, sides):
        """Before rounding."""
        result = fallen(*sides)
        steps = {bucket: Money.total([ZERO, *(one.amount for one in result.steps(bucket))]) for bucket in Bucket}
        assert Money.total(amount for bucket, amount in steps.items() if bucket is not Bucket.END) == steps[Bucket.END]

    @given(pairs())
    def test_start_and_end_are_the_rollups_open_pipelines(self, sides):
        """Two ways to the same figures, and to what is missing in them."""
        result = fallen(*sides)
        for deals, at, figure, omitted in (
            (sides[0], MONDAY, result.start, result.omitted_before),
            (sides[1], FRIDAY, result.end, result.omitted_after),
        ):
            known = open_pipeline(deals, at)
            assert figure == known.total.amounts.pipeline
            counts = {deal.id for deal in deals if deal.is_open and deal.forecast_category != "omitted"}
            # What was due before the period is in neither figure, whatever else it lacks.
            before = {one.id for one in known.omitted if one.reason == "past_due"}
            assert {one.id for one in omitted} & counts - before == {
                one.id for one in known.omitted if one.id in counts - before and one.reason != "no_probability"
            }

    @given(pairs())
    def test_each_deal_goes_one_way(self, sides):
        """At most once into each bucket, in one way, out one way, up or down but not both; its steps add up."""
        result = fallen(*sides)
        for deal in {deal.id: deal for side in sides for deal in side}:
            steps = result.chain(deal)
            buckets = [step.bucket for step in steps]
            assert len(set(buckets)) == len(buckets)
            for several in (
                {"start", "created", "pulled_in", "reopened"},
                {"increased", "decreased"},
                {"pushed_out", "won", "lost", "removed", "end"},
            ):
                assert len(several.intersection(buckets)) <= 1
            ends = Money.total([ZERO, *(step.amount for step in steps if step.bucket is Bucket.END)])
            assert Money.total([ZERO, *(step.amount for step in steps if step.bucket is not Bucket.END)]) == ends

    @given(pairs())
    def test_what_goes_out_was_in(self, sides):
        """No bucket has the wrong sign."""
        result = fallen(*sides)
        for bucket in Bucket:
            for step in result.steps(bucket):
                if bucket in ("decreased", "pushed_out", "won", "lost", "removed"):
                    assert step.amount <= ZERO
                elif bucket is not Bucket.CURRENCY:
                    assert step.amount >= ZERO

    @given(pairs(), st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, sides, random):
        """The same deals in another order give the same waterfall."""
        shuffled = [random.sample(side, len(side)) for side in sides]
        assert fallen(*shuffled) == fallen(*sides)

    @given(pairs())
    def test_nothing_happened_to_what_is_the_same(self, sides):
        """With one set of deals and one day there are no changes."""
        result = fallen(sides[0], sides[0], until=MONDAY)
        assert [row.bucket for row in result.rows if row.deals] in ([], ["start", "end"])
        assert result.start == result.end

    @given(pairs())
    def test_won_is_what_the_closed_figure_grew_by(self, sides):
        """Of deals that were not closed before, the bucket holds what the rollup counts as closed in the period."""
        closed_before = {deal.id for deal in sides[0] if deal.is_won or deal.is_lost}
        fresh = [deal for deal in sides[1] if deal.is_won and deal.id not in closed_before]
        figure = rollup(fresh, period=QUARTER, currency="EUR", rates=RATES, as_of=FRIDAY, by="id")
        counted = {row.keys[0] for row in figure.rows}
        won = [-step.amount for step in fallen(*sides).steps("won") if step.id in counted]
        assert Money.total([ZERO, *won]).round() == figure.total.amounts.closed


class TestFromOpportunities:
    """Two times of the same histories."""

    def test_what_changed_since_monday(self):
        """`Deal.of_all` at two times is all it takes."""
        origin = Origin.from_customer("A-1")
        opened = Opportunity.open(
            "O-1",
            "Renewal",
            Money("100", "EUR"),
            expected_close=MARCH,
            origin=origin,
            account_id="A-1",
            type="renewal",
            pipeline=pipelines.SIMPLE,
            at=IN_JANUARY,
        )
        grown = opened.set_amount(Money("150", "EUR"), at=WEDNESDAY)
        late = Opportunity.open(
            "O-2",
            "Extension",
            Money("40", "EUR"),
            expected_close=MARCH,
            origin=origin,
            account_id="A-1",
            type="expansion",
            pipeline=pipelines.SIMPLE,
            at=WEDNESDAY,
        )
        sides = [Deal.of_all([grown, late], as_of=at) for at in (MONDAY, FRIDAY)]
        result = waterfall(*sides, period=QUARTER, since=MONDAY, until=FRIDAY)
        assert [(row.bucket.value, row.amount.amount, row.ids) for row in result.rows if row.deals] == [
            ("start", 100, ("O-1",)),
            ("created", 40, ("O-2",)),
            ("increased", 50, ("O-1",)),
            ("end", 190, ("O-1", "O-2")),
        ]


class TestBadInput:
    """Each wrong argument is named, all of them at once."""

    def test_every_argument_is_judged(self):
        """One error lists them all."""
        with pytest.raises(InvalidTypeError) as caught:
            waterfall(
                [deal(), deal()],
                7,
                period="Q1",
                currency="EURO",
                rates=1.1,
                since="Monday",
                until=datetime(2026, 3, 6),  # noqa: DTZ001
            )
        assert [problem.path for problem in caught.value.problems] == [
            "before",
            "after[0]",
            "period",
            "currency",
            "rates",
            "since",
            "until",
        ]

    def test_times_in_order(self):
        """From Friday to Monday is the other way round."""
        with pytest.raises(InvalidError, match="until must not be before since"):
            fall(deal(), deal(), since=FRIDAY, until=MONDAY)

    def test_no_look_ahead(self):
        """Deals that know more than was known at their time are refused."""
        with pytest.raises(LookAheadError, match="O-1"):
            fall(deal(recorded_at=FRIDAY), deal(), since=MONDAY, until=FRIDAY)
        with pytest.raises(LookAheadError, match="O-1"):
            fall(deal(), deal(recorded_at=FRIDAY + timedelta(days=1)), since=MONDAY, until=FRIDAY)

    def test_an_unknown_bucket_is_named(self):
        """With what it might have been."""
        with pytest.raises(UnknownNameError, match="did you mean 'pushed_out'"):
            fall(deal(), deal())["pushed"]


class TestShowing:
    """A waterfall is a table: as rows, as text, in a notebook."""

    RESULT = staticmethod(lambda: fall([deal(), deal(None, key="<O-2>")], [deal("120", JUNE), deal(key="<O-2>")]))

    def test_rows(self):
        """One per bucket, in order, also where nothing happened."""
        rows = self.RESULT().to_rows()
        assert [row["bucket"] for row in rows] == [bucket.value for bucket in Bucket]
        assert rows[0] == {"bucket": "start", "amount": Money("100.00", "EUR"), "deals": 1, "ids": ("O-1",)}

    def test_text(self):
        """Only what happened, between start and end, and what is missing."""
        assert str(fall([deal(), deal(None, key="O-2")], [deal("120", JUNE), deal(key="O-2")], since=MONDAY)) == (
            "Open pipeline of FY2026 Q1 since 2026-03-02T09:00:00+00:00, in EUR\n"
            "             amount  deals  which\n"
            "start        100.00      1  O-1\n"
            "increased    120.00      2  O-1, O-2\n"
            "pushed out  -120.00      1  O-1\n"
            "end          100.00      1  O-2\n"
            "left out of the start: 1 without an amount: O-2"
        )

    def test_html_is_escaped(self):
        """An id with markup stays text."""
        html = self.RESULT()._repr_html_()
        assert "<O-2>" not in html
        assert "&lt;O-2&gt;" in html

    def test_it_is_a_value(self):
        """It compares by what it says, and survives pickling."""
        result = self.RESULT()
        assert pickle.loads(pickle.dumps(result)) == result
