"""
`Money`: an exact amount in one currency, and the rounding of rows to their total.

An amount may be added, compared, scaled, weighted and shared out; each operation is exact or an error. Only `round`,
and a division that has no end, round. Sharing out works in whole smallest units, by largest remainder, and loses none.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any, Never

from attrs import field, frozen

from leadflow.currencies import EXPONENTS, currency_problem
from leadflow.errors import CurrencyMismatchError, Problem
from leadflow.money.exact import (
    EXACT,
    MAX_DECIMALS,
    MAX_EXPONENT,
    QUOTIENT,
    WIDE,
    ZERO,
    Factor,
    Weight,
    exact_problem,
    factor_problem,
    item_problems,
    out_of_bounds,
    to_decimal,
    to_fraction,
    weight_problem,
)
from leadflow.money.sharing import rounded_to, shared, unit_of
from leadflow.validation import check, coded, instance, invalid, shown, to_tuple, when, whole
from leadflow.validation import probability as probability_problem

__all__ = ["Money", "round_all"]

_ROUNDINGS = frozenset(
    f"ROUND_{name}" for name in ("CEILING", "DOWN", "FLOOR", "HALF_DOWN", "HALF_EVEN", "HALF_UP", "UP", "05UP")
)


# More rows than anybody writes on an invoice, and few enough to hold.
_MAX_PARTS = 1_000_000


@frozen(repr=False)
class Money:
    """
    An exact amount in one currency.

    Equality and hash go by value (``48000 == 48000.00``); the scale given is kept for showing. There is no truth value
    of its own: test ``is None`` for unknown and compare with ``Money.zero(...)`` for nothing.

    Attributes:
        amount: Below 10**18 in size, at most 400 decimals. Given as str, int or Decimal; a float is refused because it
            has already lost the amount that somebody wrote.
        currency: ISO 4217 code, upper case.

    Raises:
        InvalidError: If the amount is not finite or out of bounds, or the currency is unknown (all named at once).

    >>> Money("1234.50", "EUR") + Money(100, "EUR")
    Money('1334.50', 'EUR')
    >>> print(Money("48000", "EUR"), Money("1234.5", "EUR"))
    48,000 EUR 1,234.50 EUR
    """

    amount: Decimal = field(converter=to_decimal)
    currency: str

    def __attrs_post_init__(self) -> None:
        amount: object = self.amount
        currency: object = self.currency
        if isinstance(amount, Decimal) and amount.is_finite() and isinstance(currency, str) and currency in EXPONENTS:
            if type(currency) is not str:  # a member of a host's own enum of currencies
                object.__setattr__(self, "currency", str.__str__(currency))
            try:
                object.__setattr__(self, "amount", EXACT.add(amount, ZERO))
            except DecimalException:
                pass
            else:
                return
        raise invalid("Money", exact_problem("amount", amount), currency_problem("currency", currency))

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def total(cls, monies: Iterable["Money"], currency: str | None = None) -> "Money":
        """
        Add up, exactly; the built-in `sum` cannot because it starts from a bare 0.

        Args:
            monies: Amounts in one currency.
            currency: The currency they have to be in; needed when there may be none of them.

        Raises:
            CurrencyMismatchError: If there is more than one currency.
            InvalidError: If there is nothing to add up and no currency is named, or the total is out of bounds.

        >>> Money.total([Money("0.10", "EUR"), Money("0.20", "EUR")])
        Money('0.30', 'EUR')
        >>> Money.total([], currency="EUR")
        Money('0', 'EUR')
        """
        listed = _listed("Money.total", monies)
        if currency is not None:
            check("Money.total", currency_problem("currency", currency))
        elif listed:
            currency = listed[0].currency
        else:
            raise invalid("Money.total", Problem("monies", "must hold an amount when no currency is given, got none"))
        amount = ZERO
        try:
            for money in listed:
                if money.currency != currency:
                    raise CurrencyMismatchError("add", currency, money.currency)
                amount = EXACT.add(amount, money.amount)
        except DecimalException:
            raise out_of_bounds("total") from None
        return cls(amount, currency)

    def __add__(self, other: "Money") -> "Money":
        if not self._same("add", other):
            return NotImplemented
        try:
            return Money(EXACT.add(self.amount, other.amount), self.currency)
        except DecimalException:
            raise out_of_bounds("sum") from None

    # Never: a type checker goes on refusing what only gets a better message here, `sum(monies)` first of all.
    def __radd__(self, other: Never) -> Any:  # noqa: ANN401
        self._same("add", other)
        return NotImplemented

    def __sub__(self, other: "Money") -> "Money":
        if not self._same("subtract", other):
            return NotImplemented
        try:
            return Money(EXACT.subtract(self.amount, other.amount), self.currency)
        except DecimalException:
            raise out_of_bounds("difference") from None

    def __rsub__(self, other: Never) -> Any:  # noqa: ANN401
        self._same("subtract", other)
        return NotImplemented

    def __mul__(self, factor: Factor) -> "Money":
        check("Money", factor_problem("factor", factor))
        try:
            return Money(EXACT.multiply(self.amount, Decimal(factor)), self.currency)
        except DecimalException:
            raise out_of_bounds("product") from None

    __rmul__ = __mul__

    def __truediv__(self, divisor: Factor) -> "Money":
        check("Money", factor_problem("divisor", divisor))
        if not divisor:
            raise invalid("Money", Problem("divisor", f"must not be zero, got {divisor!r}"))
        by = Decimal(divisor)
        try:
            quotient = EXACT.divide(self.amount, by)
        except DecimalException:
            quotient = QUOTIENT.divide(self.amount, by)
        return Money(quotient, self.currency)

    def __neg__(self) -> "Money":
        return Money(self.amount.copy_negate(), self.currency)

    def __pos__(self) -> "Money":
        return self

    def __abs__(self) -> "Money":
        return Money(self.amount.copy_abs(), self.currency)

    def __lt__(self, other: "Money") -> bool:
        if not self._same("compare", other):
            return NotImplemented
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        if not self._same("compare", other):
            return NotImplemented
        return self.amount <= other.amount

    def __gt__(self, other: "Money") -> bool:
        if not self._same("compare", other):
            return NotImplemented
        return self.amount > other.amount

    def __ge__(self, other: "Money") -> bool:
        if not self._same("compare", other):
            return NotImplemented
        return self.amount >= other.amount

    def times(self, probability: float) -> "Money":
        """
        Weight by a probability, exactly: it enters as the decimal that it is written as, ``Decimal(repr(p))``.

        >>> Money("1234.50", "EUR").times(0.25)
        Money('308.6250', 'EUR')

        Raises:
            InvalidError: If the probability is not in [0, 1].
        """
        check("Money.times", probability_problem("probability", probability))
        return self * Decimal(float.__repr__(float(probability)))

    def round(self, places: int | None = None, rounding: str = ROUND_HALF_UP) -> "Money":
        """
        Round to the currency's smallest unit, or to another number of decimals.

        Args:
            places: Decimals to keep, -17 to 400; default: those of the currency. Negative: tens, hundreds, ...
            rounding: One of the names of `decimal`. Default: ties away from zero, as invoices, spreadsheets and SQL do;
                the bias of that is no matter where a figure is rounded once.

        >>> Money("308.625", "EUR").round(), Money("1250", "JPY").round(-2)
        (Money('308.63', 'EUR'), Money('1300', 'JPY'))
        """
        unit = _unit("Money.round", places, rounding, self.currency)
        return Money(self.amount.quantize(unit, rounding, WIDE), self.currency)

    def split(self, parts: int) -> tuple["Money", ...]:
        """
        Share out evenly in whole smallest units, among 1 to 1,000,000; the first parts get what is left over.

        >>> Money("100.00", "EUR").split(3)
        (Money('33.34', 'EUR'), Money('33.33', 'EUR'), Money('33.33', 'EUR'))
        """
        problem = whole("parts", parts, 1)
        check("Money.split", problem or when(parts > _MAX_PARTS, "parts", f"must be at most {_MAX_PARTS:,}"))
        return self.allocate((1,) * parts)

    def allocate(self, weights: Sequence[Weight]) -> tuple["Money", ...]:
        """
        Share out by weight so that the shares add up to this amount exactly (largest remainder, ties to the first).

        Shares are in the currency's smallest unit, or in the last decimal of this amount if that is finer.

        Args:
            weights: Finite and at least 0, not all 0. They are proportions, not money: floats are welcome here.

        >>> Money("0.05", "EUR").allocate([3, 7])
        (Money('0.02', 'EUR'), Money('0.03', 'EUR'))
        """
        listed = to_tuple(weights)
        check("Money.allocate", instance("weights", listed, tuple, "several numbers, e.g. [2, 1]"))
        check("Money.allocate", *(weight_problem(f"weights[{row}]", weight) for row, weight in enumerate(listed)))
        if not any(listed):
            raise invalid("Money.allocate", Problem("weights", f"must hold one above 0, got {shown(listed)}"))
        places = max(EXPONENTS[self.currency], _decimals(self.amount))
        total = _units(self.amount, places)
        # Shared out by size: the shares of a credit note are those of the invoice, negated.
        sign = -1 if total < 0 else 1
        shares = shared(abs(total), [to_fraction(weight) for weight in listed])
        return tuple(_of_units(sign * share, places, self.currency) for share in shares)

    def _same(self, action: str, other: object) -> bool:
        """Say whether the other is money, refusing other currencies and bare numbers; other types have their say."""
        if isinstance(other, Money):
            if self.currency != other.currency:
                raise CurrencyMismatchError(action, self.currency, other.currency)
            return True
        if isinstance(other, int | float | Decimal):
            way_out = f"write Money({str(other)!r}, {self.currency!r})"
            if action == "add":
                way_out = f"add many up with Money.total(...) (the built-in sum starts from a bare 0), or {way_out}"
            rule = f"cannot {action} {self} and a bare number, got {shown(other)}; {way_out}"
            raise invalid("Money", Problem("", rule, is_type=True))
        return False

    def __str__(self) -> str:
        decimals = -int(self.amount.as_tuple().exponent)
        shown = max(decimals, EXPONENTS[self.currency]) if decimals else 0
        return f"{self.amount:,.{shown}f} {self.currency}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return f"Money('{self.amount:f}', {self.currency!r})"


def round_all(monies: Iterable[Money], places: int | None = None, rounding: str = ROUND_HALF_UP) -> tuple[Money, ...]:
    """
    Round rows so that they add up to their rounded total; each stays within one smallest unit of its exact value.

    >>> rows = [Money("308.625", "EUR"), Money("308.625", "EUR")]
    >>> round_all(rows)
    (Money('308.63', 'EUR'), Money('308.62', 'EUR'))

    Raises:
        CurrencyMismatchError: If there is more than one currency.
    """
    listed = _listed("round_all", monies)
    if not listed:
        return ()
    currency = listed[0].currency
    total = Money.total(listed).round(places, rounding).amount
    digits = EXPONENTS[currency] if places is None else places
    # Mirrored when the total is negative, so that the rows of a credit note are those of the invoice, negated.
    if total < 0:
        mirrored = rounded_to([money.amount.copy_negate() for money in listed], total.copy_negate(), digits)
        return tuple(Money(share.copy_negate(), currency) for share in mirrored)
    return tuple(Money(share, currency) for share in rounded_to([money.amount for money in listed], total, digits))


def _decimals(amount: Decimal) -> int:
    """Count the decimals that matter: 1.50 has one."""
    return max(0, -int(WIDE.normalize(amount).as_tuple().exponent))


def _units(amount: Decimal, places: int) -> int:
    return int(WIDE.scaleb(amount, places))


def _of_units(units: int, places: int, currency: str) -> Money:
    return Money(WIDE.scaleb(Decimal(units), -places), currency)


def _unit(subject: str, places: int | None, rounding: str, currency: str) -> Decimal:
    digits = EXPONENTS[currency] if places is None else places
    problem = whole("places", digits, -MAX_EXPONENT)
    if problem is None and digits > MAX_DECIMALS:
        problem = Problem("places", f"must be at most {MAX_DECIMALS}, got {digits!r}")
    check(subject, problem, coded("rounding", rounding, _ROUNDINGS))
    return unit_of(digits)


def _listed(subject: str, monies: Iterable[Money]) -> tuple[Money, ...]:
    listed = to_tuple(monies)
    if not isinstance(listed, tuple) or not all(isinstance(money, Money) for money in listed):
        check(subject, *item_problems("monies", listed, Money, "a Money", "several amounts, e.g. a list of Money"))
    return listed
