"""
The distribution of the sum of independent deals, each won with its own chance.

Theory. What stands out is calculated, what does not is approximated. Deals of one amount are one part: so many wins of
so much each. Three ways, the first that fits:

1. *Enumerated.* When there are few different amounts, every possible sum is listed with its chance: exact.
2. *On a lattice.* When all amounts are multiples of one unit and the sums few enough, deals are added one by one to an
   array with one cell per multiple: exact too. With more deals than that the smooth way follows, read off between the
   multiples (continuity correction), so that it keeps the steps.
3. *Smooth.* The few deals that matter most (by amount^4 p (1 - p)) are enumerated; the next ones go onto a grid, where
   an amount between two cells is split between them; the many that are left are a bulk, taken by Edgeworth's expansion.
   Splitting an amount a fraction f between two cells a step h apart adds p f (1 - f) h^2 to the variance: it is taken
   off the bulk's again. So many deals go onto the grid that the bulk's expansion is as exact as `_BULK_ERROR`.

Many deals at prices that are nearly multiples of one, such as 49, 99 and 199, lie in heaps (`nearlattice`). Where no
bulk is nearly normal (some dozens of deals, or wins or losses are rare), deals are added one by one, and sums that lie
next to each other are put together so that there are never more than some thousands.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import accumulate, pairwise
from math import fsum, gcd, sqrt

from attrs import frozen

from leadflow.forecasting.counts import counted
from leadflow.forecasting.distribution import Distribution, Mixture, Piece, Steps, Table
from leadflow.forecasting.edgeworth import Cumulants
from leadflow.forecasting.nearlattice import heaps
from leadflow.forecasting.rare import NOTHING, rare_sums, tell_rare

__all__ = ["Deals", "enumerated", "independent", "merged_sums", "parts_of", "smooth_sums"]

# Chances by amount: deals that differ in their chance only are counted together.
Deals = Mapping[float, Sequence[float]]

# Every sum is listed up to so many: 17 deals of different amounts, or two amounts at 10,000 deals.
_MOST_SUMS = 200_000
# Cells x parts of an exact lattice: 0.1 s.
_MOST_WORK = 1_200_000
# More steps than this are as good as a smooth curve: each holds under 0.03 % of the chance.
_MOST_CELLS = 20_000
# Numbers of wins, in all parts, that are added one by one: 0.2 s. From so many deals on heaps of sums are told.
_MOST_NUMBERS = 200
_MANY = 250
_WHALES = 8
_GRID = 3_000
_MOST_ON_GRID = 120
_BULK_ERROR = 5e-5
_REACH = 8.0
# Points of the bulk's table per standard deviation.
_FINE = 20
_TINY = 1e-15
_IMPOSSIBLE = 1e-14
_RARELY = 1e-9
# Sums are put together from so many on, not over the last few deals; in cells of a fraction of a standard deviation,
# and never to more than a chance of so much.
_MERGE_FROM = 4_000
# A bulk that may be off by so much is no use; so many deals can be added one by one instead, in a second or so.
_POOR = 5e-4
_MOST_MERGED = 250
_UNMERGED = 3
_PER_SD = 150
# Of the grid of rare wins.
_CELLS = 8_192
_LIKELY = 4e-4


@frozen
class Part:
    """
    Deals of one amount: how many wins, with which chance.

    Attributes:
        amount: Of each.
        first: The smallest number of wins.
        chances: Of that number, of one more, and so on.
    """

    amount: float
    first: int
    chances: Sequence[float]


def parts_of(deals: Deals) -> list[Part]:
    """Return the deals by amount, the largest first."""
    found = []
    for amount, chances in deals.items():
        if len(chances) == 1:
            p = chances[0]
            found.append(Part(amount, 0, (1.0 - p, p)))
        else:
            found.append(Part(amount, *counted(chances)))
    return sorted(found, key=lambda part: -part.amount)


def enumerated(parts: Iterable[Part]) -> list[tuple[float, float]]:
    """Return every possible sum with its chance."""
    atoms = [(0.0, 1.0)]
    for part in parts:
        wins = [((part.first + k) * part.amount, chance) for k, chance in enumerate(part.chances) if chance > 0]
        atoms = [(value + more, chance * p) for more, p in wins for value, chance in atoms]
    return atoms


def independent(deals: Deals) -> Distribution:
    """
    Return the distribution of the sum of independent deals.

    Args:
        deals: Amounts above 0, chances inside (0, 1).
    """
    if not deals:
        return Steps([0.0], [1.0])
    variance = fsum(amount * amount * fsum(p * (1.0 - p) for p in chances) for amount, chances in deals.items())
    unit = unit_of(deals, sqrt(variance))
    few = len(deals) <= _MOST_SUMS.bit_length()
    parts = parts_of(deals) if few or unit else []
    if few:
        sums = 1
        for part in parts:
            sums *= len(part.chances)
        if sums <= _MOST_SUMS:
            return Steps.of(enumerated(parts))
        likely = list(map(_likely, parts))
        if not unit and sum(len(part.chances) for part in likely) <= _MOST_NUMBERS:
            return _put_together(likely)
    if unit:
        cells = 2 * _REACH * sqrt(variance) / unit
        if sum(len(part.chances) - 1 for part in parts) * cells <= _MOST_WORK:
            return _on_lattice(parts, unit)
    elif sum(map(len, deals.values())) >= _MANY:
        found = heaps(deals, sqrt(variance), independent)
        if found is not None:
            return found
    listed = [(amount, p) for amount, chances in deals.items() for p in chances]
    if unit:
        return _read_off(smooth_sums(listed, most=_WHALES // 2), unit, sqrt(variance))
    return smooth_sums(listed)


def _likely(part: Part) -> Part:
    """Return a part without numbers of wins that come less than once in a billion."""
    kept = [place for place, chance in enumerate(part.chances) if chance > _RARELY]
    return Part(part.amount, part.first + kept[0], part.chances[kept[0] : kept[-1] + 1])


def _put_together(parts: Sequence[Part]) -> Steps:
    """Add parts one by one, and put sums together that are next to each other: amounts that are nearly equal."""
    atoms: list[tuple[float, float]] = [(0.0, 1.0)]
    for part in parts:
        atoms = sorted(
            (value + (part.first + k) * part.amount, chance * p)
            for k, p in enumerate(part.chances)
            for value, chance in atoms
            if chance * p > _IMPOSSIBLE
        )
        if len(atoms) > _MERGE_FROM and part is not parts[-1]:
            width = (atoms[-1][0] - atoms[0][0]) / _MOST_CELLS
            atoms = list(zip(*_thinned(atoms, width), strict=True))
    return Steps.of(atoms)


def _read_off(smooth: Distribution, unit: float, sd: float) -> Steps:
    """Return steps at the multiples of a unit, which a smooth curve passes half-way between."""
    first = max(0, int((smooth.mean - _REACH * sd) / unit))
    last = int((smooth.mean + _REACH * sd) / unit) + 1
    levels = [0.0, *(smooth.cdf((place + 0.5) * unit) for place in range(first, last)), 1.0]
    rises = ((place, b - a) for place, (a, b) in enumerate(pairwise(levels), first))
    return Steps.of((place * unit, rise) for place, rise in rises if rise > 0.0)


def unit_of(deals: Deals, sd: float) -> float:
    """Return the largest amount that all amounts are multiples of, or 0 when it is too small to matter."""
    for scale in (1, 100):
        whole = 0
        for amount in deals:
            scaled = amount * scale
            nearest = round(scaled)
            if abs(scaled - nearest) > 1e-9 * scaled:
                break
            whole = gcd(whole, nearest)
            if 2 * _REACH * sd * scale > whole * _MOST_CELLS:
                return 0.0
        else:
            return whole / scale
    return 0.0


def _on_lattice(parts: Sequence[Part], unit: float) -> Steps:
    grid = _Grid()
    for part in parts:
        grid.add_part(part, round(part.amount / unit))
    return Steps.of((unit * (grid.first + place), chance) for place, chance in enumerate(grid.chances) if chance > 0)


class _Grid:
    """Chances of multiples of a step, from the first that matters on."""

    def __init__(self) -> None:
        self.first = 0
        self.chances = [1.0]

    def add(self, cells: int, p: float, part: float = 0.0) -> None:
        """Add something that is worth so many cells, and part of one more, with probability p."""
        q, low, high = 1.0 - p, p * (1.0 - part), p * part
        old = self.chances
        pad = [0.0] * (cells + 1)
        if high:
            rows = zip(old + pad, pad[1:] + old + [0.0], pad + old, strict=True)
            self.chances = [q * a + low * b + high * c for a, b, c in rows]
        else:
            self.chances = [q * a + low * b for a, b in zip(old + pad[1:], pad[1:] + old, strict=True)]
        self._trim()

    def add_part(self, part: Part, cells: int) -> None:
        """Add deals of one amount."""
        self.first += part.first * cells
        if cells == 0:
            return
        old = self.chances
        total = [0.0] * (len(old) + cells * (len(part.chances) - 1))
        for wins, chance in enumerate(part.chances):
            at = wins * cells
            total[at : at + len(old)] = [a + chance * b for a, b in zip(total[at : at + len(old)], old, strict=True)]
        self.chances = total
        self._trim()

    def _trim(self) -> None:
        """Drop what is next to impossible at both ends; what it is worth stays on the last cell kept."""
        chances = self.chances
        left, lost = 0, 0.0
        while left < len(chances) - 1 and lost + chances[left] < _TINY:
            lost += chances[left]
            left += 1
        right, gone = len(chances), 0.0
        while right > left + 1 and gone + chances[right - 1] < _TINY:
            right -= 1
            gone += chances[right]
        if left or right < len(chances):
            self.chances = chances[left:right]
            self.first += left


def _weight(deal: tuple[float, float]) -> float:
    amount, p = deal
    return amount * sqrt(sqrt(p * (1.0 - p)))


def smooth_sums(deals: Iterable[tuple[float, float]], most: int = _WHALES) -> Distribution:
    """Return the distribution of the sum of many deals: some on a grid, the bulk by its cumulants."""
    listed = _largest_last(list(deals))
    split, bulk = _split(listed)
    if split == 0 or bulk.error() > _POOR:
        rare, rest = tell_rare(listed, with_steps=len(listed) > _MOST_MERGED)
        if rare:
            others = smooth_sums(rest, most) if rest else NOTHING
            return rare_sums([(amount, p, 1) for amount, p in rare], _CELLS, others)
        if len(listed) <= _MOST_MERGED:
            return merged_sums(sorted(listed))
    largest = listed[split:][::-1]
    whales, middle = largest[:most], largest[most:]
    table = _table(middle, bulk)
    mean = fsum(a * p for a, p in listed[:split]) + fsum(a * p for a, p in middle)
    atoms = Steps.of(enumerated(Part(a, 0, (1.0 - p, p)) for a, p in whales))
    pieces: list[Piece] = [
        (value, chance, table.with_mean(mean)) for value, chance in zip(atoms.values, atoms.chances, strict=True)
    ]
    return Mixture(pieces, 0.0, fsum(a for a, _ in listed))


def merged_sums(ordered: Sequence[tuple[float, float]]) -> Steps:
    """Add the deals one by one, the smallest first, and put sums together that are next to each other."""
    values, chances = [0.0], [1.0]
    variance = 0.0
    for left, (amount, p) in zip(range(len(ordered) - 1, -1, -1), ordered, strict=True):
        variance += amount * amount * p * (1.0 - p)
        q = 1.0 - p
        old = [(value, chance) for value, chance in zip(values, chances, strict=True) if chance > _IMPOSSIBLE]
        atoms = [(value, q * chance) for value, chance in old] + [(value + amount, p * chance) for value, chance in old]
        atoms.sort()
        if len(atoms) > _MERGE_FROM and left >= _UNMERGED:
            values, chances = _thinned(atoms, sqrt(variance) / _PER_SD)
        else:
            values, chances = [value for value, _ in atoms], [chance for _, chance in atoms]
    return Steps.of(zip(values, chances, strict=True))


def _thinned(atoms: Iterable[tuple[float, float]], width: float) -> tuple[list[float], list[float]]:
    """Put neighbours together at their mean, no wider apart than the width and no likelier than `_LIKELY`."""
    values: list[float] = []
    chances: list[float] = []
    limit, moment, mass = -1.0, 0.0, 0.0
    for value, chance in atoms:
        if value < limit and mass + chance < _LIKELY:
            moment += value * chance
            mass += chance
            values[-1] = moment / mass
            chances[-1] = mass
        else:
            values.append(value)
            chances.append(chance)
            limit, moment, mass = value + width, value * chance, chance
    return values, chances


def _largest_last(deals: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return deals with those that matter most at the end, by what they matter; the others as they were."""
    weights = list(map(_weight, deals))
    last = nlargest(_WHALES + _MOST_ON_GRID, range(len(deals)), key=weights.__getitem__)[::-1]
    apart = set(last)
    return [deal for place, deal in enumerate(deals) if place not in apart] + [deals[place] for place in last]


