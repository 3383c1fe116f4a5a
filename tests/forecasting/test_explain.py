"""Why two forecasts differ: each cause by itself, mixtures by the mean over all orders, and that it adds up."""

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.errors import InvalidError, InvalidTypeError, UnknownNameError
from leadflow.forecasting import Deal, DealState, Estimate, Factor, StageTable, explain, forecast
from leadflow.forecasting.causes import spread
from leadflow.money import ExchangeRates, Money, Rate

QUARTER = FiscalCalendar(UTC).quarter(2026, 1)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
FRIDAY = datetime(2026, 3, 6, 9, tzinfo=UTC)
MARCH, JUNE = date(2026, 3, 31), date(2026, 6, 30)
EARLY = ExchangeRates([Rate("USD", "EUR", "0.5", date(2026, 1, 1))])
LATE = ExchangeRates([Rate("USD", "EUR", "0.5", date(2026, 1, 1)), Rate("USD", "EUR", "0.6", date(2026, 3, 5))])


class Fading:
    """The deal's own chance, less for each day in its stage, in proportion to the time that is left."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def __eq__(self, other):
        return isinstance(other, Fading) and self.factor == other.factor

    __hash__ = None

    def win(self, deal, *, as_of, horizon):
        """Leave out what has no chance of its own."""
        if deal.probability is None:
            return Estimate(0.0, why="unknown", left_out="no_probability")
        age = 0 if deal.stage_entered_at is None else (as_of - deal.stage_entered_at).days
        return Estimate(self.factor * deal.probability * min(1.0, horizon.days / 28) / (1 + age), 5, why="fading")


def deal(amount="100", *, key="O-1", currency="EUR", state="open", probability=0.5, close=MARCH, **attributes):
    priced = None if amount is None else Money(amount, currency)
    return Deal(key, state=state, amount=priced, probability=probability, expected_close=close, **attributes)


def of(deals, at=MONDAY, **options):
    listed = [deals] if isinstance(deals, Deal) else deals
    given = {"model": StageTable(pipelines.SIMPLE), "period": QUARTER, "currency": "EUR", "rates": EARLY, **options}
    return forecast(listed, as_of=at, **given)


def causes(f0, f1):
    return {one.factor.value: str(one.amount.amount) for one in explain(f0, f1).effects if one.amount.amount}


class TestOneCause:
    """What only one thing changed is that thing's effect, all of it."""

    @pytest.mark.parametrize(
        ("f0", "f1", "expected"),
        [
            (of(deal()), of(deal("140")), {"amount": "20.00"}),
            (of(deal(None)), of(deal()), {"amount": "50.00"}),
            (of(deal()), of(deal(probability=0.3)), {"probability": "-20.00"}),
            (of(deal()), of(deal(forecast_category="omitted")), {"probability": "-50.00"}),
            (of(deal()), of(deal(close=JUNE)), {"timing": "-50.00"}),
            (of(deal(close=date(2026, 3, 4))), of(deal(close=date(2026, 3, 4)), FRIDAY), {"timing": "-50.00"}),
            (of(deal(currency="USD")), of(deal(currency="USD"), FRIDAY, rates=LATE), {"currency": "5.00"}),
            (of([]), of(deal()), {"new_closed": "50.00"}),
            (of(deal()), of([]), {"new_closed": "-50.00"}),
            (of(deal()), of(deal(state="won", closed_at=MONDAY)), {"new_closed": "50.00"}),
            (of(deal()), of(deal(state="lost", closed_at=MONDAY)), {"new_closed": "-50.00"}),
            (of(deal(), model=Fading()), of(deal(), model=Fading(0.5)), {"model": "-25.00"}),
        ],
    )
    def test_it_has_the_whole_effect(self, f0, f1, expected):
        """Amount, state, dates and clock, rates, new and closed deals, the model."""
        assert causes(f0, f1) == expected

    def test_time_left_and_age_are_two_causes(self):
        """The same deal four days later: less time is timing, four days more in its stage are probability."""
        fresh = deal("2800", stage_entered_at=MONDAY)
        whole = {"model": Fading()}
        only_clock = explain(of(fresh, **whole), of(deal("2800", stage_entered_at=FRIDAY), FRIDAY, **whole))
        assert (only_clock["probability"], only_clock["timing"]) == (Money(0, "EUR"), Money("-150", "EUR"))
        both = explain(of(fresh, **whole), of(fresh, FRIDAY, **whole))
        # 1,400 x 25/28 / 5 = 250: the mean of ageing first (to 280, then to 250) and last (to 1,250, then to 250).
        assert both.end == Money("250", "EUR")
        assert both["timing"] == Money("-90", "EUR")
        assert both["probability"] == Money("-1060", "EUR")

    def test_a_won_deal_that_was_corrected(self):
        """Another amount of a win is amount; another day, outside the period, is timing."""
        won = deal(state="won", closed_at=MONDAY)
        assert causes(of(won), of(deal("90", state="won", closed_at=MONDAY))) == {"amount": "-10.00"}
        december = datetime(2025, 12, 1, tzinfo=UTC)
        assert causes(of(won), of(deal(state="won", closed_at=december))) == {"timing": "-100.00"}

    def test_what_belongs_to_no_deal_is_the_rest(self):
        """A mean that is more than its deals (new business, say) still adds up."""
        more = attrs.evolve(of(deal()), won=Money("7", "EUR"))
        result = explain(of(deal()), more)
        assert (result["rest"], result.change, result.deals) == (Money("7", "EUR"), Money("7", "EUR"), ())

    def test_lost_deals_do_not_count(self):
        """Whatever changed on them."""
        lost = [of(deal(amount, state="lost", closed_at=MONDAY)) for amount in ("1", "2")]
        assert causes(*lost) == {}


