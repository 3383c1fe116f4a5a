"""What surrounds a forecast's mean: its distribution, new business, past errors, and those without a deal."""

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import exp, expm1, inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.calendar import FiscalCalendar
from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.forecasting import (
    Conversion,
    Creation,
    Deal,
    DealFact,
    DealHistory,
    Estimate,
    Spread,
    Total,
    crps,
    fit_creation,
    fit_spread,
    forecast,
)
from leadflow.forecasting.outlook import gamma_cdf
from leadflow.lead import Lead
from leadflow.money import ExchangeRates, Money, Rate
from leadflow.party import Person

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BOOKS = FiscalCalendar(UTC)
QUARTER = BOOKS.quarter(2026, 1)
LEFT = QUARTER.end - NOW
LEVELS = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]


class Own:
    """A model that takes each deal's probability at its word, and says that it counted."""

    def win(self, deal, *, as_of, horizon):
        """Answer with the deal's own probability."""
        return Estimate(deal.probability, 40, None, "its own")


def eur(amount):
    return Money(str(amount), "EUR")


def deal(key, amount, p):
    return Deal(key, state="open", amount=eur(amount), probability=p)


def won(key, amount):
    return Deal(key, state="won", amount=eur(amount), closed_at=NOW - timedelta(days=3))


def of(deals, **options):
    given = {"model": Own(), "period": QUARTER, "as_of": NOW, "currency": "EUR", **options}
    return forecast(deals, **given)


def new(mean="40000", sd=15_000.0, window=LEFT, **more):
    return Creation(mean=eur(mean), sd=sd, window=window, **more)


THREE = [deal("a", 100_000, 0.5), deal("b", 50_000, 0.2), deal("c", 10_000, 0.9)]

portfolios = st.lists(st.tuples(st.integers(1, 100_000), st.floats(0.02, 0.98)), min_size=1, max_size=12).map(
    lambda rows: [deal(f"O-{place:02}", amount, p) for place, (amount, p) in enumerate(rows)]
)
creations = st.none() | st.builds(new, st.integers(1, 200_000).map(str), st.floats(10.0, 300_000.0))
spreads = st.none() | st.builds(lambda phi, bias: Spread(phi=phi, bias=bias), st.floats(1, 9), st.floats(0.5, 1.5))


