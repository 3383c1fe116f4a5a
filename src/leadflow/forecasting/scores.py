"""
Scores: how good chances and intervals were, once the truth is known.

Theory. A score is *proper* when nobody can better it by saying something other than what they believe. `brier` and
`log_loss` are proper for chances of an event, `pinball` for one quantile, `interval_score` for an interval, `crps` for
a whole distribution; lower is better in all of them. `crps` is in the units of the amounts and is the absolute error
when the forecast is one number. `auc` says only how well chances rank (0.5: not at all) and is not proper.
`reliability` compares chances with what happened, bin by bin. Scores of several forecasts are averaged by the caller.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import fsum, log, sqrt
from statistics import NormalDist
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from leadflow.errors import Problem
from leadflow.forecasting.layout import percent, text_table
from leadflow.forecasting.plain import plain, plain_tuple
from leadflow.markup import section, table
from leadflow.money import Money
from leadflow.validation import check, finite, instance, invalid, probability, shown, to_tuple, whole

__all__ = [
    "Quantiles",
    "Reliability",
    "ReliabilityBin",
    "auc",
    "brier",
    "crps",
    "interval_score",
    "log_loss",
    "pinball",
    "reliability",
]

Amount: TypeAlias = float | Money

# A chance of 0 or 1 that was wrong costs as much as one in 10**15, not infinity: the usual floor (scikit-learn's).
_LEAST = 1e-15
# A distribution enters its CRPS by so many equally likely amounts. Against the closed form for a normal distribution
# the error is under 0.1 %.
_LEVELS = 400
# Two-sided 95 % of a normal distribution, for the interval of a rate.
_Z = NormalDist().inv_cdf(0.975)


class Quantiles(Protocol):
    """A distribution of amounts that can say its quantiles, such as a `Total` or a `Forecast`."""

    def quantile(self, q: float, /) -> Amount:
        """Return the smallest amount that is not exceeded with a chance of at least `q`."""
        ...


def brier(probabilities: Iterable[float], outcomes: Iterable[bool]) -> float:
    """
    Return the mean squared difference between chances and outcomes: 0 is perfect, 0.25 is what 50 % everywhere gets.

    >>> round(brier([0.9, 0.6, 0.2], [True, False, False]), 6)
    0.136667

    Args:
        probabilities: Each in [0, 1].
        outcomes: As many; True (or 1) where it happened.

    Raises:
        InvalidError: With every value that is wrong, and its place.
    """
    pairs = _paired("brier", probabilities, outcomes)
    return fsum((p - y) ** 2 for p, y in pairs) / len(pairs)


def log_loss(probabilities: Iterable[float], outcomes: Iterable[bool]) -> float:
    """
    Return the mean of -log(chance given to what happened): 0 is perfect, 0.693 is what 50 % everywhere gets.

    A chance of 0 or 1 enters as if one in 10**15 had been left open, so that the score stays finite.

    >>> round(log_loss([0.9, 0.6, 0.2], [True, False, False]), 6)
    0.414932

    Args:
        probabilities: Each in [0, 1].
        outcomes: As many; True (or 1) where it happened.

    Raises:
        InvalidError: With every value that is wrong, and its place.
    """
    pairs = _paired("log_loss", probabilities, outcomes)
    return -fsum(log(min(max(p if y else 1 - p, _LEAST), 1 - _LEAST)) for p, y in pairs) / len(pairs)


def auc(probabilities: Iterable[float], outcomes: Iterable[bool]) -> float:
    """
    Return the chance that something that happened was given more than something that did not; ties count half.

    >>> auc([0.9, 0.6, 0.6, 0.2], [True, True, False, False])
    0.875

    Args:
        probabilities: Each in [0, 1].
        outcomes: As many; there must be both kinds.

    Raises:
        InvalidError: With every value that is wrong; or if all outcomes are the same, since nothing can be ranked then.
    """
    pairs = sorted(_paired("auc", probabilities, outcomes))
    happened = sum(y for _, y in pairs)
    others = len(pairs) - happened
    if not happened or not others:
        problem = Problem("outcomes", f"must have both kinds to rank, got {len(pairs):,} times {bool(happened)}")
        raise invalid("auc", problem)
    wins, below, place = 0.0, 0, 0
    while place < len(pairs):
        end = place
        while end < len(pairs) and pairs[end][0] == pairs[place][0]:
            end += 1
        yes = sum(y for _, y in pairs[place:end])
        no = end - place - yes
        wins += yes * (below + no / 2)
        below += no
        place = end
    return wins / (happened * others)


def pinball(predicted: Amount, actual: Amount, *, q: float) -> float:
    """
    Return the score of one quantile: q per unit that the truth is above it, 1 - q per unit that it is below.

    >>> pinball(100, 120, q=0.9), round(pinball(100, 80, q=0.9), 10)
    (18.0, 2.0)

    Args:
        predicted: The quantile; a number or `Money`.
        actual: What came; in the same currency.
        q: Which quantile it is, inside (0, 1).

    Raises:
        InvalidError: With everything that is wrong.
    """
    check("pinball", _inside("q", plain(q)), *_amounts(predicted=predicted, actual=actual))
    return _pinball(_number(predicted), _number(actual), float(q))


def interval_score(low: Amount, high: Amount, actual: Amount, *, level: float) -> float:
    """
    Return the width of an interval, plus 2 / (1 - level) per unit that the truth lies outside it.

    >>> interval_score(80, 120, 100, level=0.8), round(interval_score(80, 120, 130, level=0.8), 10)
    (40.0, 140.0)

    Args:
        low: Its lower end; a number or `Money`.
        high: Its upper end; not below `low`.
        actual: What came.
        level: How often such an interval claims to hold the truth, inside (0, 1).

    Raises:
        InvalidError: With everything that is wrong.
    """
    found = [_inside("level", plain(level)), *_amounts(low=low, high=high, actual=actual)]
    if not any(found) and _number(low) > _number(high):
        found.append(Problem("high", f"must not be below low, got {shown(low)} and {shown(high)}"))
    check("interval_score", *found)
    least, most, came = _number(low), _number(high), _number(actual)
    return most - least + 2 / (1 - float(level)) * (max(least - came, 0.0) + max(came - most, 0.0))


def crps(predicted: Quantiles | Sequence[Amount], actual: Amount) -> float:
    """
    Return the continuous ranked probability score of a distribution, or of samples of one.

    It is the integral of (F(x) - [x >= actual])^2; of samples, the mean distance to the truth less half the mean
    distance among themselves, exactly. A distribution enters by 400 of its quantiles.

    >>> crps([90, 110], 100), crps([100], 130)
    (5.0, 30.0)

    Args:
        predicted: Something with a method `quantile` (a `Total`, a `Forecast`), or samples, equally likely: numbers or
            `Money` of one currency.
        actual: What came.

    Raises:
        InvalidError: With everything that is wrong.
    """
    given: Any = predicted
    quantile = getattr(given, "quantile", None)
    if callable(quantile):
        samples: Any = tuple(quantile((place + 0.5) / _LEVELS) for place in range(_LEVELS))
    else:
        samples = to_tuple(given)
    if not isinstance(samples, tuple):
        rule = "a distribution with a method quantile(q), or samples"
        raise invalid("crps", instance("predicted", predicted, tuple, rule), *_amounts(actual=actual))
    named = {f"predicted[{place}]": one for place, one in enumerate(samples)}
    none = Problem("predicted", "must hold at least one sample") if not samples else None
    check("crps", none, *_amounts(**named, actual=actual))
    values = sorted(map(_number, samples))
    came = _number(actual)
    n = len(values)
    # The integral over each step of the samples' distribution function, which is exact and never takes differences of
    # large sums.
    points = sorted([*values, came])
    total, below = [], 0
    for left, right in pairwise(points):
        while below < n and values[below] <= left:
            below += 1
        total.append((right - left) * (below / n - (left >= came)) ** 2)
    return fsum(total)


@frozen
class ReliabilityBin:
    """
    Chances of about the same size, and what came of them.

    Attributes:
        low: Smallest chance that belongs here.
        high: Largest; it belongs to the next bin, except in the last.
        n: How many there were.
        mean: Their mean.
        rate: How often it happened.
        rate_low: Lower end of the 95 % interval of that rate (Wilson).
        rate_high: Its upper end.
    """

    low: float
    high: float
    n: int
    mean: float
    rate: float
    rate_low: float
    rate_high: float

    @property
    def is_off(self) -> bool:
        """Whether the mean chance lies outside what the rate allows."""
        return not self.rate_low <= self.mean <= self.rate_high


@frozen
class Reliability:
    """
    Chances against what happened, bin by bin.

    Attributes:
        bins: In ascending order; empty ones are left out.
    """

    bins: tuple[ReliabilityBin, ...]

    @property
    def n(self) -> int:
        """How many chances there are in all."""
        return sum(one.n for one in self.bins)

    @property
    def error(self) -> float:
        """The mean distance between chance and rate, weighted by numbers (expected calibration error)."""
        return fsum(one.n * abs(one.mean - one.rate) for one in self.bins) / self.n

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per bin."""
        return [
            {
                "from": one.low,
                "to": one.high,
                "n": one.n,
                "mean": one.mean,
                "rate": one.rate,
                "rate_low": one.rate_low,
                "rate_high": one.rate_high,
                "is_off": one.is_off,
            }
            for one in self.bins
        ]

    def _table(self) -> list[dict[str, object]]:
        return [
            {
                "chances": f"{percent(one.low)} to {percent(one.high)}",
                "n": one.n,
                "mean": percent(one.mean),
                "happened": percent(one.rate),
                "95 % interval": f"{percent(one.rate_low)} to {percent(one.rate_high)}",
                "": "off" if one.is_off else "",
            }
            for one in self.bins
        ]

    def __str__(self) -> str:
        return "\n".join(text_table(self._table(), figures=["n", "mean", "happened"]))

    def _repr_html_(self) -> str:
        return section(f"Reliability of {self.n:,} chances", table(self._table()))


