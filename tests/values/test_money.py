"""Money: exact, immutable, independent of the host's decimal context."""

import copy
import pickle
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.currencies import EXPONENTS, WITHDRAWN, currency_problem
from leadflow.errors import CurrencyMismatchError, InvalidError, InvalidTypeError
from leadflow.money import Money, round_all

AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=4)
PROBABILITIES = st.floats(0, 1)
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF"])


def euros(amount):
    return Money(amount, "EUR")


def monies(currency="EUR"):
    return st.builds(Money, AMOUNTS, st.just(currency))


class TestBuilding:
    """An amount is what somebody wrote, or an error that says what is wrong and what to write instead."""

    @pytest.mark.parametrize(
        ("given_amount", "amount"),
        [
            ("48000", "48000"),
            (48000, "48000"),
            (Decimal("48000.00"), "48000.00"),
            ("-0.5", "-0.5"),
            ("1E+3", "1000"),
            ("-0.00", "0.00"),
            ("999999999999999999.99", "999999999999999999.99"),
            ("1e-400", "0." + "0" * 399 + "1"),
            ("+7", "7"),
            (str(Decimal("1.5E+3")), "1500"),
        ],
    )
    def test_str_int_and_decimal_are_kept_with_their_scale(self, given_amount, amount):
        """The decimals given are kept; exponents are written out and zero has no sign."""
        assert repr(euros(given_amount)) == f"Money('{amount}', 'EUR')"

    @pytest.mark.parametrize("amount", [5.0, True, None, [1], b"5", Fraction(1, 2), float("nan"), float("inf")])
    def test_other_types_are_refused_by_name(self, amount):
        """A value of the wrong type is an error that is also a TypeError and names the field."""
        with pytest.raises(InvalidTypeError, match=r"Money: amount must .*got "):
            euros(amount)

    def test_a_float_is_told_the_way_out(self):
        """Whoever passes a float learns what to pass instead."""
        with pytest.raises(InvalidTypeError) as caught:
            euros(1234.5)
        assert (
            str(caught.value) == "Money: amount must not be a float, got 1234.5; pass a str or Decimal, e.g. '1234.5'"
        )

    @pytest.mark.parametrize(
        "amount", ["NaN", "sNaN", "Infinity", "-inf", Decimal("NaN"), Decimal("sNaN"), Decimal("-Inf")]
    )
    def test_what_is_not_finite_is_refused(self, amount):
        """There is no amount that is not a number."""
        with pytest.raises(InvalidError, match="amount must be finite") as caught:
            euros(amount)
        assert not isinstance(caught.value, TypeError)

    @pytest.mark.parametrize(
        "amount",
        [
            "",
            " ",
            "48,000",
            "12 EUR",
            "0x10",
            "one",
            "1.2.3",
            "1_000",
            " 12 ",
            "12\n",
            "\uff11\uff12",
            "\u0661\u0662",
            ".5",
            "5.",
            "1e3",
            "12.5E+3",
            "1E+99999999999999999999",
            "\u221212",
            "--1",
        ],
    )
    def test_text_that_is_no_plain_number_is_refused(self, amount):
        """A thousands separator is not guessed at: 48,000 is 48 somewhere."""
        with pytest.raises(InvalidError, match=r"amount must be a plain number such as '1234\.50', got"):
            euros(amount)

    @given(st.integers(-(10**17), 10**17), st.integers(-400, 0))
    def test_what_a_decimal_writes_is_read(self, digits, exponent):
        """Any text that `str(Decimal)` produces is an amount, with an exponent or without."""
        number = Decimal(f"{digits}E{exponent}")
        assert Money(str(number), "EUR") == Money(number, "EUR")

    @pytest.mark.parametrize("amount", ["1e+18", -(10**18), 10**4200, "1e+999999999999", "1e-401", "0." + "1" * 401])
    def test_what_does_not_fit_is_refused(self, amount):
        """Amounts are bounded, and the message says how and stays short."""
        with pytest.raises(
            InvalidError, match=r"amount must be below 10\*\*18 in size with at most 400 decimals"
        ) as caught:
            euros(amount)
        assert len(str(caught.value)) < 300

    def test_all_problems_are_told_at_once(self):
        """A wrong amount and a wrong currency are one error with two problems."""
        with pytest.raises(InvalidTypeError) as caught:
            Money(5.0, "EURO")
        assert [problem.path for problem in caught.value.problems] == ["amount", "currency"]
        assert "did you mean 'EUR'?" in str(caught.value)

    @pytest.mark.parametrize("currency", [None, 978, [], {}, b"EUR"])
    def test_a_currency_is_text(self, currency):
        """Anything but a str is a type error, hashable or not."""
        with pytest.raises(InvalidTypeError, match="currency must be an ISO 4217 code"):
            Money(1, currency)

    def test_a_hosts_own_enum_of_currencies_becomes_plain_text(self):
        """What is stored does not depend on the caller's class."""

        class Currency(str, Enum):  # noqa: UP042  # its str() is 'Currency.EUR'
            EUR = "EUR"

        made = Money("1", Currency.EUR)
        assert type(made.currency) is str
        assert (repr(made), str(made)) == ("Money('1', 'EUR')", "1 EUR")


