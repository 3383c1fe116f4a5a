"""Laws of totals, and their distance from exact distributions calculated another way."""

from itertools import accumulate, product
from math import exp, fsum, pi
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.forecasting import Total, Wins
from leadflow.forecasting.totalsum import enumerated, independent, merged_sums, parts_of, smooth_sums

LEVELS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]

chances = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 1e-9, 0.2, 0.5, 1.0 - 1e-9, 1.0]))
amounts = st.one_of(st.integers(0, 1_000_000), st.floats(0.01, 1e12), st.sampled_from([1000, 2000, 2500]))
few = st.lists(st.tuples(amounts, chances), max_size=9)
rhos = st.sampled_from([0.0, 0.05, 0.3, 0.8])


@st.composite
def many(draw):
    """Portfolios of up to some hundred deals, of the kinds that make trouble."""
    kind, n, seed = draw(st.sampled_from(list(KINDS))), draw(st.integers(15, 70)), draw(st.integers(0, 10_000))
    return portfolio(kind, n, seed)


def _uniform(chance, n):
    return [chance.uniform(1, 3) for _ in range(n)]


def _lognormal(chance, n):
    return [exp(chance.gauss(0, 1)) for _ in range(n)]


def _pareto(chance, n):
    return [chance.paretovariate(1.1) for _ in range(n)]


def _with_whale(chance, n):
    others = _uniform(chance, n - 1)
    return [*others, sum(others) * 0.3 / 0.7]


def _with_whales(chance, n):
    others = _uniform(chance, n - 10)
    return [*others, *(sum(others) * chance.uniform(0.05, 0.15) for _ in range(10))]


def _equal(_chance, n):
    return [3.0] * n