class TestDistribution:
    """A forecast answers what a total answers, in money."""

    def test_open_deals_are_their_total(self):
        """The figures of the specification, with 5,000 won on top."""
        result = of([*THREE, won("w", 5_000)])
        assert result.mean == eur(74_000)
        assert result.interval(0.8) == (eur(15_000), eur(115_000))
        assert result.quantile(0.5) == eur(65_000)
        assert result.p_at_least(eur(105_000)) == pytest.approx(0.5)
        assert result.p_at_least(5_000) == 1.0
        assert result.expected_gap(eur(105_000)) == eur("40500.00")
        assert result.expected_gap(1_000) == eur(0)
        assert (result.cdf(4_999), result.cdf(5_000)) == (0.0, pytest.approx(0.04))
        assert result.sd == pytest.approx(53_935.15, abs=0.005)

    def test_nothing_is_certain(self):
        """No deals: nothing, for certain."""
        result = of([])
        assert (result.interval(0.9), result.expected_gap(7), result.cdf(0)) == ((eur(0), eur(0)), eur(7), 1.0)

    @given(
        st.lists(st.integers(1, 10**9), min_size=1, max_size=9),
        st.lists(st.integers(1, 10**9), max_size=4),
        st.booleans(),
    )
    def test_sums_to_the_cent_are_met(self, sure, unsure, some_won):
        """Of random cents: what is certain is reached for certain, and everything together not exceeded."""
        money = [eur(Decimal(cents) / 100) for cents in sure]
        more = [eur(Decimal(cents) / 100) for cents in unsure]
        least, most = Money.total(money), Money.total([*money, *more])
        pairs = [*((one, 1.0) for one in money), *((one, 0.5) for one in more)]
        deals = [deal(f"O-{place}", one.amount, p) for place, (one, p) in enumerate(pairs)]
        if some_won:
            deals[0] = won("O-0", money[0].amount)
        for sums in (of(deals), Total.of(pairs), Total.of(pairs, rho=0.3)):
            assert (sums.p_at_least(least), sums.cdf(most)) == (1.0, 1.0)
            assert sums.p_at_least(most) >= 0.5 ** len(more) - 1e-9
            assert (sums.cdf(least - eur("0.01")), sums.p_at_least(most + eur("0.01"))) == (0.0, 0.0)

    def test_certain_deals_reach_their_mean(self):
        """9.45 and 5.43, which as floats add up to a hair below 14.88."""
        result = of([deal("a", "9.45", 1.0), deal("b", "5.43", 1.0)])
        assert (result.p_at_least(result.mean), result.cdf(result.mean)) == (1.0, 1.0)
        assert Total.of([(eur("0.7"), 1.0), (eur("0.1"), 1.0)]).p_at_least(eur("0.8")) == 1.0
        assert Total.of([(0.1, 1.0), (0.2, 1.0)]).cdf(0.3) == 1.0

    @settings(max_examples=30)
    @given(portfolios, creations, spreads)
    def test_laws(self, deals, creation, spread):
        """It rises from 0 to 1, the quantile is its inverse, nothing lies below what is won, parts are the mean."""
        result = of([*deals, won("w", 777)], creation=creation, spread=spread)
        quantiles = [result.quantile(q) for q in LEVELS]
        assert quantiles == sorted(quantiles)
        assert quantiles[0] >= eur(777)
        for q, x in zip(LEVELS, quantiles, strict=True):
            assert result.cdf(float(x.amount) + 0.01) >= q - 1e-6
        levels = [result.cdf(x) for x in range(0, 3_000_000, 50_000)]
        assert levels == sorted(levels)
        assert levels[0] == 0.0
        parts = [one.expected for one in (*result.contributions(), *result.additions)]
        assert Money.total(parts) == result.mean == result.won + result.open + result.new + result.correction
        shares = [one.variance_share for one in (*result.contributions(), *result.additions)]
        assert sum(shares) == pytest.approx(1.0)
        assert result.sd**2 == pytest.approx(
            (spread.phi if spread else 1) * Total.of([(one.amount, one.probability) for one in deals]).variance
            + (creation.sd**2 if creation else 0)
        )

    @given(portfolios, st.floats(1, 9), st.sampled_from([0.5, 0.8, 0.95]))
    def test_past_errors_never_narrow_an_interval(self, deals, phi, level):
        """Without what is cut off at what is won, every interval is sqrt(phi) times as wide."""
        certain = won("w", 10**9)
        lucky = Spread(phi=phi)
        narrow, wide = (of([*deals, certain], spread=one).interval(level) for one in (None, lucky))
        floor = eur(10**9)
        assert wide[1] >= narrow[1] or wide[0] <= narrow[0]
        if wide[0] > floor:
            width = (narrow[1] - narrow[0]).amount
            assert float((wide[1] - wide[0]).amount) == pytest.approx(float(width) * phi**0.5, abs=0.05)

    def test_new_business_alone_is_a_gamma_distribution(self):
        """Mean 40,000 and sd 40,000 is exponential: the median is 40,000 ln 2."""
        result = of([], creation=new(sd=40_000.0))
        assert float(result.quantile(0.5).amount) == pytest.approx(40_000 * 0.693147, rel=3e-3)
        assert float(result.quantile(0.95).amount) == pytest.approx(40_000 * 2.995732, rel=3e-3)
        assert float(result.expected_gap(10**7).amount) == pytest.approx(10**7 - 40_000)

    def test_new_business_beside_many_deals_adds_its_variance(self):
        """Two nearly normal parts: the 80 % interval is 2.563 standard deviations of the sum wide."""
        deals = [deal(f"O-{n:03}", 900 + n, 0.4) for n in range(300)]
        result = of(deals, creation=new("40000", 4_000.0), spread=Spread(phi=2.5))
        low, high = result.interval(0.8)
        assert float((high - low).amount) == pytest.approx(2.5631 * result.sd, rel=5e-3)
        assert float(result.expected_gap(10**7).amount) == pytest.approx(10**7 - float(result.mean.amount), abs=0.02)

    @pytest.mark.parametrize(
        ("shape", "x", "level"),
        [(0.5, 0.2, 0.4729107), (2.0, 3.0, 0.8008517), (50.0, 45.0, 0.2468020), (5_000.0, 5_050.0, 0.7609847)],
    )
    def test_gamma_function(self, shape, x, level):
        """Against scipy.special.gammainc."""
        assert gamma_cdf(shape, x) == pytest.approx(level, abs=1e-5 if shape > 1000 else 1e-6)
        assert gamma_cdf(shape, 0.0) == 0.0

    def test_crps_takes_a_forecast(self):
        """Money against money."""
        assert crps(of(THREE), eur(60_000)) == pytest.approx(crps(Total.of([(1e5, 0.5), (5e4, 0.2), (1e4, 0.9)]), 6e4))

    def test_it_survives_pickling(self):
        """After its distribution was asked for too."""
        result = of(THREE, creation=new(), spread=Spread(phi=2))
        assert result.quantile(0.5)
        assert pickle.loads(pickle.dumps(result)).quantile(0.5) == result.quantile(0.5)

    def test_bad_questions(self):
        """Levels outside [0, 1]; amounts that are no numbers or of another currency."""
        result = of(THREE)
        for wrong in (nan, inf, "1", Money(1, "USD")):
            with pytest.raises(InvalidError, match=r"Forecast\.cdf"):
                result.cdf(wrong)
        for ask in (result.quantile, result.interval):
            with pytest.raises(InvalidError, match="must be a probability"):
                ask(1.5)

    def test_how_it_reads(self):
        """New business, correction and the interval each have a line; deals are no longer called independent."""
        text = str(of(THREE, creation=new(why="9 windows"), spread=Spread(phi=2, bias=0.9, n=7)))
        assert "new business   40,000.00  9 windows\n" in text
        assert "correction    -10,900.00  90 % of what was forecast came\n" in text
        assert "80 % interval" in text
        assert "independent" not in text


