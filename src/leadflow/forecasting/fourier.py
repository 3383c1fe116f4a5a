"""
The discrete Fourier transform, in which distributions of independent amounts are multiplied instead of convolved.

Theory. A distribution over the multiples of a step, so many of them, has as many Fourier coefficients. Those of a sum
of independent amounts are the products of theirs. The transform goes round: what lies beyond the last multiple comes in
again at the first, so there have to be enough of them. The length is a power of two; halving it again and again makes
the work n log n (Cooley and Tukey 1965).
"""

from cmath import exp
from collections.abc import Sequence
from functools import cache
from math import tau
from operator import add, mul, sub

__all__ = ["masses", "transform"]


@cache
def _roots(n: int) -> tuple[complex, ...]:
    return tuple(exp(-1j * tau * place / n) for place in range(n // 2))


def transform(values: Sequence[complex]) -> list[complex]:
    """
    Return the Fourier coefficients of as many values as a power of two.

    >>> transform([1.0, 0.0, 0.0, 0.0]) == [1, 1, 1, 1]
    True
    """
    n = len(values)
    if n == 1:
        return list(values)
    if n == 4:  # noqa: PLR2004 - what is faster written out
        a, b, c, d = values
        even, odd, more, turned = a + c, a - c, b + d, (b - d) * -1j
        return [even + more, odd + turned, even - more, odd - turned]
    evens = transform(values[::2])
    odds = list(map(mul, _roots(n), transform(values[1::2])))
    return [*map(add, evens, odds), *map(sub, evens, odds)]


def masses(coefficients: Sequence[complex]) -> list[float]:
    """Return the chances that have such Fourier coefficients; what rounding puts below nothing is nothing."""
    n = len(coefficients)
    return [max(0.0, one.real / n) for one in transform([one.conjugate() for one in coefficients])]
