"""Totals near the ends of what is possible: deals that share a fate, and wins or losses that are rare."""

from itertools import accumulate
from math import exp, fsum, log1p, pi, prod, sqrt
from random import Random
from statistics import NormalDist

import pytest

from leadflow.forecasting import Total, Wins
from leadflow.forecasting.fourier import masses, transform

NORMAL = NormalDist()
SMALL = 300


def deals_of(n, cells=SMALL, seed=2):
    """Deals of whole amounts, some of them three times as large as others."""
    chance = Random(seed)
    amounts = [chance.uniform(1, 3) for _ in range(n)]
    return [(max(1, round(a / sum(amounts) * cells)), chance.uniform(0.05, 0.9)) for a in amounts]


def convolved(deals):
    """Return the distribution function at 0, 1, 2, ... by plain convolution."""
    mass = [1.0]
    for amount, p in deals:
        nothing = [0.0] * amount
        mass = [(1 - p) * a + p * b for a, b in zip(mass + nothing, nothing + mass, strict=True)]
    return list(accumulate(mass))


def with_window(deals):
    """Return the same, by amount, only where it is likely: counts of wins by amount, put together."""
    by_amount = {}
    for amount, p in deals:
        by_amount.setdefault(amount, []).append(p)
    mass = {0: 1.0}
    for amount, chances in sorted(by_amount.items()):
        wins = Wins.of(chances)
        likely = [(amount * k, wins.pmf(k)) for k in range(len(chances) + 1) if wins.pmf(k) > 1e-9]
        found = {}
        for at, level in mass.items():
            for more, p in likely:
                found[at + more] = found.get(at + more, 0.0) + level * p
        mass = {at: level for at, level in found.items() if level > 1e-12}
    places = sorted(mass)
    return dict(zip(places, accumulate(mass[at] for at in places), strict=True))


def with_factor(deals, rho, points=120):
    """Return the same for correlated deals: by plain convolution at each of many values of the factor."""
    limits = [(amount, NORMAL.inv_cdf(p)) for amount, p in deals]
    values = [-6.5 + 13 * (place + 0.5) / points for place in range(points)]
    weights = [NORMAL.pdf(z) for z in values]
    found = [0.0] * (sum(amount for amount, _ in deals) + 1)
    for z, weight in zip(values, weights, strict=True):
        given = [(amount, NORMAL.cdf((t - sqrt(rho) * z) / sqrt(1 - rho))) for amount, t in limits]
        found = [total + weight / fsum(weights) * level for total, level in zip(found, convolved(given), strict=True)]
    return found


class TestSupport:
    """Nothing below no deal won, nothing above all of them."""

    @pytest.mark.parametrize("rho", [0.0, 0.2, 0.8])
    @pytest.mark.parametrize("n", [5, 15, 40, 150])
    def test_impossible_amounts_have_no_chance(self, n, rho):
        """The distribution function is 0 below 0 and 1 at the top; no quantile is outside."""
        deals = [(amount * pi, p) for amount, p in deals_of(n)]
        total, most = Total.of(deals, rho=rho), fsum(amount for amount, _ in deals)
        assert (total.cdf(-1.0), total.cdf(-0.01), total.p_at_least(0.0)) == (0.0, 0.0, 1.0)
        assert total.cdf(most) == 1.0
        assert total.p_at_least(most + 0.01) == 0.0
        assert 0.0 <= total.quantile(0.0) <= total.quantile(1.0) <= most * (1 + 1e-12)

    @pytest.mark.parametrize("n", [5, 15, 30])
    def test_nobody_wins(self, n):
        """The chance of 0 is the mean over the factor of all chances to lose: within 0.0005."""
        deals = deals_of(n)
        nobody = with_factor(deals, 0.8, points=200)[0]
        assert Total.of([(amount * pi, p) for amount, p in deals], rho=0.8).cdf(0.0) == pytest.approx(nobody, abs=5e-4)


class TestSharedFate:
    """Against plain convolution at many values of the factor."""

    @pytest.mark.parametrize("rho", [0.2, 0.8])
    @pytest.mark.parametrize(("n", "most"), [(8, 1e-4), (13, 1e-4), (20, 5e-3), (45, 5e-3)])
    def test_distance(self, n, most, rho):
        """Within 0.0001 where every sum is listed, within 0.005 for some dozens of deals."""
        deals = deals_of(n)
        levels = with_factor(deals, rho)
        total = Total.of([(amount * pi, p) for amount, p in deals], rho=rho)
        assert max(abs(total.cdf((k + 0.5) * pi) - levels[k]) for k in range(0, SMALL, 7)) < most

    def test_very_many_are_as_the_factor_says(self):
        """20,000 deals under 30 % correlation: the limit is Vasicek's (1987), within 0.002."""
        total = Total.of([(1 + place * 1e-7, 0.3) for place in range(20_000)], rho=0.3)
        for share in (0.1, 0.3, 0.6):
            limit = NORMAL.cdf((sqrt(0.7) * NORMAL.inv_cdf(share) - NORMAL.inv_cdf(0.3)) / sqrt(0.3))
            assert total.cdf(share * 20_000 * 1.001) == pytest.approx(limit, abs=2e-3)

    @pytest.mark.parametrize("rho", [0.95, 0.999])
    def test_nearly_one_fate(self, rho):
        """Deals of one chance are won all or none, as rho nears 1."""
        total = Total.of([(1 + place * 0.01, 0.4) for place in range(12)], rho=rho)
        assert total.cdf(0.0) == pytest.approx(0.6, abs=0.2)
        assert total.cdf(-1e-9) == 0.0


