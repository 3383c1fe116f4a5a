"""
The distribution of a forecast: open deals, spread as wide as past errors were, and new business on top.

Theory. Open deals have the distribution of their `Total`. Past errors say that the truth lies sqrt(phi) times as far
from the mean: every distance from the mean is stretched by that factor, which makes the variance phi times as large,
keeps the mean and the shape (whales stay whales), and cannot make any interval narrower. New business comes on top as
an amount of its own, with the mean and variance of past windows. Where its wins are few it is a compound Poisson
amount, with gamma distributed sizes: nothing at all has the chance e^-wins, and keeps it exactly. Where they are many,
or nobody says how many, it is gamma distributed itself, since it cannot be negative; between 50 and 100 wins the one
passes into the other. It is independent of the open deals, so the two are convolved, on a grid of some thousand cells.
What is won is won: whatever the stretching puts below it counts as just that.
"""

from cmath import exp as complex_exp
from itertools import accumulate, pairwise
from math import exp, inf, lgamma, log, sqrt

from attrs import frozen

from leadflow.forecasting.distribution import Distribution, Mixture, Piece, Table, rounding
from leadflow.forecasting.edgeworth import phi as normal
from leadflow.forecasting.fourier import masses, transform
from leadflow.forecasting.total import Total

__all__ = ["Moved", "gamma_cdf", "outlook"]

_CELLS = 2_000
_REACH = 8.0
# Gamma distributions have long tails: beyond so many standard deviations there is less than one in a million.
_LONG_REACH = 15.0
# From this shape on a gamma distribution is normal but for its cube root (Wilson and Hilferty): to 0.0001.
_NEARLY_NORMAL = 1_000.0
_CLOSE = 1e-15
# Up to so many wins new business is compound Poisson; from twice as many on it is gamma distributed.
_FEW = 50.0
# Poisson's tail beyond so many standard deviations and some is less than one in ten million.
_WINS_REACH = 6.0
_WINS_MORE = 8.0
# Sizes that vary by less are of one size.
_HAIR = 1e-9


@frozen(kw_only=True, eq=False)
class Moved:
    """
    A distribution stretched about a centre, then shifted, with everything below a floor put on it.

    Attributes:
        base: What is moved.
        centre: What the stretching leaves in its place.
        stretch: By how much; at least 1.
        shift: What is added afterwards.
        floor: The least that is possible afterwards.
    """

    base: Distribution
    centre: float
    stretch: float
    shift: float
    floor: float = -inf

    @property
    def mean(self) -> float:
        """The mean, but for what is put on the floor."""
        return self.shift + self.centre + self.stretch * (self.base.mean - self.centre)

    @property
    def variance(self) -> float:
        """The variance, but for what is put on the floor."""
        return self.stretch**2 * self.base.variance

    @property
    def low(self) -> float:
        """The least that is possible."""
        return max(self.floor, self.shift + self.centre + self.stretch * (self.base.low - self.centre))

    @property
    def high(self) -> float:
        """The most that is possible."""
        return self.shift + self.centre + self.stretch * (self.base.high - self.centre)

    def _inner(self, x: float) -> float:
        return self.centre + (x - self.shift - self.centre) / self.stretch

    def _near(self, x: float) -> float:
        return rounding(x, self.shift, self.centre)

    def cdf(self, x: float) -> float:
        """Return the chance of at most x."""
        near = self._near(x)
        return 0.0 if x < self.floor - near else self.base.cdf(self._inner(x) + near)

    def under(self, x: float) -> float:
        """Return the chance of less than x."""
        near = self._near(x)
        return 0.0 if x <= self.floor + near else self.base.under(self._inner(x) - near)

    def quantile(self, q: float) -> float:
        """Return the smallest x with cdf(x) >= q."""
        return max(self.floor, self.shift + self.centre + self.stretch * (self.base.quantile(q) - self.centre))

    def gap(self, x: float) -> float:
        """Return the mean of max(x - amount, 0)."""
        if x <= self.floor:
            return 0.0
        below = self.base.gap(self._inner(self.floor)) if self.floor > -inf else 0.0
        return self.stretch * (self.base.gap(self._inner(x)) - below)


def outlook(
    total: Total,
    *,
    won: float,
    correction: float,
    phi: float,
    new_mean: float,
    new_variance: float,
    new_wins: float | None = None,
) -> Moved:
    """
    Return the distribution of a forecast from its parts.

    Args:
        total: Of open deals, and of leads and prospects that are counted.
        won: What is certain.
        correction: What the bias of past forecasts adds; may be negative.
        phi: Variance of open deals over that of independent ones.
        new_mean: What deals that do not exist yet bring on average.
        new_variance: Its variance.
        new_wins: How many deals it is on average; None: unknown.
    """
    certain = won + correction + total.certain
    centre = total.mean - total.certain
    if new_variance <= 0.0 or new_mean <= 0.0:
        shift = certain + new_mean
        return Moved(base=total.uncertain, centre=centre, stretch=sqrt(phi), shift=shift, floor=won)
    stretched = Moved(base=total.uncertain, centre=centre, stretch=sqrt(phi), shift=0.0)
    base = _with_new(stretched, sqrt(phi) * total.sd, _New(new_mean, new_variance, new_wins))
    return Moved(base=base, centre=0.0, stretch=1.0, shift=certain, floor=won)


