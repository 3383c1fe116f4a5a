"""
How far past forecasts were off: what makes an interval as wide as it has to be.

Theory. Independent deals spread less than real ones, which share a market and a quarter's end; intervals from them hold
the truth far less often than they claim. The remedy is measured, not assumed: phi is the mean of squared errors of past
forecasts over the mean variance that independent deals would have had (new business taken off), and the variance of the
next forecast is phi times its own. Recent errors weigh more. Few errors say little, so phi is drawn towards a prior of
a few effective errors, and it is never below 1: luck does not make deals less than independent. What past forecasts
were off on average is the bias: truth over forecast of what was still to come. Noise alone makes it differ from 1, the
more the fewer and the wider the errors; so it is drawn towards 1 by the normal rule, prior variance / (prior variance +
variance of the noise). A forecaster without bias is hardly corrected, one that is always off in the same way nearly in
full. Phi is then that of the errors as corrected, each by the bias of the others: an error cannot correct itself.
A forecast made when next to nothing was known says nothing of the next one: one that said less than a twentieth of what
the forecasts said on average, of what was still to come, is left out, and `why` says how many were.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import fsum
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from leadflow.errors import Problem
from leadflow.forecasting.creation import at_least
from leadflow.money import Money
from leadflow.validation import check, finite, instance, invalid, prose, shown, to_tuple, whole

__all__ = ["PastForecast", "Spread", "fit_spread"]

# What is believed before any error is seen weighs as much as so many errors.
_PRIOR_ERRORS = 4.0
# Independent deals are the least there can be; on the histories that we measured the errors had two to six times their
# variance.
_PRIOR_PHI = 2.0
# So many forecasts back an error weighs half.
_HALF_LIFE = 8.0
# A forecaster is believed to be off by ten per cent on average, before any error is seen: of the figures tried on
# simulated markets, one that costs little where there is no bias and finds most of it where the market turns slowly.
_PRIOR_BIAS = 0.1
_LEAST_BIAS = 0.1
# Of what forecasts said on average: who said less had too little to forecast from. Of a mean, not a median: one good
# forecast is enough to tell many that knew nothing.
_TOO_LITTLE = 0.05

# Weight, what came and what was said of what was still to come, variance of deals, variance of new business.
_Error: TypeAlias = tuple[float, float, float, float, float]


class PastForecast(Protocol):
    """What an error is measured against: a `Forecast`, or anything that says the same of itself."""

    @property
    def as_of(self) -> datetime:
        """When it was made."""
        ...

    @property
    def currency(self) -> str:
        """Of its amounts."""
        ...

    @property
    def won(self) -> Money:
        """What had been won by then."""
        ...

    @property
    def uncorrected(self) -> Money:
        """Its mean, before any correction for bias."""
        ...

    @property
    def variance_of_deals(self) -> float:
        """Of its open deals, taken as independent."""
        ...

    @property
    def variance_of_new(self) -> float:
        """Of deals that did not exist then."""
        ...


@frozen(kw_only=True)
class Spread:
    """
    How much wider than independent deals a forecast has to be, and how far it is off on average.

    >>> Spread(phi=3.2, n=12)
    Spread(phi=3.2, bias=1.0, n=12, why='')

    Attributes:
        phi: Variance over that of independent deals; at least 1.
        bias: What came over what was forecast of what was still to come; above 0, 1 for none. A forecast corrects its
            mean by it.
        n: How many past errors it rests on; 0: it is an assumption.
        why: In words.

    Raises:
        InvalidError: If a figure is out of range.
    """

    phi: float
    bias: float = 1.0
    n: int = 0
    why: str = ""

    def __attrs_post_init__(self) -> None:
        unreal = finite("bias", self.bias)
        check(
            "Spread",
            at_least("phi", self.phi, 1),
            unreal,
            Problem("bias", f"must be above 0, got {self.bias!r}") if unreal is None and self.bias <= 0 else None,
            whole("n", self.n),
            prose("why", self.why),
        )


def fit_spread(
    pairs: Iterable[tuple[PastForecast, Money | float]],
    *,
    correct: bool = False,
    half_life: float = _HALF_LIFE,
    prior: float = _PRIOR_PHI,
    prior_errors: float = _PRIOR_ERRORS,
    prior_bias: float = _PRIOR_BIAS,
) -> Spread:
    """
    Read from past forecasts and what came of them how wide the next one has to be.

    Args:
        pairs: Past forecasts with what was won in their period in the end: `Money` in the forecast's currency, or a
            number. In any order; the latest weighs most. They should be made as the next one will be: by the same kind
            of model, as far ahead of the period's end, as of their own time.
        correct: Whether to correct the mean by the bias as well. Without, the bias is 1 and what forecasts were off on
            average widens the interval instead.
        half_life: So many forecasts back an error weighs half; above 0.
        prior: The phi that is believed before any error is seen; at least 1.
        prior_errors: How many errors that belief weighs as much as; at least 0.
        prior_bias: By how much forecasts are believed to be off on average, before any error is seen: the standard
            deviation of the bias about 1; at least 0.

    Raises:
        InvalidError: With every argument and pair that is wrong.
    """
    given: Any = to_tuple(pairs)
    check(
        "fit_spread",
        instance("pairs", given, tuple, "pairs of forecast and actual amount"),
        at_least("prior", prior, 1),
        at_least("prior_errors", prior_errors),
        at_least("prior_bias", prior_bias),
        at_least("half_life", half_life) or (Problem("half_life", "must be above 0, got 0") if not half_life else None),
    )
    check("fit_spread", *(_pair_problem(f"pairs[{place}]", pair) for place, pair in enumerate(given)))
    if not given and prior_errors == 0:
        raise invalid("fit_spread", Problem("pairs", "must hold at least one pair when prior_errors is 0"))
    ordered = sorted(given, key=lambda pair: pair[0].as_of, reverse=True)
    rows = []
    for back, (made, actual) in enumerate(ordered):
        came = float(actual.amount if isinstance(actual, Money) else actual) - float(made.won.amount)
        said = float(made.uncorrected.amount) - float(made.won.amount)
        weight: float = 0.5 ** (back / half_life)
        rows.append((weight, came, said, made.variance_of_deals, made.variance_of_new))
    known = _told(rows)
    without = len(rows) - len(known)
    rows = known
    believed = (prior, prior_errors)
    raw, others = _raw_biases(rows) if correct else (1.0, [1.0] * len(rows))
    share = _believed_share(rows, _phi(rows, others, believed), prior_bias)
    # A share that is nothing or less would turn the forecast upside down.
    bias, *others = (max(1.0 + share * (one - 1.0), _LEAST_BIAS) for one in (raw, *others))
    n = sum(row[3] > 0 for row in rows)
    why = f"{n} past errors, drawn towards {prior:g} with the weight of {prior_errors:g}"
    if without:
        why += f"; {without} left out that had said less than a twentieth of the average: too little was known then"
    return Spread(phi=_phi(rows, others, believed), bias=bias, n=n, why=why)


def _told(rows: list[_Error]) -> list[_Error]:
    """Return the rows without those that had too little to forecast from."""
    average = fsum(row[0] * row[2] for row in rows) / fsum(row[0] for row in rows) if rows else 0.0
    return [row for row in rows if row[2] >= _TOO_LITTLE * average]


def _phi(rows: Sequence[_Error], biases: Sequence[float], believed: tuple[float, float]) -> float:
    prior, prior_errors = believed
    # Where no deal is open there is no variance to compare an error with. Sums are divided, not each error: one of a
    # time when next to nothing was open would otherwise outweigh all others.
    seen = [
        (weight, max((came - bias * said) ** 2 - of_new, 0.0), of_deals)
        for (weight, came, said, of_deals, of_new), bias in zip(rows, biases, strict=True)
        if of_deals > 0
    ]
    if not seen:
        return prior
    weights = fsum(weight for weight, _, _ in seen)
    squares = fsum(weight * square for weight, square, _ in seen) / weights
    expected = fsum(weight * of_deals for weight, _, of_deals in seen) / weights
    return max(1.0, (weights * squares / expected + prior_errors * prior) / (weights + prior_errors))


def _raw_biases(rows: Sequence[_Error]) -> tuple[float, list[float]]:
    """Return what came over what was said: of all errors, and for each error of all the others."""
    came = fsum(row[0] * row[1] for row in rows)
    said = fsum(row[0] * row[2] for row in rows)
    others = []
    for weight, its_came, its_said, _, _ in rows:
        rest = said - weight * its_said
        # One error by itself has no others, whatever rounding leaves of them.
        others.append((came - weight * its_came) / rest if len(rows) > 1 and rest > 0 else 1.0)
    return (came / said if said > 0 else 1.0), others


def _believed_share(rows: Sequence[_Error], phi: float, prior_bias: float) -> float:
    """Return how much of a raw bias is believed, given how noisy errors are."""
    said = fsum(row[0] * row[2] for row in rows)
    noise = fsum(weight * weight * (phi * of_deals + of_new) for weight, _, _, of_deals, of_new in rows)
    belief = prior_bias * prior_bias * said * said
    return belief / (belief + noise) if belief > 0 else 0.0


def _pair_problem(path: str, pair: object) -> Problem | None:
    given: Any = pair
    if not isinstance(given, tuple | list) or len(given) != 2 or not hasattr(given[0], "variance_of_deals"):  # noqa: PLR2004
        return Problem(path, f"must be a forecast and an amount, got {shown(given)}", is_type=True)
    made, actual = given
    if not isinstance(actual, Money):
        return finite(f"{path}[1]", actual)
    if actual.currency == made.currency:
        return None
    return Problem(f"{path}[1]", f"must be in {made.currency}, got {actual}")