def reliability(probabilities: Iterable[float], outcomes: Iterable[bool], *, bins: int = 10) -> Reliability:
    """
    Compare chances with what happened, in bins of equal width.

    >>> print(reliability([0.1, 0.15, 0.8, 0.9], [False, False, True, True], bins=2))
    chances        n    mean  happened  95 % interval
    0 % to 50 %    2  12.5 %       0 %  0 % to 65.76 %
    50 % to 100 %  2    85 %     100 %  34.24 % to 100 %

    Args:
        probabilities: Each in [0, 1].
        outcomes: As many; True (or 1) where it happened.
        bins: How many; at least 1.

    Raises:
        InvalidError: With every value that is wrong, and its place.
    """
    pairs = _paired("reliability", probabilities, outcomes, whole("bins", bins, 1))
    members: dict[int, list[tuple[float, int]]] = {}
    for p, y in pairs:
        members.setdefault(min(int(p * bins), bins - 1), []).append((p, y))
    found = []
    for place, inside in sorted(members.items()):
        n = len(inside)
        happened = sum(y for _, y in inside)
        low, high = wilson(happened, n)
        mean = fsum(p for p, _ in inside) / n
        found.append(ReliabilityBin(place / bins, (place + 1) / bins, n, mean, happened / n, low, high))
    return Reliability(tuple(found))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """
    Return the 95 % interval of a rate by Wilson's formula.

    >>> tuple(round(end, 4) for end in wilson(81, 263))
    (0.2553, 0.3662)

    Args:
        hits: How often it happened.
        n: Out of how many; more than none.
    """
    rate, scale = hits / n, 1 + _Z * _Z / n
    middle = (rate + _Z * _Z / (2 * n)) / scale
    half = _Z / scale * sqrt(rate * (1 - rate) / n + _Z * _Z / (4 * n * n))
    return (0.0 if hits == 0 else middle - half, 1.0 if hits == n else middle + half)