class TestSharedFates:
    """Numbers of wins know of rho as amounts do."""

    def test_wins_are_those_of_correlated_deals(self):
        """Fifty deals of 1 each: their number is their sum."""
        total = Total.of([(1, 0.3)] * 50, rho=0.3)
        assert total.wins.sd == pytest.approx(total.sd, rel=1e-6)
        assert total.wins.sd == pytest.approx(10.1956, abs=1e-3)
        assert 1.0 - total.wins.cdf(24) == pytest.approx(total.p_at_least(25), abs=1e-6)

    @settings(max_examples=25)
    @given(st.lists(st.floats(0.0, 1.0), max_size=30), st.floats(0.01, 0.9))
    def test_rho_keeps_the_mean_and_widens(self, chances, rho):
        """Certain and hopeless deals stay what they are."""
        apart, together = (Total.of([(7, p) for p in chances], rho=one).wins for one in (0.0, rho))
        assert together.mean == pytest.approx(apart.mean)
        assert sum(k * together.pmf(k) for k in range(len(chances) + 1)) == pytest.approx(apart.mean, abs=1e-6)
        assert together.sd >= apart.sd - 1e-6
        assert together.cdf(len(chances)) == 1.0
        assert together.cdf(sum(p == 1.0 for p in chances) - 1) == 0.0

    def test_of_many_deals(self):
        """Two thousand of nearly the same chance: two normal quantities of one market give the variance (Vasicek)."""
        wins = Total.of([(1, 0.5 + n * 1e-9) for n in range(2_000)], rho=0.5).wins
        # The chance that two deals of 50 % are won together is 1/4 + arcsin(rho) / (2 pi), here 1/3.
        assert wins.sd**2 == pytest.approx(2_000 * 1_999 * (1 / 3 - 1 / 4) + 2_000 / 4, rel=1e-4)
        assert wins.quantile(0.5) == pytest.approx(1_000, abs=3)


