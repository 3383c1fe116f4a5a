"""Totals: pinned figures, bad input, and amounts of all sizes."""

import pickle
from decimal import Decimal
from math import inf, nan

import pytest

from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.forecasting import Total, Wins
from leadflow.money import Money

THREE = [(100_000, 0.5), (50_000, 0.2), (10_000, 0.9)]


class TestPinned:
    """Figures of the forecasting specification, worked by hand from the eight possible sums."""

    def test_three_deals(self):
        """Mean 69,000, sd 53,935.15, quantiles 10,000, 60,000 and 110,000, half a chance of 100k, a gap of 40,500."""
        total = Total.of(THREE)
        assert total.mean == 69_000
        assert round(total.sd, 2) == 53_935.15
        assert [total.quantile(q) for q in (0.1, 0.5, 0.9)] == [10_000, 60_000, 110_000]
        assert total.interval(0.8) == (10_000, 110_000)
        assert total.p_at_least(100_000) == pytest.approx(0.5, abs=1e-15)
        assert total.expected_gap(100_000) == pytest.approx(40_500)

    def test_distribution_function_of_three_deals(self):
        """Every possible sum with its chance: 0, 10, 50, 60, 100, 110, 150, 160 thousand."""
        total = Total.of(THREE)
        sums = [0, 10_000, 50_000, 60_000, 100_000, 110_000, 150_000, 160_000]
        chances = [0.04, 0.36, 0.01, 0.09, 0.04, 0.36, 0.01, 0.09]
        levels = [sum(chances[: place + 1]) for place in range(8)]
        assert [total.cdf(x) for x in sums] == pytest.approx(levels)
        assert [total.cdf(x - 1) for x in sums] == pytest.approx([0, *levels[:-1]])
        assert [total.p_at_least(x) for x in sums] == pytest.approx([1, *(1 - level for level in levels[:-1])])

    def test_number_of_wins(self):
        """p = (.5, .3, .7, .3, .9): .00735 .09695 .3167 .3747 .17595 .02835 (the specification)."""
        wins = Wins.of([0.5, 0.3, 0.7, 0.3, 0.9])
        pinned = [0.00735, 0.09695, 0.3167, 0.3747, 0.17595, 0.02835]
        assert [wins.pmf(k) for k in range(6)] == pytest.approx(pinned)
        assert [wins.cdf(k) for k in range(6)] == pytest.approx([sum(pinned[: k + 1]) for k in range(6)])
        assert (wins.mean, wins.pmf(-1), wins.pmf(6), wins.pmf(2.5), wins.cdf(-1), wins.cdf(9)) == (2.7, 0, 0, 0, 0, 1)
        assert [wins.quantile(q) for q in (0, 0.1, 0.421, 0.43, 1)] == [0, 1, 2, 3, 5]
        assert Total.of([(1, p) for p in (0.5, 0.3, 0.7, 0.3, 0.9)]).wins == wins

    def test_binomial_counts(self):
        """20 deals at 30 %: P(at most 5) = .4163708 (tables of the binomial distribution)."""
        assert Wins.of([0.3] * 20).cdf(5) == pytest.approx(0.4163708, abs=5e-8)


class TestAmounts:
    """Numbers or money, from a cent to a trillion."""

    def test_money_of_one_currency(self):
        """Figures are in its units, and money of the same currency may be asked about."""
        total = Total.of([(Money("100.50", "EUR"), 0.5), (Money("50", "EUR"), 1.0)])
        assert (total.currency, total.mean, total.n) == ("EUR", 100.25, 2)
        assert total.p_at_least(Money("150.50", "EUR")) == 0.5
        assert total.cdf(Money("50", "EUR")) == 0.5

    def test_numbers_of_any_kind(self):
        """Ints, floats and decimals mean the same."""
        assert Total.of([(1, 0.5), (2.5, 0.5)]) == Total.of([[Decimal("2.5"), 0.5], (Decimal(1), 0.5)])

    def test_a_cent_beside_a_trillion(self):
        """Neither is lost."""
        total = Total.of([(1e12, 0.5), (0.01, 0.5)])
        assert total.quantile(0.2) == 0.0
        assert total.quantile(0.4) == 0.01
        assert total.quantile(0.6) == 1e12
        assert total.quantile(0.9) == 1e12 + 0.01
        assert total.p_at_least(1e12 + 0.01) == 0.25

    def test_many_cents_beside_a_trillion(self):
        """The bulk keeps its shape around either outcome of the whale."""
        total = Total.of([(1e12, 0.5), *((0.01 + place * 0.00037, 0.5) for place in range(400))])
        small = Total.of([(0.01 + place * 0.00037, 0.5) for place in range(400)])
        assert total.quantile(0.25) == pytest.approx(small.quantile(0.5), rel=1e-3)
        assert total.quantile(0.75) - 1e12 == pytest.approx(small.quantile(0.5), rel=1e-2)

    def test_sums_that_differ_by_rounding_only_are_one(self):
        """0.1 + 0.2 is 0.3 here."""
        total = Total.of([(0.1, 0.5), (0.2, 0.5), (0.3, 0.5)])
        assert total.p_at_least(0.3) == pytest.approx(1 - 3 / 8)
        assert total.cdf(0.3) == pytest.approx(5 / 8)

    def test_nothing_at_all(self):
        """An empty total is nothing, for certain."""
        total = Total.of([])
        assert (total.mean, total.sd, total.interval(0.9), total.wins.quantile(1)) == (0, 0, (0, 0), 0)
        assert (total.cdf(-0.01), total.cdf(0), total.p_at_least(0), total.p_at_least(1)) == (0, 1, 1, 0)
        assert total.expected_gap(5) == 5

    def test_certain_deals(self):
        """Won for certain, hopeless, or worth nothing: no spread, whatever rho."""
        for rho in (0.0, 0.5):
            total = Total.of([(7, 1.0), (5, 1), (9, 0.0), (0, 0.5)], rho=rho)
            assert (total.mean, total.sd, total.interval(0.8)) == (12, 0, (12, 12))
            assert (total.cdf(11.99), total.cdf(12), total.expected_gap(20)) == (0, 1, 8)

    def test_a_million_identical_deals(self):
        """The steps of a binomial distribution, in well under a second; quantiles as scipy.stats.binom has them."""
        total = Total.of([(100.0, 0.3)] * 1_000_000)
        assert total.mean == pytest.approx(3e7)
        assert total.interval(0.8) == (29_941_300, 30_058_700)
        assert total.quantile(0.5) == 30_000_000
        assert total.cdf(30_000_050) == total.cdf(30_000_000)

    def test_it_is_a_value(self):
        """Totals compare by their deals in whatever order, and survive pickling after use."""
        total = Total.of(THREE)
        assert total.quantile(0.5) == 60_000
        assert pickle.loads(pickle.dumps(total)) == total == Total.of(THREE[::-1])
        assert total != Total.of(THREE, rho=0.1)
        assert repr(total) == "Total(rho=0.0, currency=None)"


