"""Scores: pinned to hand-worked and published figures, proper, and clear about bad input."""

from math import erf, exp, inf, log, nan, pi, sqrt
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.forecasting import auc, brier, crps, interval_score, log_loss, pinball, reliability
from leadflow.money import Money

P, Y = (0.9, 0.6, 0.2), (1, 0, 0)

chances = st.floats(0, 1)
numbers = st.floats(-1e9, 1e9)
scored = st.lists(st.tuples(chances, st.booleans()), min_size=1, max_size=30)


class TestPinned:
    """Figures that others have worked out."""

    def test_brier_and_log_loss(self):
        """p = (.9, .6, .2), y = (1, 0, 0): .136667 and .414932 (the forecasting specification)."""
        assert brier(P, Y) == pytest.approx((0.01 + 0.36 + 0.04) / 3)
        assert round(brier(P, Y), 6) == 0.136667
        assert round(log_loss(P, Y), 6) == 0.414932

    def test_a_certain_mistake_costs_much_and_not_infinitely(self):
        """A chance of 0 for what happened counts as one in 10**15."""
        assert log_loss([0.0], [True]) == pytest.approx(15 * log(10))
        assert log_loss([1.0], [False]) == pytest.approx(15 * log(10), rel=1e-2)
        assert log_loss([0.0, 1], [False, True]) == pytest.approx(0, abs=1e-14)

    def test_auc(self):
        """(.1 no, .4 no, .35 yes, .8 yes) ranks three of four pairs right (the example of scikit-learn's manual)."""
        assert auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75

    def test_crps_of_a_normal_distribution(self):
        """Gneiting and Raftery (2007), equation 21: sd (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
        for actual in (-1.0, 0.0, 0.5, 3.0):
            closed = actual * erf(actual / sqrt(2)) + 2 * exp(-(actual**2) / 2) / sqrt(2 * pi) - 1 / sqrt(pi)
            assert crps(_Normal(0, 1), actual) == pytest.approx(closed, rel=2e-3)

    def test_pinball_and_interval_score(self):
        """By hand; the interval score is 2 / (1 - level) times the two pinball losses of its ends."""
        assert pinball(100, 120, q=0.9) == pytest.approx(18)
        assert pinball(100, 80, q=0.9) == pytest.approx(2)
        assert interval_score(80, 120, 130, level=0.8) == pytest.approx(140)
        assert interval_score(80, 120, 70, level=0.8) == pytest.approx(140)

    def test_money_is_scored_in_its_own_units(self):
        """Money and numbers give the same score."""
        assert crps([Money("90", "EUR"), Money("110", "EUR")], Money("100", "EUR")) == crps([90, 110], 100) == 5
        assert pinball(Money(1, "EUR"), Money(2, "EUR"), q=0.5) == 0.5

    def test_wilson_interval_of_a_bin(self):
        """81 of 263: .2553 to .3662 (Newcombe 1998, table I)."""
        (row,) = reliability([0.3] * 263, [True] * 81 + [False] * 182, bins=1).bins
        assert (round(row.rate_low, 4), round(row.rate_high, 4)) == (0.2553, 0.3662)
        assert not row.is_off


class _Normal:
    def __init__(self, mean, sd):
        self.quantile = NormalDist(mean, sd).inv_cdf


class TestProper:
    """Nobody can do better than say what they believe."""

    @given(chances, chances)
    def test_of_chances(self, truth, said):
        """The expected score is least at the truth."""
        for score in (brier, log_loss):
            expected = [truth * score([p], [True]) + (1 - truth) * score([p], [False]) for p in (truth, said)]
            assert expected[0] <= expected[1] + 1e-9

    @given(st.lists(numbers, min_size=3, max_size=30), numbers, st.floats(0.01, 0.99))
    def test_of_a_quantile(self, values, said, q):
        """Over any sample, its own quantile has the least pinball loss."""
        own = sorted(values)[min(int(q * len(values)), len(values) - 1)]
        losses = [sum(pinball(guess, value, q=q) for value in values) for guess in (own, said)]
        assert losses[0] <= losses[1] + 1e-6 * max(1.0, abs(losses[1]))

    @given(numbers, numbers, numbers, st.floats(0.01, 0.99))
    def test_an_interval_is_two_quantiles(self, one, other, actual, level):
        """Interval score = 2 / (1 - level) x (pinball of the low end + pinball of the high end)."""
        low, high = sorted([one, other])
        tail = (1 - level) / 2
        both = pinball(low, actual, q=tail) + pinball(high, actual, q=1 - tail)
        assert interval_score(low, high, actual, level=level) == pytest.approx(2 / (1 - level) * both, abs=1e-3)

    @given(st.lists(numbers, min_size=1, max_size=20), numbers)
    def test_crps_of_samples_is_the_energy_form(self, samples, actual):
        """Mean distance to the truth less half the mean distance among the samples."""
        n = len(samples)
        near = sum(abs(one - actual) for one in samples) / n
        apart = sum(abs(one - other) for one in samples for other in samples) / n**2
        assert crps(samples, actual) == pytest.approx(near - apart / 2, rel=1e-9, abs=1e-3)

    @given(numbers, numbers)
    def test_crps_of_one_number_is_the_absolute_error(self, said, actual):
        """A forecast that is one number is scored by its distance."""
        assert crps([said], actual) == pytest.approx(abs(said - actual))


class TestRanking:
    """AUC looks at the order only."""

    @given(scored)
    def test_it_is_the_share_of_pairs_in_order(self, rows):
        """Counted pair by pair."""
        yes = [p for p, y in rows if y]
        no = [p for p, y in rows if not y]
        assume(yes and no)
        pairs = [1 if a > b else 0.5 if a == b else 0 for a in yes for b in no]
        assert auc(*zip(*rows, strict=True)) == pytest.approx(sum(pairs) / len(pairs))

    def test_one_kind_cannot_be_ranked(self):
        """All won or all lost: refused, with how many there were."""
        with pytest.raises(InvalidError, match="outcomes must have both kinds to rank, got 2 times True"):
            auc([0.1, 0.2], [True, True])


class TestReliability:
    """Chances against what happened."""

    @given(scored, st.integers(1, 20))
    def test_bins_hold_everything_once(self, rows, bins):
        """Numbers, chances and outcomes add up; each chance lies in its bin; the rate in its interval."""
        found = reliability(*zip(*rows, strict=True), bins=bins)
        assert found.n == len(rows)
        assert sum(one.n * one.mean for one in found.bins) == pytest.approx(sum(p for p, _ in rows))
        assert round(sum(one.n * one.rate for one in found.bins)) == sum(y for _, y in rows)
        for one in found.bins:
            assert one.low - 1e-12 <= one.mean <= one.high + 1e-12
            assert one.rate_low <= one.rate <= one.rate_high
        assert 0 <= found.error <= 1

    def test_it_says_where_chances_are_off(self):
        """90 % that happens one time in ten is off."""
        found = reliability([0.95] * 10, [True] + [False] * 9)
        assert found.error == pytest.approx(0.85)
        assert found.to_rows()[0]["is_off"] is True
        assert str(found) == (
            "chances         n  mean  happened  95 % interval\n"
            "90 % to 100 %  10  95 %      10 %  1.788 % to 40.42 %  off"
        )
        assert "Reliability of 10 chances" in found._repr_html_()


class TestBadInput:
    """Each problem is named with its place, all at once."""

    @pytest.mark.parametrize("score", [brier, log_loss, auc, reliability])
    def test_chances_and_outcomes(self, score):
        """Outside [0, 1], NaN, other outcomes, different lengths."""
        with pytest.raises(InvalidError) as caught:
            score([1.5, nan, 0.5], [True, 2])
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["probabilities[0]", "probabilities[1]", "outcomes[1]", "outcomes"]

    @pytest.mark.parametrize("score", [brier, log_loss, auc, reliability])
    def test_nothing_to_score(self, score):
        """No forecasts have no score; a lone number is no list."""
        with pytest.raises(InvalidError, match="probabilities must hold at least one"):
            score([], [])
        with pytest.raises(InvalidTypeError, match=r"probabilities must be several numbers, got 0\.5"):
            score(0.5, True)

    def test_number_of_bins(self):
        """At least one."""
        with pytest.raises(InvalidError, match="bins must be at least 1, got 0"):
            reliability(P, Y, bins=0)

    @pytest.mark.parametrize("q", [0, 1.0])
    def test_levels_lie_inside(self, q):
        """The quantiles 0 and 1 and the intervals of 0 and 100 % cannot be scored."""
        with pytest.raises(InvalidError, match="q must lie between 0 and 1"):
            pinball(1, 2, q=q)
        with pytest.raises(InvalidError, match="level must lie between 0 and 1"):
            interval_score(1, 2, 3, level=q)

    def test_amounts(self):
        """Not finite, not a number, of two currencies, ends the wrong way round."""
        with pytest.raises(InvalidTypeError) as caught:
            interval_score(nan, inf, "x", level=2)
        assert [problem.path for problem in caught.value.problems] == ["level", "low", "high", "actual"]
        with pytest.raises(InvalidError, match="must be of one currency with the others, got plain numbers, EUR"):
            crps([Money(1, "EUR")], 1)
        with pytest.raises(InvalidError, match="high must not be below low, got 2 and 1"):
            interval_score(2, 1, 0, level=0.8)

    def test_samples(self):
        """None at all, a wrong one, or no samples."""
        with pytest.raises(InvalidError, match="predicted must hold at least one sample"):
            crps([], 1)
        with pytest.raises(InvalidError, match=r"predicted\[1\] must be finite"):
            crps([1.0, nan], 1)
        with pytest.raises(InvalidTypeError, match=r"predicted must be a distribution with a method quantile\(q\)"):
            crps(7, 1)