def _pinball(predicted: float, actual: float, q: float) -> float:
    return max(q * (actual - predicted), (q - 1) * (actual - predicted))


def _paired(
    subject: str, probabilities: Iterable[float], outcomes: Iterable[bool], *others: Problem | None
) -> list[tuple[float, int]]:
    chances, truths = plain_tuple(probabilities), plain_tuple(outcomes)
    found = [
        *others,
        instance("probabilities", chances, tuple, "several numbers"),
        instance("outcomes", truths, tuple, "several of True and False"),
    ]
    if not any(found[-2:]):
        found += [probability(f"probabilities[{place}]", p) for place, p in enumerate(chances)]
        found += [_outcome(f"outcomes[{place}]", y) for place, y in enumerate(truths)]
        if len(chances) != len(truths):
            rule = f"must be as many as probabilities, got {len(truths):,} and {len(chances):,}"
            found.append(Problem("outcomes", rule))
        if not chances:
            found.append(Problem("probabilities", "must hold at least one"))
    check(subject, *found)
    return [(float(p), int(y)) for p, y in zip(chances, truths, strict=True)]


def _outcome(path: str, value: object) -> Problem | None:
    if isinstance(value, int | float) and value in (0, 1):
        return None
    return Problem(path, f"must be True or False (or 1 or 0), got {shown(value)}")


def _inside(path: str, value: object) -> Problem | None:
    found = probability(path, value)
    if found is not None or value not in (0, 1):
        return found
    return Problem(path, f"must lie between 0 and 1, got {value!r}")


def _amounts(**values: object) -> list[Problem | None]:
    found = [None if isinstance(value, Money) else finite(path, plain(value)) for path, value in values.items()]
    currencies = sorted({value.currency if isinstance(value, Money) else "" for value in values.values()})
    if not any(found) and len(currencies) > 1:
        kinds = ", ".join(code or "plain numbers" for code in currencies)
        found.append(Problem(next(iter(values)), f"must be of one currency with the others, got {kinds}"))
    return found


def _number(value: Amount) -> float:
    return float(value.amount) if isinstance(value, Money) else float(value)