def _split(ordered: Sequence[tuple[float, float]]) -> tuple[int, Cumulants]:
    """Return how many of the deals, the smallest first, make the bulk, and its cumulants."""
    sums = [0.0] * 6
    # The bulk without the k largest, for k up to the most that fit elsewhere.
    least = max(0, len(ordered) - _WHALES - _MOST_ON_GRID)
    _add(sums, ordered[:least])
    best, split = Cumulants(*sums), least
    most = len(ordered) - (_WHALES if len(ordered) > _WHALES else 0)
    for place in range(least, most):
        _add(sums, ordered[place : place + 1])
        found = Cumulants(*sums)
        if found.error() <= _BULK_ERROR:
            best, split = found, place + 1
    return split, best


def _add(sums: list[float], deals: Sequence[tuple[float, float]]) -> None:
    """Add the cumulants of deals; written out, since there may be a million."""
    k1, k2, k3, k4, k5, k6 = sums
    for amount, p in deals:
        k1 += amount * p
        v, d = p * (1.0 - p), amount * (1.0 - 2.0 * p)
        square = amount * amount
        second = square * v
        k2 += second
        third = second * d
        k3 += third
        fourth = second * square
        k4 += fourth * (1.0 - 6.0 * v)
        k5 += third * square * (1.0 - 12.0 * v)
        k6 += fourth * square * (1.0 - 30.0 * v + 120.0 * v * v)
    sums[:] = k1, k2, k3, k4, k5, k6