class TestCurrencies:
    """Codes and exponents are those of ISO 4217."""

    @pytest.mark.parametrize(
        ("code", "digits"),
        [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("BHD", 3), ("KWD", 3), ("TND", 3), ("CLF", 4)],
    )
    def test_exponents(self, code, digits):
        """Known exponents, as listed by the maintenance agency."""
        assert EXPONENTS[code] == digits

    def test_counts(self):
        """List One of 1 January 2026 has 165 codes with minor units; our table holds them and the withdrawn ones."""
        assert len(EXPONENTS) == 165 + len(WITHDRAWN)
        assert EXPONENTS.keys() > WITHDRAWN
        assert all(len(code) == 3 and code.isupper() and digits in {0, 2, 3, 4} for code, digits in EXPONENTS.items())

    def test_deals_of_last_year_still_load(self):
        """A currency that was replaced stays readable."""
        assert str(Money("10.00", "BGN")) == "10.00 BGN"

    @pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "", "€", "EURO-ZONE"])
    def test_what_nobody_sells_in_is_unknown(self, code):
        """Metals, test codes and signs are not currencies here."""
        assert "is unknown" in str(currency_problem("currency", code))

    def test_lower_case_is_told_the_upper(self):
        """The nearest code is named, whatever the case."""
        assert str(currency_problem("currency", "usd")) == "currency is unknown: 'usd' (did you mean 'USD'?)"

    def test_a_message_does_not_list_all_currencies(self):
        """Far from any code, one example says what is wanted."""
        assert str(currency_problem("currency", "")) == "currency is unknown: '' (an ISO 4217 code such as 'EUR')"


class TestValue:
    """Money is a value: immutable, compared and hashed by value, safe to copy and pickle."""

    def test_equality_and_hash_ignore_the_scale(self):
        """48000 and 48000.00 are the same amount."""
        assert euros("48000") == euros("48000.00")
        assert hash(euros("48000")) == hash(euros("48000.00"))
        assert euros(1) != Money(1, "USD")
        assert euros(1) != 1
        assert euros(1) != Decimal(1)

    def test_it_cannot_be_changed(self):
        """There is no way to assign to a field."""
        with pytest.raises(AttributeError):
            euros(1).amount = Decimal(2)

    @given(AMOUNTS, CURRENCIES)
    def test_repr_pickle_and_copies_give_it_back(self, amount, currency):
        """Nothing is lost on the way through text, pickle or copy."""
        money = Money(amount, currency)
        copies = [eval(repr(money)), pickle.loads(pickle.dumps(money)), copy.copy(money), copy.deepcopy(money)]
        assert all(other == money and str(other) == str(money) for other in copies)

    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("48000", "EUR", "48,000 EUR"),
            ("48000.00", "EUR", "48,000.00 EUR"),
            ("1234.5", "EUR", "1,234.50 EUR"),
            ("-1234.50", "EUR", "-1,234.50 EUR"),
            ("308.6250", "EUR", "308.6250 EUR"),
            ("1234.5", "JPY", "1,234.5 JPY"),
            ("1.5", "KWD", "1.500 KWD"),
            ("0", "USD", "0 USD"),
        ],
    )
    def test_text(self, amount, currency, text):
        """Amounts are shown with the decimals given, or the currency's where it has some but fewer."""
        assert str(Money(amount, currency)) == text

    def test_text_can_be_aligned(self):
        """A format specification applies to the text."""
        assert f"{euros(1):>8}|{euros(1)}" == "   1 EUR|1 EUR"