class TestMixtures:
    """What several things changed together is shared out by the mean over all orders."""

    def test_two_causes_meet_in_the_middle(self):
        """1000 @ 20 % to 1500 @ 40 %: 500 x 30 % and 1250 x 20 %."""
        result = explain(of(deal("1000", probability=0.2)), of(deal("1500", probability=0.4)))
        assert (result["amount"], result["probability"]) == (Money(150, "EUR"), Money(250, "EUR"))

    def test_three_causes_by_hand(self):
        """Price 100 to 200 and chance 0.5 x rate: all six orders, worked by hand."""
        f0 = of(deal("100", currency="USD", probability=0.5))
        f1 = of(deal("200", currency="USD", probability=1.0), FRIDAY, rates=LATE)
        # Each of amount, rate and chance: its step times the mean of the others over the six orders.
        a, r, p = (Fraction(100), Fraction(200)), (Fraction(1, 2), Fraction(3, 5)), (Fraction(1, 2), Fraction(1))

        def turn(mine, one, other):
            step = mine[1] - mine[0]
            return step * (2 * one[0] * other[0] + one[1] * other[0] + one[0] * other[1] + 2 * one[1] * other[1]) / 6

        result = explain(f0, f1)
        for factor, exact in (("amount", turn(a, r, p)), ("currency", turn(r, a, p)), ("probability", turn(p, a, r))):
            assert abs(Fraction(result[factor].amount) - exact) < Fraction(1, 100)
        assert result.change == Money("95", "EUR")

    def test_a_currency_without_a_rate_then(self):
        """Where the mixture has no rate, the whole difference of price is the amount's."""
        none = of(deal("100", currency="EUR"), rates=None)
        assert causes(none, of(deal("300", currency="USD"))) == {"amount": "25.00"}

    def test_residue_is_shared_out(self):
        """A cent that rounding leaves over goes where most was lost; nothing stays nothing."""
        third = Fraction(1, 3)
        assert spread([third, third, third], 1) == [1, 0, 0]
        assert spread([-third, -third, -third], -1) == [-1, 0, 0]
        assert spread([Fraction(0), Fraction(1, 2)], 2) == [0, 2]
        assert spread([Fraction(0), Fraction(0)], 1) == [0, 1]
        assert spread([], 0) == []


amounts = st.none() | st.builds(
    Money, st.decimals(Decimal(-1), Decimal(10**7), places=3), st.sampled_from(["EUR", "USD", "GBP"])
)


@st.composite
def known(draw, key, at):
    state = draw(st.sampled_from(DealState))
    entered = st.datetimes(datetime(2026, 1, 1), at.replace(tzinfo=None), timezones=st.just(UTC))  # noqa: DTZ001
    return Deal(
        key,
        state=state,
        amount=draw(amounts),
        stage=draw(st.sampled_from(["qualified", "proposal", "negotiation"])),
        probability=draw(st.none() | st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0])),
        forecast_category=draw(st.sampled_from([None, "omitted", "commit"])),
        expected_close=draw(st.none() | st.dates(date(2026, 2, 20), date(2026, 4, 10))),
        stage_entered_at=draw(st.none() | entered),
        closed_at=None if state is DealState.OPEN else draw(st.none() | entered),
    )


@st.composite
def forecasts(draw):
    """Two forecasts over deals of which some are in one only, and some are the same in both."""
    models = st.sampled_from([Fading(), Fading(0.5), StageTable(pipelines.SIMPLE)])
    rates = st.sampled_from([None, EARLY, LATE])
    first: list[Deal] = []
    second: list[Deal] = []
    for number in range(draw(st.integers(0, 5))):
        old = draw(st.none() | known(f"O-{number}", MONDAY))
        new = old if draw(st.booleans()) else draw(st.none() | known(f"O-{number}", FRIDAY))
        first += [] if old is None else [old]
        second += [] if new is None else [new]
    at = draw(st.sampled_from([MONDAY, FRIDAY])) if second == first else FRIDAY
    return (
        of(first, model=draw(models), rates=draw(rates)),
        of(second, at, model=draw(models), rates=draw(rates)),
    )


