"""Exchange rates: the rate of the amount's own day, or an error."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.errors import InvalidError, InvalidTypeError, MissingRateError
from leadflow.money import NO_RATES, ExchangeRates, Money, Rate

DAY = date(2026, 1, 10)
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
RATES = st.decimals(Decimal("0.0001"), 10_000, places=4)
AMOUNTS = st.decimals(-(10**9), 10**9, places=2)


def eur_usd(rate="1.25", day=DAY):
    return Rate("EUR", "USD", rate, day)


class TestRate:
    """A rate is a number above 0 between two currencies on a day."""

    @pytest.mark.parametrize("rate", ["1.10", Decimal("1.10"), 2])
    def test_str_decimal_and_int_are_exact(self, rate):
        """What is written is what counts."""
        assert eur_usd(rate).rate == Decimal(rate)

    @pytest.mark.parametrize("rate", [0, "0.00", -1, "NaN", "Infinity", "1e18", "one"])
    def test_what_is_not_above_zero_is_refused(self, rate):
        """A rate of nothing, or of no number, would lose money silently."""
        with pytest.raises(InvalidError, match="Rate: rate must be"):
            eur_usd(rate)

    @pytest.mark.parametrize("rate", [1.1, True, None])
    def test_floats_are_refused(self, rate):
        """A float has lost what the bank wrote."""
        with pytest.raises(InvalidTypeError, match="Rate: rate must"):
            eur_usd(rate)

    def test_all_problems_at_once(self):
        """Currencies, rate and day are judged together."""
        with pytest.raises(InvalidTypeError) as caught:
            Rate("EURO", "EURO", "0", datetime(2026, 1, 1, tzinfo=UTC))
        assert [problem.path for problem in caught.value.problems] == ["source", "target", "target", "rate", "day"]


class TestWhatIsNoTable:
    """What is no table of rates is one clear error."""

    @pytest.mark.parametrize("rates", [None, "long text" * 1000, 1.1, {"EUR": 1}, [1.1] * 10_000])
    def test_what_holds_no_rates_is_one_short_error(self, rates):
        """No text falls apart into its letters, and ten thousand wrong rows are not told one by one."""
        with pytest.raises(InvalidTypeError, match="ExchangeRates: rates") as caught:
            ExchangeRates(rates)
        assert len(str(caught.value)) < 500


class TestConverting:
    """The latest rate dated on or before the day; never a later one, never 1, never 0."""

    @given(st.dictionaries(DAYS, RATES, min_size=1), DAYS, AMOUNTS)
    def test_the_latest_rate_by_then_is_used(self, by_day, on, amount):
        """The look-up agrees with searching the whole list."""
        rates = ExchangeRates([eur_usd(rate, day) for day, rate in by_day.items()])
        known = [day for day in by_day if day <= on]
        if known:
            expected = Fraction(amount) * Fraction(by_day[max(known)])
            converted = rates.convert(Money(amount, "EUR"), "USD", on)
            assert converted.currency == "USD"
            assert Fraction(converted.amount) == expected
            assert rates.find("EUR", "USD", on) == by_day[max(known)]
        else:
            assert rates.find("EUR", "USD", on) is None
            with pytest.raises(MissingRateError):
                rates.convert(Money(amount, "EUR"), "USD", on)

    @given(RATES, AMOUNTS)
    def test_there_and_back_is_where_we_were(self, rate, amount):
        """Converting by a rate and back by its inverse gives the very same amount."""
        rates = ExchangeRates([eur_usd(rate)])
        money = Money(amount, "EUR")
        assert rates.convert(rates.convert(money, "USD", DAY), "EUR", DAY) == money

    @given(RATES)
    def test_the_inverse_is_the_inverse(self, rate):
        """Rate times inverse is 1, to fifty digits."""
        inverse = ExchangeRates([eur_usd(rate)]).find("USD", "EUR", DAY)
        assert abs(Fraction(inverse) * Fraction(rate) - 1) < Fraction(1, 10**48)

    def test_a_given_direction_goes_before_an_inverse(self):
        """Also before a newer inverse: what was written down for this direction counts."""
        rates = ExchangeRates(
            [eur_usd("2"), Rate("USD", "EUR", "0.8", DAY), Rate("USD", "EUR", "0.9", date(2026, 2, 1))]
        )
        assert rates.convert(Money(1, "EUR"), "USD", date(2026, 3, 1)) == Money(2, "USD")
        assert rates.convert(Money(1, "USD"), "EUR", date(2026, 3, 1)) == Money("0.9", "EUR")

    def test_an_inverse_stands_in_while_the_direction_is_unknown(self):
        """Before the first direct rate, the inverse is all there is."""
        rates = ExchangeRates([eur_usd("2", date(2026, 2, 1)), Rate("USD", "EUR", "0.8", DAY)])
        assert rates.convert(Money(1, "EUR"), "USD", DAY) == Money("1.25", "USD")
        assert rates.find("EUR", "USD", DAY) == Decimal("1.25")

    def test_a_later_rate_is_not_used(self):
        """Nobody knew it on that day; the message says what to add."""
        rates = ExchangeRates([eur_usd()])
        with pytest.raises(
            MissingRateError, match="no exchange rate from EUR to USD on 2026-01-09; add one dated"
        ) as caught:
            rates.convert(Money(1, "EUR"), "USD", DAY - timedelta(days=1))
        assert isinstance(caught.value, LookupError)

    def test_no_rate_is_made_up_from_two_others(self):
        """GBP to USD by way of EUR is the host's decision."""
        rates = ExchangeRates([eur_usd(), Rate("EUR", "GBP", "0.85", DAY)])
        assert rates.find("GBP", "USD", DAY) is None

    def test_the_same_currency_needs_no_rate(self):
        """The amount comes back as it is, the very object."""
        money = Money("1.50", "EUR")
        assert NO_RATES.convert(money, "EUR", DAY) is money
        assert NO_RATES.find("EUR", "EUR", DAY) == 1

    def test_results_are_not_rounded(self):
        """Rounding is for the end of a sum."""
        assert ExchangeRates([eur_usd("1.23456")]).convert(Money("0.01", "EUR"), "USD", DAY).amount == Decimal(
            "0.0123456"
        )

    @pytest.mark.parametrize(
        "act",
        [
            lambda: NO_RATES.convert(1, "EUR", DAY),
            lambda: NO_RATES.convert(Money(1, "EUR"), "eur", DAY),
            lambda: NO_RATES.convert(Money(1, "EUR"), "EUR", datetime(2026, 1, 1, tzinfo=UTC)),
            lambda: NO_RATES.find("eur", "USD", DAY),
            lambda: NO_RATES.find("EUR", None, DAY),
            lambda: NO_RATES.find("EUR", "USD", "2026-01-01"),
        ],
    )
    def test_wrong_arguments_are_refused(self, act):
        """A datetime has no day without a time zone; an unknown currency is not a missing rate."""
        with pytest.raises(InvalidError):
            act()