class TestArithmetic:
    """Sums, differences and products are exact or an error."""

    @given(monies(), monies(), monies())
    def test_addition_is_commutative_and_associative(self, a, b, c):
        """The order of adding does not matter, to the last digit."""
        assert a + b == b + a
        assert (a + b) + c == a + (b + c)

    @given(monies(), monies())
    def test_subtraction_undoes_addition(self, a, b):
        """Taking away what was added leaves what was there."""
        assert (a + b) - b == a
        assert a - b == -(b - a) == a + -b

    @given(monies(), st.integers(-1000, 1000), st.decimals(-100, 100, places=3))
    def test_products_are_exact(self, money, whole, part):
        """A product is that of the fractions."""
        assert Fraction((money * whole).amount) == Fraction(money.amount) * whole
        assert Fraction((part * money).amount) == Fraction(money.amount) * Fraction(part)

    @given(monies(), st.integers(1, 10**6))
    def test_division_undoes_multiplication(self, money, factor):
        """What was multiplied divides back exactly."""
        assert money * factor / factor == money

    def test_a_division_without_end_stops_at_fifty_digits(self):
        """A third has no end; the rest is as good as exact, and `split` is there for sharing."""
        third = euros(100) / 3
        assert str(third.amount) == "33." + "3" * 48
        assert (third * 3).round() == euros(100)

    def test_signs(self):
        """Negative, positive, absolute."""
        assert (-euros("1.50"), +euros(-1), abs(euros("-2.0"))) == (euros("-1.5"), euros(-1), euros(2))
        assert repr(-euros("0.00")) == "Money('0.00', 'EUR')"

    @given(monies(), PROBABILITIES)
    def test_a_probability_enters_as_it_is_written(self, money, p):
        """The weighted amount is exactly amount times the decimal that repr shows, also for the smallest floats."""
        assert Fraction(money.times(p).amount) == Fraction(money.amount) * Fraction(repr(p))

    def test_the_smallest_probability(self):
        """The smallest float has 324 decimals and still is exact."""
        assert euros("0.01").times(5e-324).amount == Decimal("5e-326")

    @pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), "0.5", True, Decimal("0.5"), None])
    def test_what_is_no_probability_is_refused(self, p):
        """Only floats and ints from 0 to 1 are chances."""
        with pytest.raises(InvalidError, match="probability must be"):
            euros(1).times(p)

    def test_a_float_factor_is_told_the_way_out(self):
        """Multiplying by a float names both things that the caller may have meant."""
        with pytest.raises(InvalidTypeError) as caught:
            euros(1) * 0.25
        assert "for a probability use times(0.25), else Decimal('0.25')" in str(caught.value)

    @pytest.mark.parametrize("factor", [True, "2", None, Decimal("NaN"), euros(1)])
    def test_other_factors_are_refused(self, factor):
        """Money multiplies and divides by an int or a finite Decimal."""
        with pytest.raises(InvalidError, match="factor must be"):
            euros(1) * factor
        with pytest.raises(InvalidError, match="divisor must be"):
            euros(1) / factor

    @pytest.mark.parametrize("divisor", [0, Decimal(0), Decimal("-0.0")])
    def test_division_by_zero_is_refused(self, divisor):
        """Nothing is shared among nobody."""
        with pytest.raises(InvalidError, match="divisor must not be zero"):
            euros(1) / divisor

    def test_results_out_of_bounds_are_errors(self):
        """A result that does not fit is never cut."""
        most = euros("999999999999999999")
        for what, act in {
            "sum": lambda: most + most,
            "difference": lambda: -most - most,
            "product": lambda: most * 2,
            "total": lambda: Money.total([most, most]),
        }.items():
            with pytest.raises(InvalidError, match=rf"the {what} must be below 10\*\*18"):
                act()
        with pytest.raises(InvalidError, match="must be below"):
            most / Decimal("0.1")
        with pytest.raises(InvalidError, match="must be below"):
            euros("1e-400") * Decimal("0.5")

    @pytest.mark.parametrize(
        "act",
        [
            lambda: euros(1) + 1,
            lambda: 1 + euros(1),
            lambda: euros(1) - 1,
            lambda: 1 - euros(1),
            lambda: sum([euros(1)]),
        ],
    )
    def test_bare_numbers_do_not_add(self, act):
        """Money plus a number is a type error that says what to write, also by way of the built-in sum."""
        with pytest.raises(InvalidTypeError, match=r"1 EUR and a bare number, got \d; .*Money\('\d', 'EUR'\)"):
            act()

    def test_the_built_in_sum_points_to_the_total(self):
        """Whoever sums a column of rows learns what adds up money."""
        with pytest.raises(InvalidTypeError, match=r"Money\.total"):
            sum(euros(1) for _ in range(2))
        with pytest.raises(InvalidTypeError, match="cannot subtract"):
            1 - euros(1)

    def test_other_types_have_their_say(self):
        """What knows how to add itself to money may; what does not is a plain type error."""

        class Note:
            def __radd__(self, other):
                return f"{other}, noted"

            def __rsub__(self, other):
                return f"{other}, taken"

        assert (euros(1) + Note(), euros(1) - Note()) == ("1 EUR, noted", "1 EUR, taken")
        for act in (lambda: "1" + euros(1), lambda: "1" - euros(1), lambda: euros(1) + "1"):
            with pytest.raises(TypeError):
                act()