class TestNewBusiness:
    """Deals that do not exist yet."""

    def test_it_is_prorated_to_what_is_left(self):
        """Half a window with growth 2 brings a quarter."""
        whole = new(window=2 * LEFT, growth=2.0)
        result = of([], creation=whole)
        assert (result.new, result.mean) == (eur(10_000), eur(10_000))
        assert result.variance_of_new == pytest.approx(15_000.0**2 / 4)
        assert result.additions[0].to_row()["expected"] == eur(10_000)
        assert result.to_rows() == [result.additions[0].to_row()]

    def test_of_a_period_ahead_it_is_what_comes_between(self):
        """Won by the end less won before the start; the warning that it is missing is gone."""
        second = BOOKS.quarter(2026, 2)
        whole = new(window=second.end - NOW, growth=1.0)
        result = of([], period=second, creation=whole)
        share = (second.end - second.start) / (second.end - NOW)
        assert float(result.new.amount) == pytest.approx(40_000 * share, abs=0.01)
        assert result.warnings == ()

    def test_after_the_period_nothing_is_new(self):
        """The window has closed."""
        assert of([], as_of=QUARTER.end, creation=new()).new == eur(0)

    @settings(max_examples=15, deadline=None)
    @given(st.floats(0.001, 120.0), st.floats(0.0, 1.0), st.floats(0.0, 200_000.0))
    def test_where_it_is_rare_there_is_mostly_none(self, rate, share, size_sd):
        """A cent or more comes no oftener than a win does; mean and median are those of a compound Poisson amount."""
        wins = rate * share
        rare = Creation.poisson(rate=rate, won=share, size=eur(100_000), size_sd=size_sd, window=LEFT)
        result = of([won("w", 500)], creation=rare)
        if not rare.mean.amount:
            return
        assert result.p_at_least(eur("500.01")) <= -expm1(-wins) + 1e-9
        assert result.cdf(500) >= exp(-wins) * (wins <= 50) - 1e-9
        mean = float(result.mean.amount)
        assert 10**9 - float(result.expected_gap(10**9).amount) == pytest.approx(mean, rel=1e-3, abs=1.0)

    def test_rare_new_business_by_hand(self):
        """One win in 67 windows: nothing at 10, 50 and 90 %; two of 100,000 each come with the chance of Poisson."""
        result = of([], creation=Creation.poisson(rate=0.05, won=0.3, size=eur(100_000), window=LEFT))
        assert (result.interval(0.8), result.quantile(0.5)) == ((eur(0), eur(0)), eur(0))
        assert result.p_at_least(1) == pytest.approx(-expm1(-0.015))
        more = of([], creation=Creation.poisson(rate=4, won=0.5, size=eur(100_000), window=LEFT))
        assert more.cdf(0) == pytest.approx(exp(-2))
        assert more.cdf(150_000) == pytest.approx(3 * exp(-2), abs=1e-3)
        assert more.cdf(250_000) == pytest.approx(5 * exp(-2), abs=1e-3)

    def test_it_joins_the_gamma_distribution(self):
        """From few wins to many there is no jump."""
        levels = [
            of([], creation=Creation.poisson(rate=n, won=1.0, size=eur(1_000), window=LEFT)).cdf(1_000 * n)
            for n in (49.9, 50.1, 99.9, 100.1)
        ]
        assert levels[0] == pytest.approx(levels[1], abs=0.03)
        assert levels[2] == pytest.approx(levels[3], abs=1e-3)

    def test_beside_a_deal_its_steps_stay(self):
        """One deal of 1,000 at 50 %, and hardly any new business: half of what is likely is nothing."""
        rare = Creation.poisson(rate=0.1, won=0.1, size=eur(50_000), size_sd=20_000.0, window=LEFT)
        result = of([deal("a", 1_000, 0.5)], creation=rare)
        assert result.cdf(0) == pytest.approx(0.5 * exp(-0.01))
        assert result.p_at_least(1_000) == pytest.approx(1 - 0.5 * exp(-0.01), abs=5e-3)

    def test_time_does_not_run_backwards(self):
        """A window that ends before it begins, or before now, has no new business; it is refused."""
        with pytest.raises(InvalidError, match="end must not be before start"):
            new().between(timedelta(days=2), timedelta(days=1))
        with pytest.raises(InvalidError, match="start must not be negative"):
            new().between(timedelta(days=-2), timedelta(days=1))
        with pytest.raises(InvalidError, match="within must not be negative"):
            Conversion(0.2, STEPS).won(timedelta(days=-1))
        with pytest.raises(InvalidError, match="length must not be negative"):
            new().within(timedelta(days=-1))

    def test_compound_poisson(self):
        """Thirty new deals, a fifth won in time, 5,000 each: 30,000, variance 6 x 5,000^2 (Wald)."""
        made = Creation.poisson(rate=30, won=0.2, size=eur(5_000), size_sd=3_000.0, window=LEFT)
        assert made.mean == eur(30_000)
        assert made.sd**2 == pytest.approx(6 * (5_000**2 + 3_000**2))
        assert made.why == "30 new deals, 20 % won in time, 5,000 EUR each"

    def test_bad_figures(self):
        """All of them at once."""
        with pytest.raises(InvalidError) as caught:
            Creation(mean=eur(-1), sd=nan, window=timedelta(0), growth=0.5, n=-1)
        assert [one.path for one in caught.value.problems] == ["mean", "sd", "window", "growth", "n"]
        with pytest.raises(InvalidTypeError):
            Creation(mean=5, sd=-1, window=5, omitted=("x",))
        with pytest.raises(InvalidError) as caught:
            Creation.poisson(rate=-1, won=2, size=eur(1), size_sd=inf, window=LEFT)
        assert [one.path for one in caught.value.problems] == ["rate", "won", "size_sd"]
        with pytest.raises(InvalidError, match="sd must be 0 when the mean is"):
            new("0", 5.0)
        with pytest.raises(InvalidError, match=r"creation must be in EUR, got 1 USD"):
            of([], creation=Creation(mean=Money(1, "USD"), sd=1.0, window=LEFT))
        with pytest.raises(InvalidTypeError) as caught:
            of([], creation=5, spread=2.0)
        assert [one.path for one in caught.value.problems] == ["creation", "spread"]
        with pytest.raises(InvalidTypeError, match="length must be a timedelta"):
            new().within(5)


