"""Laws of rollups and forecasts, over arbitrary portfolios."""

import decimal
from datetime import UTC, date, datetime, timedelta
from decimal import (
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
    Subnormal,
    Underflow,
    localcontext,
)
from fractions import Fraction
from math import sqrt

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.currencies import EXPONENTS
from leadflow.dealparts import Origin
from leadflow.forecasting import Deal, DealState, Estimate, StageTable, forecast, rollup
from leadflow.money import ExchangeRates, Money, Rate
from leadflow.opportunity import Opportunity
from leadflow.stage import ForecastCategory

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BOOKS = FiscalCalendar(UTC)
QUARTER = BOOKS.quarter(2026, 1)
RATES = ExchangeRates(
    [
        Rate("USD", "EUR", Decimal("0.9137"), date(2026, 1, 1)),
        Rate("USD", "EUR", Decimal("0.8731"), date(2026, 3, 1)),
        Rate("EUR", "GBP", Decimal("0.8457"), date(2026, 2, 1)),
    ]
)
OPEN_CATEGORIES = [category for category in ForecastCategory if category is not ForecastCategory.CLOSED]

amounts = st.decimals(Decimal(-10), Decimal(10**12), places=3)
monies = st.builds(Money, amounts, st.sampled_from(["EUR", "USD", "GBP", "CHF"]))
days = st.dates(date(2025, 12, 1), date(2026, 6, 30))
instants = st.datetimes(datetime(2025, 12, 1), datetime(2026, 3, 10), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def rows(draw, key):
    state = draw(st.sampled_from(DealState))
    is_open = state is DealState.OPEN
    return Deal(
        key,
        state=state,
        owner=draw(st.sampled_from([None, "ada", "bo"])),
        product=draw(st.sampled_from([None, "core", "suite"])),
        probability=draw(st.none() | st.floats(0, 1)),
        forecast_category=draw(st.none() | st.sampled_from(OPEN_CATEGORIES)),
        amount=draw(st.none() | monies),
        expected_close=draw(st.none() | days),
        closed_at=None if is_open else draw(st.none() | instants),
        fields=draw(st.sampled_from([{}, {"tier": 1}, {"tier": 1.0}, {"tier": Decimal(1)}, {"tier": "gold"}])),
    )


@st.composite
def portfolios(draw):
    return tuple(draw(rows(f"O-{number}")) for number in range(draw(st.integers(0, 12))))


keys = st.lists(
    st.sampled_from(["owner", "product", "tier", "state", "forecast_category", "id", lambda row: row.probability]),
    max_size=3,
)
modes = st.sampled_from(["single", "cumulative"])


class Own:
    """Chances by the deal's own probability, whatever its dates."""

    def win(self, deal, *, as_of, horizon):
        """Leave out what has no probability."""
        if deal.probability is None:
            return Estimate(0.0, left_out="no_probability")
        return Estimate(deal.probability, 10)


models = st.sampled_from([Own(), StageTable(pipelines.SIMPLE)])


def up(deals, **options):
    return rollup(deals, **{"currency": "EUR", "as_of": NOW, "rates": RATES, **options})


def of(deals, **options):
    return forecast(
        deals, **{"model": Own(), "period": QUARTER, "as_of": NOW, "currency": "EUR", "rates": RATES, **options}
    )


def with_tier(deals):
    # So that the host's field is known also where no deal drawn has it.
    return (*deals, Deal("known", state="withdrawn", fields={"tier": 1}))


class TestRollupLaws:
    """What holds for every rollup."""

    @given(portfolios(), st.randoms(use_true_random=False), keys, modes)
    def test_order_does_not_matter(self, deals, random, by, mode):
        """The same deals in another order give the same rollup, down to the residue of rounding."""
        shuffled = list(with_tier(deals))
        random.shuffle(shuffled)
        assert up(shuffled, by=by, mode=mode) == up(with_tier(deals), by=by, mode=mode)

    @given(portfolios(), keys, modes)
    def test_rows_add_up_to_the_total(self, deals, by, mode):
        """Every column of every grouping adds up, to the last cent, whatever was converted or weighted."""
        result = up(with_tier(deals), by=by, mode=mode)
        zero = Money.zero("EUR")
        for category in ForecastCategory:
            column = [row.amounts[category] for row in result.rows]
            assert Money.total([zero, *column]) == result.total.amounts[category]
            assert sum(row.counts[category] for row in result.rows) == result.total.counts[category]
        assert Money.total([zero, *(row.expected for row in result.rows)]) == result.total.expected
        assert sum(row.deals for row in result.rows) == result.total.deals

    @given(portfolios(), keys)
    def test_totals_do_not_depend_on_the_grouping(self, deals, by):
        """However it is cut, the whole and what is left out stay the same."""
        cut, whole = up(with_tier(deals), by=by), up(deals)
        assert attrs.evolve(cut.total, keys=()) == whole.total
        assert cut.omitted == whole.omitted

    @given(portfolios(), keys)
    def test_cumulative_is_made_of_single(self, deals, by):
        """The identities of the specification hold row by row, in amounts and in counts."""
        single, cumulative = (up(with_tier(deals), by=by, mode=mode) for mode in ("single", "cumulative"))
        for alone, summed in zip((*single.rows, single.total), (*cumulative.rows, cumulative.total), strict=True):
            for one, more in ((alone.amounts, summed.amounts), (alone.counts, summed.counts)):
                assert more.closed == one.closed
                assert more.commit == one.commit + one.closed
                assert more.most_likely == one.most_likely + one.commit + one.closed
                assert more.best_case == one.best_case + one.most_likely + one.commit + one.closed
                assert more.pipeline == one.pipeline + one.best_case + one.most_likely + one.commit
                assert more.omitted == one.omitted
            assert (alone.expected, alone.deals) == (summed.expected, summed.deals)

    @given(portfolios())
    def test_every_deal_is_counted_or_listed(self, deals):
        """Open and won deals are counted or listed with a reason, lost and withdrawn ones neither."""
        result = up(deals, by="id")
        counted = {row.keys[0] for row in result.rows}
        listed = {one.id for one in result.omitted if one.reason != "no_probability"}
        assert counted | listed == {deal.id for deal in deals if deal.is_open or deal.is_won}
        assert not counted & listed

    @given(portfolios())
    def test_months_partition_what_has_a_date(self, deals):
        """The rollup by month is that of the deals with a date; the others are listed as undated."""
        dated = [deal for deal in deals if deal.day(BOOKS) is not None]
        by_month = up(deals, by="month")
        assert attrs.evolve(by_month.total, keys=()) == up(dated).total
        undated = {one.id for one in by_month.omitted if one.reason == "undated"}
        assert undated == {deal.id for deal in deals if deal not in dated and (deal.is_open or deal.is_won)}

    @given(portfolios())
    def test_a_period_is_the_row_of_its_own_grouping(self, deals):
        """Limiting to a quarter and grouping by quarter say the same about it."""
        limited = up(deals, period=QUARTER).total
        grouped = {row.keys[0]: row for row in up(deals, by="quarter").rows}
        if QUARTER in grouped:
            assert grouped[QUARTER].counts == limited.counts
        else:
            assert limited.deals == 0

    @given(st.lists(st.tuples(st.decimals(0, 10**9, places=2), st.floats(0, 1)), max_size=8))
    def test_expected_revenue_is_exact(self, pairs):
        """It equals the sum of products in exact fractions, rounded half up once."""
        deals = [
            Deal(f"O-{place}", state="open", amount=Money(amount, "EUR"), probability=p)
            for place, (amount, p) in enumerate(pairs)
        ]
        exact = sum((Fraction(amount) * Fraction(repr(p)) for amount, p in pairs), Fraction(0))
        cents = (exact * 10 ** EXPONENTS["EUR"] + Fraction(1, 2)) // 1
        assert up(deals).total.expected == Money(Decimal(int(cents)).scaleb(-2), "EUR")


thousandths = st.builds(Money, st.decimals(0, 3, places=4), st.just("EUR"))
fractions_of_cents = st.lists(
    st.tuples(st.sampled_from(["ada", "bo", "cy"]), st.sampled_from(ForecastCategory), thousandths), max_size=20
)
COLUMNS = {
    "pipeline": ("pipeline", "best_case", "most_likely", "commit"),
    "best_case": ("best_case", "most_likely", "commit", "closed"),
    "most_likely": ("most_likely", "commit", "closed"),
    "commit": ("commit", "closed"),
    "closed": ("closed",),
    "omitted": ("omitted",),
}
CENT = Decimal("0.01")


class TestRoundingLaws:
    """How far a figure shown can be from the exact one."""

    @given(fractions_of_cents)
    def test_figures_are_as_close_as_they_say(self, parts):
        """Totals that are rounded once are the nearest; the others, and the rows, stay within their bounds."""
        deals = [
            Deal(f"O-{n:02}", state="won", owner=owner, amount=amount)
            if category is ForecastCategory.CLOSED
            else Deal(f"O-{n:02}", state="open", owner=owner, amount=amount, forecast_category=category)
            for n, (owner, category, amount) in enumerate(parts)
        ]

        def exact(categories, owner=None):
            return Money.total(
                [money for who, category, money in parts if category in categories and owner in {None, who}], "EUR"
            )

        single, cumulative = (up(deals, by="owner", mode=mode) for mode in ("single", "cumulative"))
        alone, summed = single.total.amounts, cumulative.total.amounts
        assert summed.pipeline == exact(COLUMNS["pipeline"]).round()
        assert (alone.closed, alone.omitted) == (exact(["closed"]).round(), exact(["omitted"]).round())
        surest_first = ("commit", "most_likely", "best_case", "pipeline")
        for place in range(1, 5):
            shown = Money.total([alone[category] for category in surest_first[:place]])
            assert shown == exact(surest_first[:place]).round()
        for name, categories in COLUMNS.items():
            assert abs((summed[name] - exact(categories)).amount) <= CENT
            assert abs((alone[name] - exact([name])).amount) < CENT
            for row in single.rows:
                assert abs((row.amounts[name] - exact([name], row.keys[0])).amount) < CENT
            for row in cumulative.rows:
                assert abs((row.amounts[name] - exact(categories, row.keys[0])).amount) < len(categories) * CENT


@st.composite
def hosts(draw):
    """Return any context that a host may have set: precision, rounding, limits, traps."""
    return Context(
        prec=draw(st.integers(1, 50)),
        rounding=draw(st.sampled_from([name for name in vars(decimal) if name.startswith("ROUND_")])),
        Emin=draw(st.sampled_from([0, -1, -999])),
        Emax=draw(st.sampled_from([0, 1, 999])),
        traps=draw(st.lists(st.sampled_from(SIGNALS), unique=True)),
    )


SIGNALS = [Clamped, DivisionByZero, FloatOperation, Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow]


class TestHostsContext:
    """Whatever a host does to its decimal context, no figure changes and nothing raises."""

    FORECASTS = st.fixed_dictionaries(
        {"model": models, "period": st.sampled_from([QUARTER, BOOKS.quarter(2026, 2)])},
    )
    ROLLUPS = st.fixed_dictionaries({"by": keys, "mode": modes})

    @given(portfolios(), hosts(), ROLLUPS, FORECASTS)
    def test_rollups_and_forecasts_stay_the_same(self, deals, host, rolling, forecasting):
        """Figures, order and printed text are those of any other host."""
        deals = with_tier(deals)

        def everything():
            rolled, outlook = up(deals, **rolling), of(deals, **forecasting)
            return rolled, outlook, outlook.unrounded_mean, str(rolled), str(outlook), outlook._repr_html_()

        expected = everything()
        with localcontext(host):
            inside = everything()
        assert inside == expected
        assert repr(inside) == repr(expected)

    def test_a_chance_between_two_days_stays_the_same(self):
        """Under two digits, 0.345 less 0.12 stays 0.225."""

        class Growing:
            def win(self, deal, *, as_of, horizon):
                return Estimate(0.345 if horizon > timedelta(days=60) else 0.12, 10)

        deals = [Deal("O-1", state="open", amount=Money(1000, "EUR"))]
        with localcontext(Context(prec=2)):
            assert of(deals, model=Growing(), period=BOOKS.quarter(2026, 2)).mean == Money("225.00", "EUR")
        with localcontext(Context(traps=[Inexact])):
            assert of(deals, model=Growing(), period=BOOKS.quarter(2026, 2)).mean == Money("225.00", "EUR")


class TestForecastLaws:
    """What holds for every forecast."""

    @given(portfolios(), st.randoms(use_true_random=False), models)
    def test_order_does_not_matter(self, deals, random, model):
        """The same deals in another order give the same forecast, spread and residue included."""
        shuffled = list(deals)
        random.shuffle(shuffled)
        assert of(shuffled, model=model) == of(deals, model=model)

    @given(portfolios(), models)
    def test_contributions_add_up(self, deals, model):
        """To the mean exactly; their won part to what is won; shares of variance to one, or none."""
        result = of(deals, model=model)
        zero = Money.zero("EUR")
        found = result.contributions()
        assert Money.total([zero, *(one.expected for one in found)]) == result.mean == result.won + result.open
        assert Money.total([zero, *(one.expected for one in found if one.deal.is_won)]) == result.won
        assert sum(one.variance_share for one in found) == pytest.approx(1 if result.sd else 0)
        assert all(abs(one.expected.amount - one.amount.times(one.p).amount) < 1 for one in found)

    @given(portfolios(), st.integers(0, 12), models)
    def test_the_union_is_the_sum_of_its_parts(self, deals, cut, model):
        """Means add up exactly before rounding, and to a cent per part after it; variances add up as well."""
        left, right, both = (of(part, model=model) for part in (deals[:cut], deals[cut:], deals))
        assert both.unrounded_mean == left.unrounded_mean + right.unrounded_mean
        assert abs((left.mean + right.mean - both.mean).amount) <= Decimal("0.03")
        assert both.sd == pytest.approx(sqrt(left.sd**2 + right.sd**2))
        assert set(both.omitted) == {*left.omitted, *right.omitted}

    @given(portfolios(), models)
    def test_every_deal_is_counted_listed_or_history(self, deals, model):
        """Each open deal is counted or listed with a reason, never both."""
        result = of(deals, model=model)
        counted, listed = {one.id for one in result.contributions()}, {one.id for one in result.omitted}
        assert not counted & listed
        assert {deal.id for deal in deals if deal.is_open} <= counted | listed
        assert not (counted | listed) & {deal.id for deal in deals if not (deal.is_open or deal.is_won)}

    @given(portfolios())
    def test_the_mean_lies_between_won_and_everything(self, deals):
        """Open deals never take away from what is won, and never bring more than they are worth."""
        result = of(deals)
        worth = Money.total([Money.zero("EUR"), *(one.amount for one in result.contributions())])
        assert result.won <= result.mean
        assert (result.mean - worth).amount <= Decimal("0.01")

    @given(portfolios())
    def test_expected_revenue_and_forecast_agree(self, deals):
        """What closes in the period, weighted by the deals' own chances, is the same in both."""
        found = [
            deal
            for deal in deals
            if deal.probability is not None
            and deal.forecast_category is not ForecastCategory.OMITTED
            and (day := deal.day(BOOKS)) is not None
            and day in QUARTER
        ]
        expected = up(found, period=QUARTER).total.expected
        assert abs((of(found).mean - expected).amount) <= Decimal("0.01")


class TestNoLookAhead:
    """Nothing recorded after a time changes what is said as of it."""

    STEPS = st.lists(
        st.tuples(
            st.sampled_from(["amount", "close", "probability", "move", "call"]),
            st.integers(1, 1_000_000),
            st.sampled_from(["proposal", "negotiation"]),
        ),
        max_size=6,
    )

    @given(st.lists(STEPS, min_size=1, max_size=4), st.integers(0, 5))
    def test_later_records_change_no_earlier_forecast(self, histories, day):
        """The forecast of complete histories as of a day is that of histories which ended by that day."""
        whole = [_lived(f"O-{place}", steps) for place, steps in enumerate(histories)]
        t = datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(days=day)
        known = [cut for opportunity in whole if (cut := opportunity.as_of(t)) is not None]
        then = {"as_of": t, "model": StageTable(pipelines.SIMPLE)}
        assert of(Deal.of_all(whole, t), **then) == of(Deal.of_all(known), **then)


def _lived(key, steps):
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    opportunity = Opportunity.open(
        key,
        "a deal",
        Money("48000", "EUR"),
        expected_close=date(2026, 3, 31),
        origin=Origin.from_customer("A-1"),
        pipeline=pipelines.SIMPLE,
        at=at,
    )
    for kind, number, stage in steps:
        at += timedelta(days=1)
        match kind:
            case "amount":
                opportunity = opportunity.set_amount(Money(number, "EUR"), at=at)
            case "close":
                opportunity = opportunity.set_expected_close(date(2026, 3, 1) + timedelta(days=number % 60), at=at)
            case "probability":
                opportunity = opportunity.set_probability(number / 1_000_000, at=at, by="ada")
            case "call":
                opportunity = opportunity.call("best_case", at=at, by="ada")
            case _:
                if opportunity.stage.code != stage:
                    opportunity = opportunity.move_to(stage, at=at)
    return opportunity
