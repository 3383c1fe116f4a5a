"""
Exact amounts of money.

Theory. An amount is a `Decimal` in one ISO 4217 currency. All arithmetic runs in private decimal contexts, never in the
host's, and those contexts trap inexactness: a sum, a difference or a product is exact or it is an error, never silently
rounded. Only three things round, each on request and each documented: `round`, a division that has no end, and a
conversion by an inverse rate. Sharing out (`allocate`, `split`, `round_all`) works in whole smallest units and loses
none. Two currencies never meet without an exchange rate. A figure made of many amounts is rounded once, at the end.
"""

from collections.abc import Iterable, Sequence
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction
from typing import Any, TypeAlias

from attrs import field, frozen

from leadflow.currencies import EXPONENTS, currency_problem
from leadflow.errors import CurrencyMismatchError, Problem
from leadflow.validation import check, instance, invalid, probability, whole

__all__ = ["MAX_DECIMALS", "Money", "round_all"]

# The smallest float in (0, 1] has 324 decimals, so that any probability times an amount of up to 76 decimals is exact.
MAX_DECIMALS = 400
# 10**18 of anything is more than there is of it, and what a 64-bit integer of whole units holds.
_MAX_EXPONENT = 17
# The context is the rule: what does not fit, or cannot be exact, raises. Adding zero to a finite amount checks it,
# writes 1E+3 as 1000, and turns -0 into 0.
_EXACT = Context(
    prec=MAX_DECIMALS + 1,
    Emin=0,
    Emax=_MAX_EXPONENT,
    rounding="ROUND_HALF_EVEN",
    traps=[InvalidOperation, DivisionByZero, Overflow, Inexact],
)
# A division without end stops here: 18 digits before the point leave 32 behind it.
_QUOTIENT = Context(prec=50, rounding="ROUND_HALF_EVEN", traps=[InvalidOperation, DivisionByZero, Overflow])
# Wide enough to scale any amount to whole units and back; quantising is told its rounding each time.
_WIDE = Context(prec=2_000, rounding="ROUND_HALF_EVEN", traps=[InvalidOperation, DivisionByZero, Overflow])
_ZERO = Decimal(0)

_ROUNDINGS = frozenset(
    f"ROUND_{name}" for name in ("CEILING", "DOWN", "FLOOR", "HALF_DOWN", "HALF_EVEN", "HALF_UP", "UP", "05UP")
)

Factor: TypeAlias = int | Decimal
Weight: TypeAlias = int | Decimal | float


