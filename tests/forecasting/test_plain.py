"""Numbers of data frames: taken as the plain numbers that they stand for, and never handed out again."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from numbers import Integral, Real

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.calendar import FiscalCalendar
from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.forecasting import (
    Conversion,
    Deal,
    Estimate,
    Total,
    Wins,
    auc,
    brier,
    crps,
    forecast,
    interval_score,
    log_loss,
    pinball,
    reliability,
)
from leadflow.forecasting.plain import plain
from leadflow.money import Money

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Scalar:
    """What NumPy's scalars have in common: a shape of no dimensions, an item, and a plain number behind them."""

    shape = ()

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value

    def __int__(self):
        return int(self.value)

    def __float__(self):
        return float(self.value)

    def __repr__(self):
        return f"np.{type(self).__name__}({self.value})"


class Int64(Scalar):
    """Registered as an integer, as NumPy's are; no `int`."""


class Float32(Scalar):
    """Registered as a real number; no `float`."""


class Float64(float):
    """A float by inheritance, with a text of its own."""

    def __repr__(self):
        return f"np.float64({float(self)})"


class Bool(Scalar):
    """Registered as nothing."""


class Array(Scalar):
    """An array of one."""

    shape = (1,)


Integral.register(Int64)
Real.register(Float32)


class TestPlain:
    """The plain number, or the value as it is."""

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            (Int64(3), 3),
            (Float32(0.5), 0.5),
            (Float64(0.5), 0.5),
            (Bool(True), True),
            (Bool(False), False),
            (Fraction(1, 4), 0.25),
            (True, True),
            (7, 7),
            (0.5, 0.5),
        ],
    )
    def test_numbers(self, given, found):
        """Of the same kind and size."""
        assert plain(given) == found
        assert type(plain(given)) is type(found)

    @pytest.mark.parametrize(
        "given", [None, "3", Array(True), Scalar("3"), Money(3, "EUR"), Fraction(10**400), 1j, (1,), NOW]
    )
    def test_what_is_no_number(self, given):
        """Is handed on to the check: texts, arrays, amounts, what no float can hold."""
        assert plain(given) is given


class TestScores:
    """Scores of columns are those of the numbers in them."""

    @pytest.mark.parametrize("score", [brier, log_loss, auc, lambda p, y: reliability(p, y).to_rows()])
    @given(rows=st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=20))
    def test_of_chances(self, score, rows):
        """For each score, in each kind of scalar."""
        rows = [*rows, (0.5, True), (0.25, False)]
        said, came = zip(*rows, strict=True)
        expected = score(said, came)
        assert score(map(Float32, said), map(Bool, came)) == expected
        assert score(map(Float64, said), [Int64(int(one)) for one in came]) == expected

    def test_of_amounts(self):
        """Samples, ends of intervals, levels and what came."""
        assert crps([Int64(90), Float32(110.0)], Int64(100)) == 5.0
        assert pinball(Int64(100), Float32(120.0), q=Float32(0.5)) == 10.0
        assert interval_score(Int64(80), Int64(120), Int64(100), level=Float64(0.8)) == 40.0

    def test_what_is_no_number_is_named(self):
        """With its place, as before."""
        with pytest.raises(InvalidError) as caught:
            brier([Float32(1.5), "half"], [Bool(True), Int64(2)])
        assert [one.path for one in caught.value.problems] == ["probabilities[0]", "probabilities[1]", "outcomes[1]"]


class TestModels:
    """What a model of a notebook answers is taken in as plain numbers."""

    @pytest.mark.parametrize("p", [Float32(0.25), Float64(0.25), Fraction(1, 4)])
    def test_estimate(self, p):
        """Chance, number and prior."""
        estimate = Estimate(p, Int64(41), p)
        assert estimate == Estimate(0.25, 41, 0.25)
        assert [type(one) for one in (estimate.p, estimate.n, estimate.prior)] == [float, int, float]

    def test_a_truth_value_is_no_chance(self):
        """Neither Python's nor NumPy's."""
        for yes in (True, Bool(True)):
            with pytest.raises(InvalidTypeError, match="p must be a probability"):
                Estimate(yes)

    def test_conversion(self):
        """Rate, shares and number."""
        found = Conversion(Float32(0.5), [(timedelta(days=30), Float64(1.0))], n=Int64(7))
        assert repr(found) == repr(Conversion(0.5, [(timedelta(days=30), 1.0)], n=7))


class TestTotals:
    """Totals of columns are those of the numbers in them."""

    def test_pairs(self):
        """Amounts, chances, the correlation."""
        found = Total.of([(Int64(100), Float32(0.5)), (Float64(50.0), 0.25)], rho=Float32(0.5))
        assert found == Total.of([(100, 0.5), (50, 0.25)], rho=0.5)
        assert Wins.of([Float32(0.5)]) == Wins.of([0.5])

    def test_questions(self):
        """What is asked may be a scalar as well."""
        total = Total.of([(100, 0.5), (50, 0.25)])
        assert total.p_at_least(Int64(100)) == total.p_at_least(100)
        assert total.quantile(Float32(0.5)) == total.quantile(0.5)
        assert total.interval(Float32(0.5)) == total.interval(0.5)
        assert total.cdf(Float32(50.0)) == total.cdf(50)

    def test_amounts_of_another_currency(self):
        """The currency is what is wrong, and the message says which one it must be."""
        with pytest.raises(InvalidError, match=r"Total\.cdf: x must be in EUR, got 5 USD"):
            Total.of([(Money(9, "EUR"), 0.5)]).cdf(Money(5, "USD"))
        with pytest.raises(InvalidError, match=r"x must be a plain number, as the amounts are, got 5 USD"):
            Total.of([(9, 0.5)]).cdf(Money(5, "USD"))
        with pytest.raises(InvalidTypeError, match=r"Total\.cdf: x must be a number \(int or float\), got 'five'"):
            Total.of([(9, 0.5)]).cdf("five")


class Model:
    """Answers with scalars."""

    def win(self, deal, *, as_of, horizon):
        return Estimate(Float32(0.5), Int64(9))


class TestForecasts:
    """A forecast is asked about amounts in its own currency, or plain numbers."""

    found = forecast(
        [Deal("O-1", state="open", amount=Money(100, "EUR"))],
        model=Model(),
        period=FiscalCalendar(UTC).quarter(2026, 1),
        as_of=NOW,
        currency="EUR",
    )

    def test_scalars(self):
        """Chances, levels and amounts."""
        assert self.found.to_rows()[0]["p"] == 0.5
        assert type(self.found.to_rows()[0]["p"]) is float
        assert self.found.p_at_least(Int64(100)) == 0.5
        assert self.found.quantile(Float32(0.75)) == Money(100, "EUR").round()
        assert self.found.interval(Float32(0.5)) == self.found.interval(0.5)

    @pytest.mark.parametrize("question", ["cdf", "p_at_least", "expected_gap"])
    def test_another_currency(self, question):
        """Is refused for what it is."""
        with pytest.raises(InvalidError, match=rf"Forecast\.{question}: x must be in EUR, got 5 USD"):
            getattr(self.found, question)(Money(5, "USD"))