class TestRare:
    """Wins or losses that hardly ever come, among many deals."""

    def test_ten_thousand_deals_of_which_five_are_won(self):
        """The chance that none is won is the product of the chances to lose."""
        chance = Random(4)
        deals = [(exp(chance.gauss(0, 1)), chance.uniform(0.0001, 0.0009)) for _ in range(10_000)]
        total = Total.of(deals)
        nobody = exp(fsum(log1p(-p) for _, p in deals))
        assert total.cdf(0.0) == pytest.approx(nobody, abs=1e-9)
        assert total.uncertain.variance == pytest.approx(total.variance, rel=1e-4)

    @pytest.mark.parametrize("side", ["won", "lost", "either"])
    def test_against_convolution(self, side):
        """600 deals, rarely won, rarely lost, or either: within 0.001."""
        chance = Random(7)
        deals = []
        for place in range(600):
            p = chance.uniform(0.001, 0.012)
            is_lost = side == "lost" or (side == "either" and place % 2)
            deals.append((chance.randint(3, 25), 1 - p if is_lost else p))
        levels = convolved(deals)
        total = Total.of([(amount * pi, p) for amount, p in deals])
        inside = [k for k, level in enumerate(levels) if 1e-6 < level < 1 - 1e-6]
        assert max(abs(total.cdf((k + 0.5) * pi) - levels[k]) for k in inside) < 1e-3

    def test_small_amounts_keep_their_shape_beside_large_ones(self):
        """Rare wins over ten powers of ten: the smallest have a grid of their own."""
        chance = Random(9)
        small = [(10 ** chance.uniform(0, 1), 0.01) for _ in range(300)]
        large = [(10 ** chance.uniform(8, 9), 0.002) for _ in range(300)]
        both, alone = Total.of([*small, *large]), Total.of(small)
        none = prod(1 - p for _, p in large)
        for x in (0.0, 2.0, 9.0, 30.0):
            assert both.cdf(x) == pytest.approx(none * alone.cdf(x), abs=1e-3)


class TestNearlyEqual:
    """Amounts that are nearly, but not quite, multiples of one."""

    def test_three_list_prices(self):
        """240 deals of 300, 301 and 302: exact, between all steps."""
        chance = Random(3)
        deals = [(chance.choice([300, 301, 302]), chance.uniform(0.05, 0.95)) for _ in range(240)]
        levels = convolved(deals)
        total = Total.of([(amount * pi, p) for amount, p in deals])
        assert max(abs(total.cdf((k + 0.5) * pi) - levels[k]) for k in range(0, len(levels), 11)) < 1e-3

    @pytest.mark.parametrize(("n", "prices"), [(1_000, [300, 301, 302]), (900, [9, 19, 39, 99, 199])])
    def test_many_deals_at_few_prices(self, n, prices):
        """Sums lie in heaps that are told apart: within 0.001 between all steps."""
        chance = Random(3)
        deals = [(chance.choice(prices), chance.uniform(0.05, 0.95)) for _ in range(n)]
        window = with_window(deals)
        total = Total.of([(amount * pi, p) for amount, p in deals])
        places = sorted(window)[:: max(1, len(window) // 1_500)]
        assert max(abs(total.cdf((k + 0.5) * pi) - window[k]) for k in places) < 1e-3
        assert 0.0 <= total.quantile(0.0) <= total.quantile(1.0) <= fsum(amount for amount, _ in deals) * pi
        assert total.uncertain.variance == pytest.approx(total.variance, rel=1e-3)


class TestTransform:
    """The discrete Fourier transform."""

    @pytest.mark.parametrize("n", [1, 2, 4, 16])
    def test_back_again(self, n):
        """What is transformed and back is the same."""
        values = [float(place % 5) / 7 for place in range(n)]
        assert masses(transform(values)) == pytest.approx(values)


class TestDealsOfOneAmount:
    """Identical deals that share a fate are each counted."""

    @pytest.mark.parametrize("rho", [0.1, 0.5, 0.9])
    @pytest.mark.parametrize("n", [20, 60, 100, 300])
    def test_the_sum_is_the_amount_times_the_wins(self, n, rho):
        """The distribution of the sum is that of the wins, and its mean the closed one."""
        total = Total.of([(100, 0.3)] * n, rho=rho)
        assert fsum(1 - total.cdf(100 * k) for k in range(n)) == pytest.approx(0.3 * n, rel=1e-6)
        for k in range(0, n, 7):
            assert total.cdf(100 * k) == pytest.approx(total.wins.cdf(k), abs=2e-4)

    @pytest.mark.parametrize("rho", [0.2, 0.6])
    def test_two_amounts_many_times_each(self, rho):
        """Equal deals among others are not taken for one: the mean is the closed one, up to half a step."""
        total = Total.of([(100, 0.3)] * 60 + [(137, 0.45)] * 60, rho=rho)
        whole = 60 * 237
        mean = fsum(1 - total.cdf(x + 0.5) for x in range(whole))
        assert mean == pytest.approx(total.mean, rel=0.01)

    def test_so_rare_that_rounding_leaves_nothing(self):
        """Four hundred deals of a chance of a thousandth under a shared fate."""
        total = Total.of([(1.0, 0.001)] * 399 + [(2.0, 0.001)], rho=0.3)
        assert 0.8 < total.cdf(0) < total.cdf(3) < 1