class TestLaws:
    """What holds for any two forecasts."""

    @given(forecasts())
    def test_it_adds_up(self, pair):
        """Effects to the change of the mean, each column to its effect, each row to its change: to the last cent."""
        f0, f1 = pair
        result = explain(f0, f1)
        zero = Money.zero("EUR")
        assert Money.total(one.amount for one in result.effects) == result.change == f1.mean - f0.mean
        for factor in Factor:
            if factor is not Factor.REST:
                assert Money.total([zero, *(row[factor] for row in result.deals)]) == result[factor]
        assert Money.total([zero, *(row.change for row in result.deals)]) + result["rest"] == result.change

    @given(forecasts())
    def test_backwards_is_the_negative(self, pair):
        """Monday to Friday and Friday to Monday say the same."""
        there, back = explain(*pair), explain(*reversed(pair))
        assert [one.amount for one in back.effects] == [-one.amount for one in there.effects]
        assert [[-each for each in row.amounts] for row in back.deals] == [list(row.amounts) for row in there.deals]

    @given(forecasts())
    def test_nothing_differs_from_itself(self, pair):
        """No effects, no deals."""
        result = explain(pair[0], pair[0])
        assert {one.amount for one in result.effects} == {Money(0, "EUR")}
        assert result.deals == ()

    @given(forecasts(), st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, pair, random):
        """The same deals in another order have the same explanation."""
        again = [
            of(random.sample(each.deals, len(each.deals)), each.as_of, model=each.model, rates=each.rates)
            for each in pair
        ]
        assert explain(*again) == explain(*pair)

    @given(forecasts())
    def test_a_deals_part_is_what_the_forecasts_say(self, pair):
        """Each row is within rounding of the difference of its contributions: for each cause, a cent and a bit."""
        parts = [{one.id: one.expected for one in each.contributions()} for each in pair]
        zero = Money.zero("EUR")
        for row in explain(*pair).deals:
            change = parts[1].get(row.id, zero) - parts[0].get(row.id, zero)
            assert abs(row.change - change) <= Money("0.10", "EUR")


class TestBadInput:
    """Forecasts that cannot be compared are refused."""

    def test_other_than_forecasts(self):
        """Both are named."""
        with pytest.raises(InvalidTypeError) as caught:
            explain(1, [])
        assert [problem.path for problem in caught.value.problems] == ["f0", "f1"]

    def test_another_period_or_currency(self):
        """A quarter and a month, euros and dollars have no difference."""
        other = of(deal(), period=QUARTER.next(), currency="USD")
        with pytest.raises(InvalidError, match="same period, got FY2026 Q1 and FY2026 Q2; f1 must be of the same curr"):
            explain(of(deal()), other)

    def test_an_unknown_factor_is_named(self):
        """In the whole and in a deal."""
        result = explain(of(deal()), of(deal("140")))
        with pytest.raises(UnknownNameError, match="did you mean 'timing'"):
            result["timings"]
        with pytest.raises(UnknownNameError, match="unknown factor 'rest' in a deal's explanation"):
            result.deals[0]["rest"]


class TestShowing:
    """An explanation is a table: as rows, as text, in a notebook."""

    def test_text_and_rows(self):
        """Causes first, then the deals that moved most."""
        many = [deal(str(100 + n), key=f"O-{n:02}") for n in range(12)]
        result = explain(of(many), of([deal(str(100 + 2 * n), key=f"O-{n:02}") for n in range(12)]))
        lines = str(result).splitlines()
        assert lines[1:5] == [
            "        amount  deals",
            "start   633.00      -",
            "amount   33.00     11",
            "end     666.00      -",
        ]
        assert lines[5:7] == ["id    amount  change", "O-11    5.50    5.50"]
        assert lines[-1] == "and 1 more"
        assert [row["id"] for row in result.to_rows()][:2] == ["O-11", "O-10"]
        assert result.to_rows()[0]["change"] == Money("5.50", "EUR")

    def test_html_is_escaped(self):
        """An id with markup stays text; nothing changed is shown too."""
        assert "&lt;O-1&gt;" in explain(of(deal(key="<O-1>")), of(deal("140", key="<O-1>")))._repr_html_()
        assert "start" in explain(of([]), of([]))._repr_html_()
        assert len(str(explain(of([]), of([]))).splitlines()) == 4

    def test_it_is_a_value(self):
        """It compares by what it says, and survives pickling."""
        result = explain(of(deal()), of(deal("140"), MONDAY + timedelta(days=1)))
        assert pickle.loads(pickle.dumps(result)) == result