def _two(_chance, n):
    return [1.0, 2.6] * (n // 2) + [1.0] * (n % 2)


KINDS = {
    "smooth": (_uniform, (0.05, 0.95)),
    "heavy tails": (_lognormal, (0.05, 0.95)),
    "very heavy tails": (_pareto, (0.02, 0.6)),
    "one whale": (_with_whale, (0.05, 0.95)),
    "ten whales": (_with_whales, (0.05, 0.95)),
    "equal amounts": (_equal, (0.05, 0.95)),
    "two amounts": (_two, (0.05, 0.95)),
    "rarely won": (_lognormal, (0.001, 0.03)),
    "rarely lost": (_lognormal, (0.97, 0.999)),
}


def portfolio(kind, n, seed=1):
    make, (low, high) = KINDS[kind]
    chance = Random(seed)
    return [(amount, chance.uniform(low, high)) for amount in make(chance, n)]


def on_cells(deals, cells):
    """Round amounts to so many cells in all."""
    whole = fsum(amount for amount, _ in deals)
    return [(max(1, round(amount / whole * cells)), p) for amount, p in deals]


def exact(deals):
    """Return the distribution function at 0, 1, 2, ... by plain convolution: nothing is approximated."""
    mass = [1.0]
    for amount, p in deals:
        nothing = [0.0] * amount
        mass = [(1 - p) * a + p * b for a, b in zip(mass + nothing, nothing + mass, strict=True)]
    return list(accumulate(mass))


def worst_error(total, levels, unit):
    """Return the largest difference between a total's distribution function and the exact one, between its steps."""
    inside = [k for k, level in enumerate(levels) if 1e-6 < level < 1 - 1e-6]
    every = max(1, len(inside) // 1_500)
    return max(abs(total.cdf((k + 0.5) * unit) - levels[k]) for k in inside[::every])


class TestExactness:
    """The distribution function against an exact one, in units that hide that amounts are whole numbers."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("n", [20, 60, 100])
    def test_worst_error(self, kind, n):
        """At most 0.001 from 100 deals on, and below that too: measured 0.0003 or less."""
        deals = on_cells(portfolio(kind, n), 25_000)
        total = Total.of([(amount * pi, p) for amount, p in deals])
        assert worst_error(total, exact(deals), pi) < 1e-3

    @pytest.mark.parametrize("kind", ["rarely won", "rarely lost"])
    def test_where_no_bulk_is_normal(self, kind):
        """A few hundred deals of which a handful is won or lost: added one by one, still within 0.001."""
        deals = on_cells(portfolio(kind, 200), 25_000)
        total = Total.of([(amount * pi, p) for amount, p in deals])
        assert worst_error(total, exact(deals), pi) < 1e-3

    @pytest.mark.parametrize("n", [100, 1_000])
    def test_a_lattice_is_exact(self, n):
        """Multiples of one unit keep their steps: hundreds between 1,000 and 9,900."""
        chance = Random(3)
        deals = [(chance.randint(10, 99), chance.uniform(0.05, 0.95)) for _ in range(n)]
        total = Total.of([(100 * amount, p) for amount, p in deals])
        levels = exact(deals)
        inside = [k for k, level in enumerate(levels) if 1e-13 < level < 1 - 1e-13]
        error = max(abs(total.cdf(100 * k + more) - levels[k]) for k in inside for more in (0, 99))
        assert error < (1e-12 if n == 100 else 1e-4)

    @settings(max_examples=40)
    @given(st.lists(st.floats(0, 1), max_size=40))
    def test_counts_are_exact(self, ps):
        """The number of wins, by plain convolution."""
        wins = Wins.of(ps)
        levels = exact([(1, p) for p in ps])
        assert [wins.cdf(k) for k in range(len(ps) + 1)] == pytest.approx(levels, abs=1e-12)

    def test_counts_above_5000(self):
        """The refined normal distribution is within 0.0001 of the exact one at 6,000 deals."""
        chance = Random(5)
        ps = [chance.uniform(0.0, 0.3) for _ in range(6_000)]
        levels = exact([(1, p) for p in ps[:3_000]])
        head = [b - a for a, b in zip([0.0, *levels], levels, strict=False)]
        levels = exact([(1, p) for p in ps[3_000:]])
        tail = [b - a for a, b in zip([0.0, *levels], levels, strict=False)]
        inside = range(800, 1_000)
        joined = {k: fsum(head[j] * tail[k - j] for j in range(k + 1)) for k in inside}
        wins = Wins.of(ps)
        assert max(abs(wins.pmf(k) - joined[k]) for k in inside) < 1e-4

    def test_rare_counts_above_5000_stay_exact(self):
        """Six thousand chances of 1 in 2,000: nearly Poisson, not nearly normal."""
        assert Wins.of([1 / 2000] * 6_000).pmf(0) == pytest.approx((1 - 1 / 2000) ** 6_000)


class TestWaysAgree:
    """Enumerated, merged and smooth are three ways to one distribution."""

    @settings(max_examples=30)
    @given(few)
    def test_enumeration_is_every_combination(self, deals):
        """Against a plain list of all outcomes."""
        total = Total.of(deals)
        outcomes = []
        for won in product([False, True], repeat=len(deals)):
            p = 1.0
            for (_, one), is_won in zip(deals, won, strict=True):
                p *= one if is_won else 1.0 - one
            outcomes.append((fsum(a for (a, _), is_won in zip(deals, won, strict=True) if is_won), p))
        for x, _ in outcomes[::7]:
            edge = 1e-9 * max(1.0, x)
            low = fsum(p for value, p in outcomes if value <= x - edge)
            high = fsum(p for value, p in outcomes if value <= x + edge)
            assert low - 1e-9 <= total.cdf(x) <= high + 1e-9

    @settings(max_examples=5)
    @given(st.integers(0, 1_000))
    def test_the_other_ways_give_the_same(self, seed):
        """Sixteen deals that could be enumerated, merged and smooth."""
        deals = {}
        for amount, p in portfolio("smooth", 16, seed):
            deals.setdefault(amount, []).append(p)
        listed = sorted((a, p) for a, ps in deals.items() for p in ps)
        true = independent(deals)
        assert len(enumerated(parts_of(deals))) == 2**16
        merged, smooth = merged_sums(listed), smooth_sums(listed)
        for q in LEVELS:
            x = true.quantile(q)
            assert merged.cdf(x) == pytest.approx(true.cdf(x), abs=1e-3)
            assert smooth.cdf(x) == pytest.approx(true.cdf(x), abs=5e-3)


class TestLaws:
    """What holds for every total."""

    @settings(max_examples=10)
    @given(st.one_of(few, many()), rhos)
    def test_distribution_function_and_quantile(self, deals, rho):
        """It rises from 0 to 1; the quantile is the smallest amount that reaches the level."""
        total = Total.of(deals, rho=rho)
        whole = fsum(amount for amount, _ in deals)
        xs = [-1.0, *(whole * place / 20 for place in range(21)), whole + 1.0]
        levels = [total.cdf(x) for x in xs]
        assert levels == sorted(levels)
        assert levels[0] == 0.0
        assert levels[-1] == 1.0
        assert all(0.0 <= level <= 1.0 for level in levels)
        quantiles = [total.quantile(q) for q in LEVELS]
        assert quantiles == sorted(quantiles)
        for q, x in zip(LEVELS, quantiles, strict=True):
            assert total.cdf(x) >= q - 1e-9
            assert total.p_at_least(x + 1e-6 * max(whole, 1.0)) <= 1 - q + 1e-3

    @settings(max_examples=10)
    @given(st.one_of(few, many()), rhos)
    def test_one_mean(self, deals, rho):
        """The mean in closed form is that of the distribution: mean = x - gap(x) beyond everything."""
        total = Total.of(deals, rho=rho)
        beyond = 3 * fsum(amount for amount, _ in deals) + 1
        assert beyond - total.expected_gap(beyond) == pytest.approx(total.mean, rel=1e-6, abs=1e-9)

    @settings(max_examples=10)
    @given(many())
    def test_one_variance(self, deals):
        """The variance in closed form is that of the distribution."""
        total = Total.of(deals)
        assert total.uncertain.variance == pytest.approx(total.variance, rel=5e-3)

    @settings(max_examples=10)
    @given(st.one_of(few, many()), st.sampled_from([0.01, 7, 1000.0]), rhos)
    def test_scaling(self, deals, factor, rho):
        """Every amount times a factor is the total times that factor."""
        total, scaled = Total.of(deals, rho=rho), Total.of([(a * factor, p) for a, p in deals], rho=rho)
        whole = fsum(amount for amount, _ in deals)
        assert scaled.mean == pytest.approx(factor * total.mean)
        assert scaled.sd == pytest.approx(factor * total.sd, rel=1e-6, abs=1e-6)
        # Where the distribution has steps a quantile may be on either side of one by rounding.
        for x in (0.21 * whole, 0.43 * whole, 0.78 * whole):
            edge = 1e-6 * whole
            level = scaled.cdf(factor * x)
            assert total.cdf(x - edge) - 2e-3 <= level <= total.cdf(x + edge) + 2e-3

    @settings(max_examples=5)
    @given(st.one_of(few, many()), st.integers(1, 10**6), rhos)
    def test_shifting(self, deals, certain, rho):
        """A deal that is won for certain moves everything by its amount."""
        total, moved = Total.of(deals, rho=rho), Total.of([*deals, (certain, 1.0)], rho=rho)
        assert moved.sd == total.sd
        for q in LEVELS:
            assert moved.quantile(q) == pytest.approx(total.quantile(q) + certain)

    @settings(max_examples=5)
    @given(st.one_of(few, many()), st.randoms(use_true_random=False), rhos)
    def test_order_does_not_matter(self, deals, chance, rho):
        """To the last bit."""
        mixed = list(deals)
        chance.shuffle(mixed)
        one, other = Total.of(deals, rho=rho), Total.of(mixed, rho=rho)
        assert one == other
        assert [one.quantile(q) for q in LEVELS] == [other.quantile(q) for q in LEVELS]


class TestCorrelation:
    """Deals that share a fate."""

    @pytest.mark.parametrize("n", [8, 40, 300])
    def test_intervals_widen(self, n):
        """The stronger, the wider, and the larger the standard deviation; the mean stays."""
        deals = portfolio("smooth", n, 4)
        totals = [Total.of(deals, rho=rho) for rho in (0.0, 0.02, 0.1, 0.3, 0.6, 0.9)]
        widths = [high - low for low, high in (total.interval(0.8) for total in totals)]
        sds = [total.sd for total in totals]
        assert widths == sorted(widths) or n == 8  # steps of eight deals are coarse
        assert sds == sorted(sds)
        assert {total.mean for total in totals} == {totals[0].mean}

    def test_two_deals_are_won_together_as_often_as_two_normals_agree(self):
        """Two deals at 50 %: both won with 1/4 + asin(rho) / (2 pi) (Sheppard 1899)."""
        total = Total.of([(1, 0.5), (2, 0.5)], rho=0.5)
        assert total.p_at_least(3) == pytest.approx(1 / 4 + 1 / 12, abs=1e-4)

    @pytest.mark.parametrize("n", [15, 60, 2_000])
    def test_variance_is_that_of_bivariate_normals(self, n):
        """n deals of 1 at 50 %: n/4 + n (n - 1) asin(rho) / (2 pi)."""
        rho = 0.3
        closed = n / 4 + n * (n - 1) * 0.30469265401539754 / (2 * pi)
        assert Total.of([(1 + k * 1e-9, 0.5) for k in range(n)], rho=rho).variance == pytest.approx(closed, rel=4e-3)

    def test_almost_none_is_none(self):
        """rho of one in a million: the independent total, also where chances are split between nodes."""
        for n in (10, 100, 1_000):
            deals = portfolio("heavy tails", n, 6)
            alone, hardly = Total.of(deals), Total.of(deals, rho=1e-6)
            for q in LEVELS:
                assert hardly.cdf(alone.quantile(q)) == pytest.approx(alone.cdf(alone.quantile(q)), abs=1e-2)

    def test_against_draws(self):
        """Within the noise of 20,000 draws from the model itself, with two whales."""
        chance = Random(8)
        deals = [*portfolio("smooth", 40, 9), (25.0, 0.4), (40.0, 0.3)]
        total = Total.of(deals, rho=0.2)
        cuts = [(amount, NormalDist().inv_cdf(p)) for amount, p in deals]
        sums = []
        for _ in range(20_000):
            z = chance.gauss(0, 1) * 0.2**0.5
            sums.append(sum(amount for amount, cut in cuts if z + chance.gauss(0, 1) * 0.8**0.5 <= cut))
        sums.sort()
        for q in LEVELS:
            assert total.cdf(sums[int(q * 20_000)]) == pytest.approx(q, abs=0.015)
