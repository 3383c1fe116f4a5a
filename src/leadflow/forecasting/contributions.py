"""
What each part adds to a forecast: every deal by itself, and what is no deal yet.

Theory. A mean is only as good as its parts, so each is named with its chance and its reason, and together they are the
mean, to the last cent. So is the variance: a deal that is most of it (a whale) decides what the period looks like.
"""

from collections.abc import Sequence
from math import fsum

from attrs import frozen

from leadflow.forecasting.deals import Deal
from leadflow.forecasting.models import Estimate
from leadflow.forecasting.potential import Level, Potential
from leadflow.money import Money, round_all

__all__ = ["Addition", "Contribution", "Counted", "contributions_of", "levels_of", "variance_of"]

# A deal, its amount in the forecast's currency, and its chance.
Counted = tuple[Deal, Money, Estimate]


@frozen(kw_only=True)
class Contribution:
    """
    What one deal adds to a forecast.

    Attributes:
        deal: The deal.
        amount: Its amount in the forecast's currency, unrounded.
        estimate: The chance that it is won inside the period, and what that rests on; 1 for a won deal.
        expected: Amount times chance, rounded so that contributions add up to the mean.
        variance_share: Its share of the forecast's variance, in [0, 1].
    """

    deal: Deal
    amount: Money
    estimate: Estimate
    expected: Money
    variance_share: float

    @property
    def id(self) -> str:
        """The deal's id."""
        return self.deal.id

    @property
    def p(self) -> float:
        """The chance that it is won inside the period."""
        return self.estimate.p

    @property
    def why(self) -> str:
        """What the chance rests on, in words."""
        return self.estimate.why

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        return {
            "id": self.id,
            "name": self.deal.name,
            "state": self.deal.state.value,
            "amount": self.amount,
            "p": self.p,
            "n": self.estimate.n,
            "expected": self.expected,
            "variance_share": self.variance_share,
            "why": self.why,
        }


@frozen(kw_only=True)
class Addition:
    """
    What something other than a deal adds to a forecast.

    Attributes:
        name: ``new business``, ``leads``, ``prospects`` or ``correction``.
        expected: What it adds to the mean; a correction may be negative.
        n: How many past cases it rests on; 0: it is an assumption.
        variance_share: Its share of the forecast's variance, in [0, 1].
        why: In words.
    """

    name: str
    expected: Money
    n: int
    variance_share: float
    why: str

    def to_row(self) -> dict[str, object]:
        """Return it as a table row, with the columns of a contribution."""
        return {
            "id": None,
            "name": self.name,
            "state": None,
            "amount": None,
            "p": None,
            "n": self.n,
            "expected": self.expected,
            "variance_share": self.variance_share,
            "why": self.why,
        }


def contributions_of(counted: Sequence[Counted], *, phi: float, whole: float) -> list[Contribution]:
    """
    Return what deals add, rounded so that they add up to their rounded sum.

    Args:
        counted: Deals of one kind: won ones or open ones.
        phi: By how much their variance is widened.
        whole: The variance of the forecast.
    """
    expected = round_all([amount.times(estimate.p) for _, amount, estimate in counted])
    return [
        Contribution(
            deal=deal,
            amount=amount,
            estimate=estimate,
            expected=share,
            variance_share=phi * variance_of(amount, estimate.p) / whole if whole else 0.0,
        )
        for (deal, amount, estimate), share in zip(counted, expected, strict=True)
    ]


def variance_of(amount: Money, p: float) -> float:
    """Return the variance of an amount that comes with a chance."""
    return float(amount.amount) ** 2 * p * (1.0 - p)


def levels_of(hoped: Potential, phi: float, whole: float) -> list[Addition]:
    """Return what each level of those without a deal adds, where times were given."""
    found = []
    for level in Level:
        rows = [(row.value, row.in_period) for row in hoped.rows if row.level is level and row.in_period is not None]
        if rows:
            variance = fsum(variance_of(value, estimate.p) for value, estimate in rows)
            found.append(
                Addition(
                    name=f"{level}s",
                    expected=Money.total([value.times(estimate.p) for value, estimate in rows]).round(),
                    n=rows[0][1].n,
                    variance_share=phi * variance / whole if whole else 0.0,
                    why=f"{len(rows):,} of them, {rows[0][1].why.partition(',')[0]}",
                )
            )
    return found