class TestBadInput:
    """Everything that is wrong is named with its place, in one error."""

    def test_pairs(self):
        """Chances outside [0, 1], NaN, infinity, negative amounts, things that are no pairs."""
        wrong = [
            (100, 0.5),
            (100, 1.5),
            (100, nan),
            (nan, 0.5),
            (inf, -0.1),
            (-1, 0.5),
            ("100", 0.5),
            (100, "0.5"),
            7,
            (1, 2, 3),
            (Decimal("nan"), 0.5),
            (1e41, 0.5),
            (True, 0.5),
            (Decimal(-1), 0.5),
        ]
        with pytest.raises(InvalidTypeError) as caught:
            Total.of(wrong)
        assert [problem.path for problem in caught.value.problems] == [
            "deals[1][1]",
            "deals[2][1]",
            "deals[3][0]",
            "deals[4][0]",
            "deals[4][1]",
            "deals[5][0]",
            "deals[6][0]",
            "deals[7][1]",
            "deals[8]",
            "deals[9]",
            "deals[10][0]",
            "deals[11][0]",
            "deals[12][0]",
            "deals[13][0]",
        ]
        assert "deals[5][0] must not be negative, got -1" in str(caught.value)

    def test_currencies(self):
        """Two currencies, or money beside numbers."""
        with pytest.raises(InvalidError, match="deals must be of one currency, got EUR, USD; convert them first"):
            Total.of([(Money(1, "EUR"), 0.5), (Money(1, "USD"), 0.5)])
        with pytest.raises(InvalidError, match="deals must be of one currency, got EUR, plain numbers"):
            Total.of([(Money(1, "EUR"), 0.5), (1, 0.5)])

    def test_no_list(self):
        """A lone number and a correlation of 1 are refused, together."""
        with pytest.raises(InvalidError) as caught:
            Total.of(7, rho=1)
        assert [problem.path for problem in caught.value.problems] == ["deals", "rho"]
        with pytest.raises(InvalidError, match="rho must be a probability in"):
            Total.of([], rho=-0.1)

    @pytest.mark.parametrize("name", ["cdf", "p_at_least", "expected_gap"])
    def test_what_is_asked_about(self, name):
        """NaN, infinity, and money of another currency."""
        total = Total.of([(Money(1, "EUR"), 0.5)])
        for wrong in (nan, inf, "1", Money(1, "USD"), None):
            with pytest.raises(InvalidError, match=f"Total.{name}.*x must be"):
                getattr(total, name)(wrong)

    def test_levels(self):
        """Outside [0, 1]."""
        total = Total.of(THREE)
        with pytest.raises(InvalidError, match="q must be a probability"):
            total.quantile(1.1)
        with pytest.raises(InvalidError, match="level must be a probability"):
            total.interval(nan)
        for ask in (total.wins.pmf, total.wins.cdf, total.wins.quantile):
            with pytest.raises(InvalidError):
                ask(nan)
        with pytest.raises(InvalidError) as caught:
            Wins.of([0.5, 2, "x"])
        assert [problem.path for problem in caught.value.problems] == ["probabilities[1]", "probabilities[2]"]
        with pytest.raises(InvalidTypeError, match=r"probabilities must be several numbers, got 0\.5"):
            Wins.of(0.5)