class TestTwoCurrencies:
    """Amounts in two currencies do not meet without a rate."""

    @pytest.mark.parametrize(
        ("act", "text"),
        [
            (lambda a, b: a + b, "cannot add USD to EUR"),
            (lambda a, b: a - b, "cannot subtract USD from EUR"),
            (lambda a, b: a < b, "cannot compare USD with EUR"),
            (lambda a, b: a <= b, "cannot compare USD with EUR"),
            (lambda a, b: a > b, "cannot compare USD with EUR"),
            (lambda a, b: a >= b, "cannot compare USD with EUR"),
            (lambda a, b: Money.total([a, b]), "cannot add USD to EUR"),
            (lambda a, b: Money.total([b], currency=a.currency), "cannot add USD to EUR"),
            (lambda a, b: round_all([a, b]), "cannot add USD to EUR"),
        ],
    )
    def test_mixing_is_an_error(self, act, text):
        """The message reads right for each operation."""
        with pytest.raises(CurrencyMismatchError, match=f"^{text}; convert one of them first$"):
            act(euros(1), Money(1, "USD"))

    def test_they_are_not_equal(self):
        """Equality is no comparison of worth: it is just False."""
        assert (euros(1) == Money(1, "USD")) is False


class TestOrder:
    """Amounts in one currency are ordered by value."""

    @given(monies(), monies())
    def test_order_is_that_of_the_amounts(self, a, b):
        """All four operators agree with the decimals."""
        assert (a < b, a <= b, a > b, a >= b) == (
            a.amount < b.amount,
            a.amount <= b.amount,
            a.amount > b.amount,
            a.amount >= b.amount,
        )

    @pytest.mark.parametrize("other", [1, Decimal(1), "1"])
    def test_money_and_numbers_have_no_order(self, other):
        """Comparing with a bare number is a type error."""
        for act in (
            lambda: euros(1) < other,
            lambda: euros(1) <= other,
            lambda: euros(1) > other,
            lambda: euros(1) >= other,
        ):
            with pytest.raises(TypeError):
                act()


class TestTotal:
    """Totals are exact and know their currency."""

    @given(st.lists(monies(), min_size=1))
    def test_a_total_is_the_sum(self, rows):
        """In whatever order, with or without naming the currency."""
        expected = sum(Fraction(row.amount) for row in rows)
        assert Fraction(Money.total(rows).amount) == expected
        assert Money.total(reversed(rows), currency="EUR") == Money.total(rows)

    def test_nothing_adds_up_to_zero_of_a_named_currency(self):
        """Without rows, the currency has to be named."""
        assert Money.total([], currency="EUR") == Money.zero("EUR") == euros(0)
        with pytest.raises(InvalidError, match="must hold an amount when no currency is given"):
            Money.total([])

    def test_an_unknown_currency_is_named(self):
        """The currency asked for is checked before the rows."""
        with pytest.raises(InvalidError, match="did you mean 'EUR'"):
            Money.total([euros(1)], currency="eur")

    def test_every_row_that_is_no_money_is_named(self):
        """All wrong rows are told at once."""
        with pytest.raises(InvalidTypeError) as caught:
            Money.total([euros(1), None, euros(2), 3])
        assert [problem.path for problem in caught.value.problems] == ["monies[1]", "monies[3]"]

    @pytest.mark.parametrize("given_monies", [None, "long text" * 1000, 7, {"a": 1}, [1.5] * 10_000])
    @pytest.mark.parametrize("act", [Money.total, round_all])
    def test_what_holds_no_amounts_is_one_short_error(self, act, given_monies):
        """No text falls apart into its letters, and ten thousand wrong rows are not told one by one."""
        with pytest.raises(InvalidTypeError, match="monies") as caught:
            act(given_monies)
        assert len(str(caught.value)) < 500