class TestTable:
    """A table is a value."""

    def test_order_given_does_not_matter(self):
        """Equal and hash-equal, in order of pair and day, from any iterable."""
        one, two = eur_usd("1.1"), eur_usd("1.2", date(2026, 2, 1))
        table = ExchangeRates([two, one])
        assert table == ExchangeRates(iter((one, two)))
        assert hash(table) == hash(ExchangeRates((one, two)))
        assert table.rates == (one, two)
        assert [row["rate"] for row in table.to_rows()] == [Decimal("1.1"), Decimal("1.2")]

    def test_two_rates_of_one_pair_and_day_are_refused(self):
        """Which of the two to believe is not ours to guess."""
        with pytest.raises(InvalidError, match=r"must not repeat, got \('EUR', 'USD', '2026-01-10'\) twice"):
            ExchangeRates([eur_usd("1.1"), eur_usd("1.2")])

    def test_only_rates_go_in(self):
        """Every wrong row is named."""
        with pytest.raises(InvalidTypeError, match=r"rates\[1\] must be a Rate"):
            ExchangeRates([eur_usd(), ("EUR", "USD", "1", DAY)])

    def test_it_pickles_and_copies(self):
        """Also after use, and it works afterwards."""
        table = ExchangeRates([eur_usd()])
        money = Money(1, "EUR")
        before = table.convert(money, "USD", DAY)
        for other in (pickle.loads(pickle.dumps(table)), copy.copy(table), copy.deepcopy(table)):
            assert other == table
            assert other.convert(money, "USD", DAY) == before

    def test_the_hosts_context_does_not_matter(self, hostile):
        """The same amounts under any precision, rounding or traps."""
        rates = ExchangeRates([eur_usd("1.2345678")])

        def everything():
            return [
                rates.convert(Money("12345678.91", "EUR"), "USD", DAY),
                rates.convert(Money("12345678.91", "USD"), "EUR", DAY),
                rates.find("USD", "EUR", DAY),
                eur_usd("1.23456789"),
            ]

        expected = everything()
        with hostile():
            assert everything() == expected