def history(key, opened, days_to_win=None, amount="1000", currency="EUR"):
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=opened)
    facts = [DealFact("opened", "new", at=start)]
    if amount is not None:
        facts.append(DealFact("amount", Money(amount, currency), at=start))
    if days_to_win is not None:
        facts.append(DealFact("won", at=start + timedelta(days=days_to_win)))
    return DealHistory(key, facts)


END = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=300)


class TestReadNewBusiness:
    """Creation out of a history."""

    def test_a_steady_flow(self):
        """One deal a day, won after 10 days, 1,000 each: a window of 30 days has 20 of them; of 20 days, 10."""
        flow = [history(f"O-{n}", n, 10) for n in range(290)]
        found = fit_creation(flow, as_of=END, horizon=timedelta(days=30), currency="EUR")
        assert float(found.mean.amount) == pytest.approx(20_000, rel=0.05)
        assert found.n == 10
        assert found.sd >= (20 * 1_000**2) ** 0.5 * 0.95  # never below independent wins
        assert found.growth == pytest.approx(2.0, abs=0.2)  # 15 days have 5: 2^2 times less
        assert float(fit_creation(flow, as_of=END, horizon=timedelta(days=20), currency="EUR").mean.amount) == (
            pytest.approx(10_000, rel=0.05)
        )

    def test_what_takes_longer_than_the_window_is_not_new(self):
        """Won after 40 days: nothing in 30; open and lost deals bring nothing."""
        slow = [history("a", 0, 40), history("b", 5), history("c", 100, 40)]
        found = fit_creation(slow, as_of=END, horizon=timedelta(days=30), currency="EUR")
        assert (found.mean, found.sd, found.growth) == (eur(0), 0.0, 1.0)

    def test_nothing_recorded_later_changes_it(self):
        """A win after the as-of time is unknown then."""
        flow = [history(f"O-{n}", n, 10) for n in range(200)]
        later = [*flow, history("later", 250, 3, "1000000")]
        early = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=220)
        options = {"as_of": early, "horizon": timedelta(days=30), "currency": "EUR"}
        assert fit_creation(flow, **options) == fit_creation(later, **options)

    def test_wins_that_cannot_be_counted_are_listed(self):
        """Without an amount or a rate: omitted, and the forecast says so; with rates they are converted."""
        flow = [history("a", 0, 5, None), history("b", 1, 5, "100", "USD"), history("c", 2, 5)]
        options = {"as_of": END, "horizon": timedelta(days=30), "currency": "EUR"}
        found = fit_creation(flow, **options)
        assert [(one.id, one.reason.value) for one in found.omitted] == [("a", "unpriced"), ("b", "no_rate")]
        assert "new business is without 2 deals that could not be counted" in of([], creation=found).warnings
        rates = ExchangeRates([Rate("USD", "EUR", Decimal("0.9"), date(2025, 1, 1))])
        assert [one.id for one in fit_creation(flow, rates=rates, **options).omitted] == ["a"]

    def test_too_short_a_history(self):
        """Shorter than a window, or empty: refused, saying how long it is."""
        with pytest.raises(InvalidError, match=r"history must reach back a whole window of 30 days.*got 10 days"):
            fit_creation([history("a", 290, 5)], as_of=END, horizon=timedelta(days=30), currency="EUR")
        with pytest.raises(InvalidError, match="history must reach back"):
            fit_creation([], as_of=END, horizon=timedelta(days=30), currency="EUR")

    def test_bad_arguments(self):
        """Each named."""
        with pytest.raises(InvalidTypeError) as caught:
            fit_creation([5], as_of=5, horizon=timedelta(0), currency="eur", rates=5)
        paths = [one.path for one in caught.value.problems]
        assert paths == ["as_of", "horizon", "currency", "rates", "history[0]"]