class TestRounding:
    """Rounding is asked for, and says how."""

    @pytest.mark.parametrize(
        ("amount", "currency", "rounded"),
        [
            ("308.625", "EUR", "308.63"),
            ("-308.625", "EUR", "-308.63"),
            ("308.635", "EUR", "308.64"),
            ("2.5", "JPY", "3"),
            ("1.0005", "KWD", "1.001"),
            ("48000", "EUR", "48000.00"),
            ("-0.001", "EUR", "0.00"),
        ],
    )
    def test_to_the_smallest_unit_with_ties_away_from_zero(self, amount, currency, rounded):
        """The default is what invoices and spreadsheets do."""
        assert repr(Money(amount, currency).round()) == f"Money('{rounded}', '{currency}')"

    def test_places_and_rounding_can_be_chosen(self):
        """Any number of decimals, negative ones too, by any rule of the decimal module."""
        assert euros("308.625").round(rounding="ROUND_HALF_EVEN") == euros("308.62")
        assert repr(euros("1250").round(-2)) == "Money('1300', 'EUR')"
        assert repr(euros("1.23456").round(4)) == "Money('1.2346', 'EUR')"
        assert euros("1.001").round(0, "ROUND_CEILING") == euros(2)

    @pytest.mark.parametrize(
        ("places", "rounding"), [(2.0, "ROUND_UP"), (401, "ROUND_UP"), (-18, "ROUND_UP"), (2, "UP"), (2, [])]
    )
    def test_other_choices_are_refused(self, places, rounding):
        """A wrong choice is our error, not the decimal module's."""
        with pytest.raises(InvalidError, match=r"Money\.round: (places|rounding)"):
            euros(1).round(places, rounding)

    def test_rounding_up_out_of_bounds_is_an_error(self):
        """The limit holds for what comes out."""
        with pytest.raises(InvalidError, match="below"):
            euros("999999999999999999.9").round(0)


class TestSharing:
    """Sharing out loses no cent and does not depend on chance."""

    @given(
        AMOUNTS,
        CURRENCIES,
        st.lists(st.integers(0, 10**6) | st.floats(0, 1e6) | st.decimals(0, 1000, places=3), min_size=1).filter(any),
    )
    def test_shares_add_up_and_are_within_one_unit(self, amount, currency, weights):
        """The shares add up exactly; each is less than one unit away from its exact part; no weight, no share."""
        money = Money(amount, currency)
        shares = money.allocate(weights)
        assert Money.total(shares) == money
        unit = Fraction(1, 10 ** max(EXPONENTS[currency], 4))
        whole = sum(Fraction(str(weight)) for weight in weights)
        for share, weight in zip(shares, weights, strict=True):
            exact = Fraction(amount) * Fraction(str(weight)) / whole
            assert abs(Fraction(share.amount) - exact) < max(unit, Fraction(1, 10 ** EXPONENTS[currency]))
            assert weight or not share.amount

    @given(AMOUNTS, st.lists(st.integers(0, 100), min_size=1).filter(any))
    def test_a_credit_note_mirrors_the_invoice(self, amount, weights):
        """The shares of the negative are the negatives of the shares."""
        assert (-euros(amount)).allocate(weights) == tuple(-share for share in euros(amount).allocate(weights))

    @given(monies(), st.integers(1, 50))
    def test_split_is_even(self, money, parts):
        """Parts differ by at most one unit, the larger first (in size)."""
        shares = money.split(parts)
        sizes = [abs(share) for share in shares]
        assert Money.total(shares) == money
        assert len(shares) == parts
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] - sizes[-1] <= euros("0.01")

    def test_equal_amounts_are_shared_equally(self):
        """Decimals that do not count make no finer shares; those that count do."""
        assert euros("1.0000").split(3) == euros("1").split(3) == (euros("0.34"), euros("0.33"), euros("0.33"))
        assert Money("0.001", "EUR").split(2) == (euros("0.001"), euros(0))
        assert Money("5", "JPY").split(2) == (Money(3, "JPY"), Money(2, "JPY"))
        assert euros(0).split(2) == (euros(0), euros(0))

    @pytest.mark.parametrize(
        "weights", [[], [0, 0], [1, -1], [float("nan")], [float("inf")], [Decimal("NaN")], [True], ["1"]]
    )
    def test_weights_that_share_nothing_are_refused(self, weights):
        """Weights are finite, at least 0, and not all 0."""
        with pytest.raises(InvalidError, match=r"Money\.allocate: weights"):
            euros(1).allocate(weights)

    @pytest.mark.parametrize("weights", [None, "12", 3, {"a": 1}])
    def test_what_holds_no_weights_is_one_error(self, weights):
        """Neither nothing nor a text is several numbers."""
        with pytest.raises(InvalidTypeError, match=r"Money\.allocate: weights must be several numbers"):
            euros(1).allocate(weights)

    @pytest.mark.parametrize("parts", [0, -1, 1.0, True, 10**30])
    def test_parts_are_a_whole_number(self, parts):
        """There is no splitting into no parts."""
        with pytest.raises(InvalidError, match=r"Money\.split: parts must be"):
            euros(1).split(parts)