def _decimal(value: str | int | Decimal) -> Decimal:
    """Convert what converts exactly; hand on the rest for the type's own check to report."""
    given: Any = value  # what a caller without a type checker may pass
    if isinstance(given, int | str) and not isinstance(given, bool):
        try:
            # With a context of our own a malformed text raises, also where the host switched that trap off.
            return Decimal(given, _EXACT)
        except (DecimalException, ValueError):
            return given  # type: ignore[return-value]  # junk that the check reports
    return given  # type: ignore[no-any-return]  # a Decimal, or junk that the check reports


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

    amount: Decimal = field(converter=_decimal)
    currency: str

    def __attrs_post_init__(self) -> None:
        amount: object = self.amount
        if isinstance(amount, Decimal) and amount.is_finite() and self.currency in EXPONENTS:
            try:
                object.__setattr__(self, "amount", _EXACT.add(amount, _ZERO))
            except DecimalException:
                pass
            else:
                return
        raise invalid("Money", _amount_problem("amount", amount), currency_problem("currency", self.currency))

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
        if currency is None:
            if not listed:
                raise invalid("Money.total", Problem("monies", "must hold an amount, got none; or pass currency='EUR'"))
            currency = listed[0].currency
        amount = _ZERO
        try:
            for money in listed:
                if money.currency != currency:
                    raise CurrencyMismatchError("add", currency, money.currency)
                amount = _EXACT.add(amount, money.amount)
        except DecimalException:
            raise _out_of_bounds("total") from None
        return cls(amount, currency)

    def __add__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        self._same("add", other)
        try:
            return Money(_EXACT.add(self.amount, other.amount), self.currency)
        except DecimalException:
            raise _out_of_bounds("sum") from None

    def __sub__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        self._same("subtract", other)
        try:
            return Money(_EXACT.subtract(self.amount, other.amount), self.currency)
        except DecimalException:
            raise _out_of_bounds("difference") from None

    def __mul__(self, factor: Factor) -> "Money":
        check("Money", _factor_problem("factor", factor))
        try:
            return Money(_EXACT.multiply(self.amount, Decimal(factor)), self.currency)
        except DecimalException:
            raise _out_of_bounds("product") from None

    __rmul__ = __mul__

    def __truediv__(self, divisor: Factor) -> "Money":
        check("Money", _factor_problem("divisor", divisor))
        if not divisor:
            raise invalid("Money", Problem("divisor", f"must not be zero, got {divisor!r}"))
        by = Decimal(divisor)
        try:
            quotient = _EXACT.divide(self.amount, by)
        except DecimalException:
            quotient = _QUOTIENT.divide(self.amount, by)
        return Money(quotient, self.currency)

    def __neg__(self) -> "Money":
        return Money(self.amount.copy_negate(), self.currency)

    def __pos__(self) -> "Money":
        return self

    def __abs__(self) -> "Money":
        return Money(self.amount.copy_abs(), self.currency)

    def __lt__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same("compare", other)
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same("compare", other)
        return self.amount <= other.amount

    def __gt__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same("compare", other)
        return self.amount > other.amount

    def __ge__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same("compare", other)
        return self.amount >= other.amount

    def times(self, chance: float) -> "Money":
        """
        Weight by a probability, exactly: it enters as the decimal that it is written as, ``Decimal(repr(p))``.

        >>> Money("1234.50", "EUR").times(0.25)
        Money('308.6250', 'EUR')

        Raises:
            InvalidError: If the probability is not in [0, 1].
        """
        check("Money.times", probability("probability", chance))
        return self * Decimal(float.__repr__(float(chance)))

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
        return Money(self.amount.quantize(unit, rounding, _WIDE), self.currency)

    def split(self, parts: int) -> tuple["Money", ...]:
        """
        Share out evenly in whole smallest units; the first parts get what is left over.

        >>> Money("100.00", "EUR").split(3)
        (Money('33.34', 'EUR'), Money('33.33', 'EUR'), Money('33.33', 'EUR'))
        """
        check("Money.split", whole("parts", parts, 1))
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
        check("Money.allocate", *_weight_problems(weights))
        places = max(EXPONENTS[self.currency], _decimals(self.amount))
        total = _units(self.amount, places)
        fractions = [Fraction(str(weight)) for weight in weights]
        whole_weight = sum(fractions)
        exact = [abs(total) * fraction / whole_weight for fraction in fractions]
        sign = -1 if total < 0 else 1
        return tuple(_of_units(sign * units, places, self.currency) for units in _largest_remainder(exact, abs(total)))

    def _same(self, action: str, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(action, self.currency, other.currency)

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
    total = Money.total(listed).round(places, rounding)
    digits = EXPONENTS[currency] if places is None else places
    target = _units(total.amount, digits)
    # Mirrored when the total is negative, so that the rows of a credit note are those of the invoice, negated.
    sign = -1 if target < 0 else 1
    exact = [sign * Fraction(money.amount) * Fraction(10) ** digits for money in listed]
    return tuple(_of_units(sign * units, digits, currency) for units in _largest_remainder(exact, sign * target))


def _largest_remainder(exact: list[Fraction], total: int) -> list[int]:
    """Round down, then hand the missing units to the largest remainders, the first of equals first."""
    floors = [share.numerator // share.denominator for share in exact]
    missing = total - sum(floors)
    by_remainder = sorted(range(len(exact)), key=lambda row: floors[row] - exact[row])
    for row in by_remainder[:missing]:
        floors[row] += 1
    return floors


def _decimals(amount: Decimal) -> int:
    """Count the decimals that matter: 1.50 has one."""
    return max(0, -int(_WIDE.normalize(amount).as_tuple().exponent))


def _units(amount: Decimal, places: int) -> int:
    return int(_WIDE.scaleb(amount, places))


def _of_units(units: int, places: int, currency: str) -> Money:
    return Money(_WIDE.scaleb(Decimal(units), -places), currency)


def _unit(subject: str, places: int | None, rounding: str, currency: str) -> Decimal:
    digits = EXPONENTS[currency] if places is None else places
    problem = whole("places", digits, -_MAX_EXPONENT)
    if problem is None and digits > MAX_DECIMALS:
        problem = Problem("places", f"must be at most {MAX_DECIMALS}, got {digits!r}")
    known = rounding in _ROUNDINGS
    check(
        subject, problem, None if known else Problem("rounding", f"must be a ROUND_ name of decimal, got {rounding!r}")
    )
    return Decimal((0, (1,), -digits))


def _listed(subject: str, monies: Iterable[Money]) -> tuple[Money, ...]:
    listed = tuple(monies)
    check(subject, *(instance(f"monies[{row}]", money, Money, "a Money") for row, money in enumerate(listed)))
    return listed


def _amount_problem(path: str, value: object) -> Problem | None:
    shown = repr(value)
    shown = shown if len(shown) <= 100 else f"{shown[:60]}... ({len(shown)} characters)"  # noqa: PLR2004
    if isinstance(value, float):
        return Problem(
            path, f"must not be a float, got {shown}; pass a str or Decimal, e.g. {str(value)!r}", is_type=True
        )
    if isinstance(value, str):
        return Problem(path, f"must be a plain number such as '1234.50', got {shown}")
    if not isinstance(value, Decimal):
        return Problem(path, f"must be a str, int or Decimal, got {shown}", is_type=True)
    if not value.is_finite():
        return Problem(path, f"must be finite (use None where an amount is unknown), got {shown}")
    try:
        _EXACT.add(value, _ZERO)
    except DecimalException:
        return Problem(path, f"must be below 10**18 in size with at most {MAX_DECIMALS} decimals, got {shown}")
    return None


def _out_of_bounds(what: str) -> Exception:
    return invalid("Money", Problem(what, f"must be below 10**18 in size with at most {MAX_DECIMALS} decimals"))


def _factor_problem(path: str, value: object) -> Problem | None:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if isinstance(value, Decimal) and not value.is_finite():
            return Problem(path, f"must be finite, got {value!r}")
        return None
    if isinstance(value, float):
        way_out = f"for a probability use times({value!r}), else Decimal({str(value)!r})"
        return Problem(path, f"must be an int or Decimal, got {value!r}; {way_out}", is_type=True)
    return Problem(path, f"must be an int or Decimal, got {value!r}", is_type=True)


def _weight_problems(weights: Sequence[Weight]) -> list[Problem | None]:
    problems: list[Problem | None] = []
    for position, weight in enumerate(weights):
        path = f"weights[{position}]"
        if isinstance(weight, bool) or not isinstance(weight, int | float | Decimal):
            problems.append(Problem(path, f"must be an int, float or Decimal, got {weight!r}", is_type=True))
        elif not Decimal(weight).is_finite() or weight < 0:
            problems.append(Problem(path, f"must be finite and at least 0, got {weight!r}"))
    if not problems and not any(weights):
        problems.append(Problem("weights", f"must hold one above 0, got {weights!r}"))
    return problems
