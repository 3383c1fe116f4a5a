"""
Sharing out in whole units, by largest remainder, so that nothing is lost.

Theory. Everything is rounded down to whole units; what is then missing in the total goes, a unit each, to those who
lost most by it, the first of equals first. So each is within one unit of its exact share, and what was whole stays as
it is. All of it is exact: decimals in the wide context, or fractions.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import reduce
from typing import TypeVar

from leadflow.money.exact import WIDE, ZERO

__all__ = ["rounded_to", "shared", "unit_of"]

_Lost = TypeVar("_Lost", Decimal, Fraction)


def unit_of(places: int) -> Decimal:
    """
    Return one unit of so many decimals.

    >>> unit_of(2)
    Decimal('0.01')
    """
    return Decimal((0, (1,), -places))


def rounded_to(
    amounts: Sequence[Decimal], total: Decimal, places: int, behind: Sequence[Decimal] = ()
) -> list[Decimal]:
    """
    Round amounts, each down or up by less than a unit, so that they add up to a total.

    >>> [str(share) for share in rounded_to([Decimal("0.015"), Decimal("0.015"), Decimal(1)], Decimal("1.03"), 2)]
    ['0.02', '0.01', '1.00']

    Args:
        amounts: What to round; not only the decimals that count, any number of them.
        total: In whole units, and not beyond what the amounts come to when all are rounded down, or all up.
        places: Decimals of a unit.
        behind: What each has lost already by other rounding, which speaks for rounding it up now.
    """
    unit = unit_of(places)
    shares = [amount.quantize(unit, ROUND_FLOOR, WIDE) for amount in amounts]
    lost = [WIDE.subtract(amount, share) for amount, share in zip(amounts, shares, strict=True)]
    missing = int(WIDE.scaleb(WIDE.subtract(total, reduce(WIDE.add, shares, ZERO)), places))
    rows = [row for row, part in enumerate(lost) if part]
    weights = [WIDE.add(part, more) for part, more in zip(lost, behind, strict=True)] if behind else lost
    for row in _losing_most(weights, rows)[:missing]:
        shares[row] = WIDE.add(shares[row], unit)
    return shares


def shared(total: int, weights: Sequence[Fraction]) -> list[int]:
    """
    Share whole units out by weight.

    >>> shared(5, [Fraction(3), Fraction(7)])
    [2, 3]
    """
    one = Fraction(total) / sum(weights)
    exact = [one * weight for weight in weights]
    shares = [share.numerator // share.denominator for share in exact]
    lost = [share - whole for share, whole in zip(exact, shares, strict=True)]
    for row in _losing_most(lost, range(len(lost)))[: total - sum(shares)]:
        shares[row] += 1
    return shares


def _losing_most(lost: Sequence[_Lost], rows: Sequence[int]) -> list[int]:
    # Reversed rather than negated: a minus sign would round a decimal in the host's context. Equals keep their order.
    return sorted(rows, key=lost.__getitem__, reverse=True)