def past(day, actual, deals=THREE, **options):
    return of(deals, as_of=NOW - timedelta(days=day), **options), actual


class TestPastErrors:
    """Phi and bias out of past forecasts and what came."""

    def test_without_errors_it_is_the_prior(self):
        """Two, the prior; never below 1."""
        assert fit_spread([]) == Spread(phi=2.0, n=0, why="0 past errors, drawn towards 2 with the weight of 4")

    def test_by_hand(self):
        """One error of 2 standard deviations, its square 4 times the variance, beside four believed ones of 2."""
        made, _ = past(0, 0)
        found = fit_spread([(made, 69_000 + 2 * made.sd)])
        assert (found.phi, found.n, found.bias) == (pytest.approx((4 + 4 * 2) / 5), 1, 1.0)

    def test_errors_of_a_time_when_nothing_was_open_do_not_rule(self):
        """A miss of 100 where one deal of 1 was open says little of forecasts of 100,000 at a time."""
        tiny = past(9, 100, [deal("t", 1, 0.5)])
        rest = [past(day, 69_000) for day in range(8)]
        assert fit_spread([*rest, tiny]).phi == pytest.approx(fit_spread(rest).phi, rel=0.1)

    def test_who_had_too_little_to_forecast_from_is_left_out(self):
        """A forecast of 50 where others said 69,000 neither widens nor shifts the next one; `why` says so."""
        young = [past(90 + day, 650_000, [deal("t", 100, 0.5)]) for day in range(5)]
        rest = [past(day, 69_000) for day in range(3)]
        for correct in (False, True):
            found, without = (fit_spread(pairs, correct=correct) for pairs in ([*rest, *young], rest))
            assert (found.phi, found.bias, found.n) == (without.phi, without.bias, without.n)
        assert found.why.endswith(
            "; 5 left out that had said less than a twentieth of the average: too little was known then"
        )
        assert "left out" not in without.why

    def test_a_variance_of_next_to_nothing_does_not_decide(self):
        """Nine errors of half a standard deviation and an older one beside no variance: phi stays what it was."""
        usual = [deal(f"O-{n}", 20_000, 0.5) for n in range(10)]
        sure = [deal("a", 99_990, 0.9999999), deal("b", 20, 0.5)]
        pairs = [past(day, 115_000, usual) for day in range(9)]
        assert fit_spread([*pairs, past(30, 115_000, sure)]).phi == pytest.approx(fit_spread(pairs).phi, rel=0.1)

    @given(st.lists(st.floats(0, 1e6), min_size=2, max_size=5), st.floats(0, 1e9))
    def test_no_forecast_has_more_of_a_say_than_its_size(self, rows, actual):
        """Whatever came of a forecast of next to nothing, phi is that of the others."""
        pairs = [past(day, actual) for day, actual in enumerate(rows)]
        tiny = past(50, actual, [deal("t", "0.01", 0.1)])
        assert fit_spread([*pairs, tiny]).phi == pytest.approx(fit_spread(pairs).phi)

    def test_an_interval_that_says_nothing_is_told(self):
        """Past errors make the standard deviation larger than all that is expected: a warning; else none."""
        many = [deal(f"O-{n}", 100, 0.5) for n in range(40)]
        (warning,) = of(many, spread=Spread(phi=144_391, n=9)).warnings
        assert warning.startswith("the interval says little: past errors were 380.0 times those of independent deals")
        assert of(many, spread=Spread(phi=30, n=9)).warnings == ()
        # One unlikely deal is as wide without it.
        assert of([deal("a", 100, 0.3)], spread=Spread(phi=144_391, n=9)).warnings == ()

    def test_recent_errors_weigh_more(self):
        """The same two errors the other way round."""
        good, bad = eur(69_000), eur(300_000)
        first = fit_spread([past(20, good), past(1, bad)])
        assert first.phi > fit_spread([past(20, bad), past(1, good)]).phi
        assert first == fit_spread([past(1, bad), past(20, good)])

    def test_luck_does_not_narrow(self):
        """Forecasts that were right to the cent: phi falls towards 1 and no further."""
        assert fit_spread([past(day, 69_000) for day in range(50)], prior=1.0).phi == 1.0

    def test_bias_is_drawn_towards_none(self):
        """Half of what was forecast came, five times: believed as far as .1 squared goes against the noise of five."""
        pairs = [past(day, 34_500) for day in range(5)]
        found = fit_spread(pairs, correct=True, half_life=1e9)
        # Nothing is left of an error by the bias of the others: phi is (5 x 0 + 4 x 2) / 9, which is taken as 1.
        noise = pairs[0][0].variance_of_deals / 5 / 69_000**2
        share = 0.01 / (0.01 + noise)
        assert found.bias == pytest.approx(1 - 0.5 * share)
        assert fit_spread(pairs, correct=True, prior_bias=0.0).bias == 1.0
        assert fit_spread(pairs, correct=True, prior_bias=1e9).bias == pytest.approx(0.5)
        assert fit_spread(pairs).bias == 1.0
        # Each error is corrected by the other four; none is left wider than it was, and one by itself is not narrowed.
        assert 1.0 <= found.phi <= fit_spread(pairs, half_life=1e9).phi
        assert fit_spread(pairs[:1], correct=True).phi == fit_spread(pairs[:1]).phi
        result = of(THREE, spread=found)
        assert float(result.correction.amount) == pytest.approx(-34_500 * share, abs=0.01)
        assert result.mean == result.uncorrected + result.correction
        # The correction does not enter the next fit.
        assert fit_spread([(result, 34_500)], correct=True) == fit_spread([past(0, 34_500)], correct=True)

    def test_what_was_won_already_is_no_error(self):
        """Both sides lose what was certain."""
        deals = [*THREE, won("w", 1_000_000)]
        assert fit_spread([past(0, 1_100_000, deals)]).phi == pytest.approx(fit_spread([past(0, 100_000)]).phi)

    def test_new_business_explains_its_part(self):
        """Its variance is taken off the squared error."""
        assert fit_spread([past(0, 140_000, creation=new("1", 90_000.0))]).phi < fit_spread([past(0, 140_000)]).phi

    def test_forecasts_without_open_deals_say_nothing(self):
        """There is no variance to compare with; nor is there a bias of nothing."""
        found = fit_spread([past(0, 5_000, [won("w", 10)])], correct=True)
        assert (found.phi, found.bias, found.n) == (2.0, 1.0, 0)

    def test_bad_arguments(self):
        """All at once, then all pairs at once."""
        with pytest.raises(InvalidTypeError) as caught:
            fit_spread(5, prior=0.5, prior_errors=-1, prior_bias=-1, half_life=0)
        paths = [one.path for one in caught.value.problems]
        assert paths == ["pairs", "prior", "prior_errors", "prior_bias", "half_life"]
        made, _ = past(0, 0)
        with pytest.raises(InvalidTypeError) as caught:
            fit_spread([(made, nan), (made, Money(1, "USD")), 7, (5, 5)])
        assert [one.path for one in caught.value.problems] == ["pairs[0][1]", "pairs[1][1]", "pairs[2]", "pairs[3]"]
        with pytest.raises(InvalidError, match="pairs must hold at least one pair when prior_errors is 0"):
            fit_spread([], prior_errors=0)
        with pytest.raises(InvalidError) as caught:
            Spread(phi=0.9, bias=0, n=-1)
        assert [one.path for one in caught.value.problems] == ["phi", "bias", "n"]
        with pytest.raises(InvalidError, match="bias must be finite"):
            Spread(phi=1, bias=nan)