def _table(middle: Sequence[tuple[float, float]], bulk: Cumulants) -> Table:
    """Return the distribution of the deals on the grid and of the bulk together."""
    variance = fsum(a * a * p * (1.0 - p) for a, p in middle)
    reach = min(fsum(a for a, _ in middle), 2 * _REACH * sqrt(variance))
    sd = sqrt(max(bulk.variance, 0.0))
    step = max(reach / _GRID, sd / _FINE) if reach or sd else 1.0
    grid, added = _Grid(), 0.0
    for amount, p in middle:
        cells = amount / step
        whole = int(cells)
        part = cells - whole
        added += p * part * (1.0 - part) * step * step
        grid.add(whole, p, part)
    spread = Cumulants(
        bulk.mean,
        max(bulk.variance - added, 0.25 * bulk.variance),
        bulk.third,
        bulk.fourth,
        bulk.fifth,
    )
    return _blurred(grid, spread, step)


def _blurred(grid: _Grid, bulk: Cumulants, step: float) -> Table:
    chances = grid.chances
    start = grid.first * step + bulk.mean
    if bulk.variance <= 0:
        return Table(start - step, step, [0.0, *_ends(accumulate(chances))])
    cells = int(_REACH * sqrt(bulk.variance) / step) + 1
    curve = bulk.cdf([bulk.mean + k * step for k in range(-cells, cells + 1)])
    curve[0], curve[-1] = 0.0, 1.0
    density = [b - a for a, b in pairwise(curve)]
    # The convolution of the grid with the bulk, one shifted copy per cell of the shorter one.
    shorter, longer = sorted([chances, density], key=len)
    total = [0.0] * (len(shorter) + len(longer) - 1)
    width = len(longer)
    for at, chance in enumerate(shorter):
        if chance:
            total[at : at + width] = [a + chance * b for a, b in zip(total[at : at + width], longer, strict=True)]
    return Table(start - cells * step, step, [0.0, *_ends(accumulate(total))])


def _ends(sums: Iterable[float]) -> list[float]:
    found = [min(1.0, value) for value in sums]
    found[-1] = 1.0
    return found