@frozen
class _New:
    """New business: mean, variance, and how many wins it is, if known."""

    mean: float
    variance: float
    wins: float | None

    @property
    def nothing(self) -> float:
        """The chance that there is none."""
        return exp(-self.wins) * self._few if self.wins is not None else 0.0

    @property
    def _few(self) -> float:
        """How much of it is compound Poisson, the rest being a gamma distribution."""
        return 0.0 if self.wins is None else min(1.0, max(0.0, 2.0 - self.wins / _FEW))

    @property
    def reach(self) -> float:
        """Beyond which there is next to nothing."""
        reach = self.mean + _LONG_REACH * sqrt(self.variance)
        if self.wins is None or not self._few:
            return reach
        most = self.wins + _WINS_REACH * sqrt(self.wins) + _WINS_MORE
        # Of very few wins one alone is further off than any deviation says.
        return max(reach, most * self.mean / self.wins + _REACH * sqrt(self.variance / self.wins))

    def masses(self, step: float) -> list[float]:
        """Return the chances of about nothing, of a step, of two steps ..., given that there is some."""
        few, size = self._few, int(self.reach / step) + 2
        found = [0.0] * size
        if few < 1.0:
            shape, scale = self.mean**2 / self.variance, self.variance / self.mean
            found = _rises([gamma_cdf(shape, step * place / scale) for place in range(size + 1)])
        if few:
            some = 1.0 - self.nothing
            compound = self._compound(step, size)
            found = [((1.0 - few) * one + few * more) / some for one, more in zip(found, compound, strict=True)]
        return found

    def _compound(self, step: float, size: int) -> list[float]:
        """Return the chances of sums of at least one win."""
        wins: float = self.wins or 0.0
        each = self.mean / wins
        spread = self.variance / wins - each * each
        length = 1 << (2 * size).bit_length()
        sizes = [0.0] * length
        if spread > _HAIR * each * each:
            shape, scale = each * each / spread, spread / each
            levels = [0.0, *(gamma_cdf(shape, step * (place + 0.5) / scale) for place in range(size - 1)), 1.0]
            sizes[:size] = [after - before for before, after in pairwise(levels)]
        else:
            place = int(each / step)
            part = each / step - place
            sizes[place], sizes[place + 1] = 1.0 - part, part
        none = exp(-wins)
        found = masses([complex_exp(wins * (one - 1.0)) - none for one in transform(sizes)])
        return [*found[: size - 1], sum(found[size - 1 :])]


def _with_new(deals: Moved, sd: float, new: _New) -> Distribution:
    """Return the distribution of open deals and new business together."""
    low = max(deals.quantile(0.0), deals.centre - _REACH * sd)
    high = min(deals.quantile(1.0), deals.centre + _REACH * sd)
    step = (high - low + new.reach) / _CELLS
    first = _rises([deals.cdf(low + step * place) for place in range(-1, int((high - low) / step) + 2)])
    shorter, longer = sorted([first, new.masses(step)], key=len)
    width = len(longer)
    found = [0.0] * (len(shorter) + width - 1)
    for at, share in enumerate(shorter):
        if share > _CLOSE:
            found[at : at + width] = [a + share * b for a, b in zip(found[at : at + width], longer, strict=True)]
    values = [0.0, *(min(1.0, one) for one in accumulate(found))]
    values[-1] = 1.0
    some = 1.0 - new.nothing
    table = Table(low, step, values).with_mean(deals.centre + new.mean / some)
    if some == 1.0:
        return table
    pieces: list[Piece] = [(0.0, new.nothing, deals), (0.0, some, table)]
    return Mixture(pieces, min(deals.low, table.low), max(deals.high, table.high))


def _rises(levels: list[float]) -> list[float]:
    levels[0], levels[-1] = 0.0, 1.0
    return [after - before for before, after in pairwise(levels)]


def gamma_cdf(shape: float, x: float) -> float:
    """
    Return the distribution function of a gamma distribution of scale 1.

    >>> round(gamma_cdf(1.0, 1.0), 10), round(gamma_cdf(3.0, 2.0), 10)
    (0.6321205588, 0.3233235838)
    """
    if x <= 0.0:
        return 0.0
    if shape > _NEARLY_NORMAL:
        return normal(3.0 * sqrt(shape) * ((x / shape) ** (1 / 3) - 1.0 + 1.0 / (9.0 * shape)))
    front = exp(shape * log(x) - x - lgamma(shape + 1.0))
    if x < shape + 1.0:
        # The series: x/(a+1) + x^2/((a+1)(a+2)) + ...
        total = term = 1.0
        place = shape
        while term > _CLOSE * total:
            place += 1.0
            term *= x / place
            total += term
        return min(1.0, front * total)
    # The continued fraction of the upper tail, by Lentz's method (Abramowitz and Stegun 6.5.31).
    b = x + 1.0 - shape
    c, d = 1e300, 1.0 / b
    found, place, change = d, 0, 2.0
    while abs(change - 1.0) > _CLOSE:
        place += 1
        factor = place * (shape - place)
        b += 2.0
        d = 1.0 / (factor * d + b)
        c = b + factor / c
        change = c * d
        found *= change
    return max(0.0, 1.0 - front * shape * found)