def lead(key, value="1000", days=10):
    at = NOW - timedelta(days=days)
    return Lead.imported(key, person=Person("Mara Okafor"), estimated_value=eur(value), at=at)


STEPS = [(timedelta(days=30), 0.25), (timedelta(days=120), 1.0)]


class TestWithoutADeal:
    """Leads and prospects whose rates and times are known count in the forecast."""

    def test_text(self):
        """A line: the rate, what it rests on, and at most four points of the curve, the last among them."""
        curve = [(timedelta(days=day), day / 10) for day in range(1, 11)]
        assert str(Conversion(0.2, curve, n=310)) == (
            "20 % are won in the end (310 counted); "
            "of these 10 % within 1 day, 40 % within 4 days, 70 % within 7 days, 100 % within 10 days"
        )
        assert str(Conversion(0.2, curve[-1:])).endswith("(assumed); of these 100 % within 10 days")

    def test_by_hand(self):
        """20 % in the end, a quarter of it in 30 days: 5 %; of those left after 30 days, .15 x 30/90 of .95."""
        conversion = Conversion(0.2, STEPS, n=310)
        assert conversion.won(timedelta(days=30)).p == pytest.approx(0.05)
        later = conversion.won(timedelta(days=30), age=timedelta(days=30))
        assert (later.p, later.n) == (pytest.approx(0.2 * 0.25 / 0.95), 310)
        assert conversion.won(timedelta(days=30), age=timedelta(days=500)).p == 0.0
        assert Conversion(1.0, STEPS).won(timedelta(days=30), age=timedelta(days=120)).p == 0.0

    def test_they_are_part_of_the_mean(self):
        """Value x chance in the period, an addition per level, in the variance, and beside it the potential."""
        conversion = Conversion(0.2, STEPS, n=310)
        result = of(THREE, leads=[lead("L-1"), lead("L-2", "3000")], conversion={"lead": conversion})
        p = conversion.won(LEFT, age=timedelta(days=10)).p
        (one,) = result.additions
        assert one.name == "leads"
        assert result.new == one.expected == Money("4000", "EUR").times(p).round()
        assert result.mean == result.open + result.new
        assert result.variance_of_deals == pytest.approx(53_935.146**2 + p * (1 - p) * (1_000**2 + 3_000**2))
        assert float(result.expected_gap(10**7).amount) == pytest.approx(10**7 - float(result.mean.amount), abs=0.01)
        assert [row.in_period.p for row in result.potential.rows] == [p, p]
        assert result.potential.leads == eur(800)

    def test_a_period_ahead_takes_what_comes_between(self):
        """By its end less by its start."""
        conversion = Conversion(0.2, STEPS)
        second = BOOKS.quarter(2026, 2)
        result = of([], period=second, leads=[lead("L-1")], conversion={"lead": conversion})
        age = timedelta(days=10)
        p = conversion.won(second.end - NOW, age=age).p - conversion.won(second.start - NOW, age=age).p
        assert result.potential.rows[0].in_period.p == pytest.approx(p)

    def test_counted_twice_is_warned_of(self):
        """Creation read from a history holds what comes of leads as well."""
        result = of([], leads=[lead("L-1")], conversion={"lead": Conversion(0.2, STEPS)}, creation=new())
        assert any("new business must be without what comes of them" in one for one in result.warnings)

    def test_bad_figures(self):
        """Shares that fall, times that do not rise, things that are no pairs."""
        with pytest.raises(InvalidError) as caught:
            Conversion(0.2, [STEPS[1], STEPS[0], (timedelta(0), 1.0)])
        assert [one.path for one in caught.value.problems] == ["times[1]", "times[2]"]
        with pytest.raises(InvalidTypeError) as caught:
            Conversion(2, [(30, 0.5), (timedelta(1), 2), 7, (1, 2, 3)], n=-1)
        assert [one.path for one in caught.value.problems] == [
            "rate",
            "n",
            "times[2]",
            "times[0][0]",
            "times[1][1]",
            "times[3]",
        ]
        with pytest.raises(InvalidError, match="times must hold at least one pair"):
            Conversion(0.2, [])
        with pytest.raises(InvalidTypeError, match="times must be"):
            Conversion(0.2, 5)
        with pytest.raises(InvalidTypeError, match="within must be a timedelta"):
            Conversion(0.2, [list(STEPS[0])]).won(5)