class TestRoundAll:
    """Rounded rows add up to the rounded total."""

    def test_the_specified_case(self):
        """Two deals of 1,234.50 at 25 % are 308.63 + 308.62 = 617.25."""
        rows = round_all([euros("1234.50").times(0.25)] * 2)
        assert rows == (euros("308.63"), euros("308.62"))
        assert Money.total(rows) == euros("617.25")

    @given(
        st.lists(monies(), min_size=1),
        st.integers(-3, 4),
        st.sampled_from(["ROUND_HALF_UP", "ROUND_FLOOR", "ROUND_UP"]),
    )
    def test_rows_add_up_and_stay_close(self, rows, places, rounding):
        """The sum is the rounded sum; each row is within one unit; a row that is round already stays."""
        rounded = round_all(rows, places, rounding)
        unit = Fraction(10) ** -places
        assert Money.total(rounded) == Money.total(rows).round(places, rounding)
        for before, after in zip(rows, rounded, strict=True):
            assert abs(Fraction(after.amount) - Fraction(before.amount)) < unit
            assert Fraction(before.amount) % unit or after == before

    @given(st.lists(monies(), min_size=1))
    def test_negatives_mirror(self, rows):
        """Rounding the negatives gives the negatives, unless the total is nothing."""
        if Money.total(rows).round().amount:
            assert round_all([-row for row in rows]) == tuple(-row for row in round_all(rows))

    def test_no_rows(self):
        """Nothing rounds to nothing, in no currency."""
        assert round_all([]) == ()

    def test_rows_that_are_no_money_are_named(self):
        """The wrong row is named."""
        with pytest.raises(InvalidTypeError, match=r"round_all: monies\[0\] must be a Money"):
            round_all([1])


class TestHostsContext:
    """Whatever a host does to its decimal context, no result changes and nothing raises."""

    def test_every_operation(self, hostile):
        """The same results inside and outside of the host's context."""

        def everything():
            a, b = Money("12345678.91", "EUR"), Money("-0.09", "EUR")
            return [
                a + b, a - b, a * 3, a * Decimal("1.23456789"), a / 3, a / 8, -a, +a, abs(b), a < b, a >= b, a == b,
                hash(a), str(a), repr(b), f"{a:>30}", a.times(0.123456789), a.round(), a.round(-3), *a.split(7),
                *a.allocate([0.1, 2, Decimal("0.7")]), *round_all([a / 3, b / 7]), Money.total([a, b]),
                Money("-0.0", "EUR"), pickle.loads(pickle.dumps(a)),
            ]  # fmt: skip

        expected = everything()
        with hostile():
            inside = everything()
        assert list(map(repr, inside)) == list(map(repr, expected))

    @pytest.mark.parametrize("amount", ["junk", "NaN", 5.0, "1e18"])
    def test_every_refusal(self, hostile, amount):
        """The same errors too."""
        with hostile(), pytest.raises(InvalidError, match="amount must"):
            euros(amount)
        with hostile(), pytest.raises(InvalidError, match="weights"):
            euros(1).allocate([Decimal("NaN"), -1.5])
