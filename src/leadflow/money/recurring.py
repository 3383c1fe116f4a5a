"""
Recurring revenue: what a subscription pays, as the four figures that people compare.

The four answer different questions and must not be mixed in one rollup. All follow from one payment, how often it comes
and for how long; payments are taken to spread evenly, so a term need not be a multiple of the interval.
"""

from attrs import frozen

from leadflow.money.amount import Money
from leadflow.validation import check, instance, optional, whole

__all__ = ["Recurring"]

_YEAR = 12


@frozen
class Recurring:
    """
    A payment that comes every so many months, for a term or until cancelled.

    Attributes:
        amount: One payment.
        every_months: Months from one payment to the next, at least 1: 1 monthly, 3 quarterly, 12 yearly.
        term_months: Months that the contract runs, at least 1; None when it is open-ended.

    Raises:
        InvalidError: If the amount is no Money or a number of months is not a whole number from 1.

    >>> contract = Recurring(Money(300, "EUR"), every_months=3, term_months=36)
    >>> print(contract.mrr, contract.arr, contract.acv, contract.tcv, sep=", ")
    100 EUR, 1,200 EUR, 1,200 EUR, 3,600 EUR
    """

    amount: Money
    every_months: int
    term_months: int | None = None

    def __attrs_post_init__(self) -> None:
        check(
            "Recurring",
            instance("amount", self.amount, Money, "a Money"),
            whole("every_months", self.every_months, 1),
            optional(whole, "term_months", self.term_months, 1),
        )

    @property
    def mrr(self) -> Money:
        """Monthly recurring revenue: amount / every_months. Not rounded; where that has no end, to 50 digits."""
        return self.amount / self.every_months

    @property
    def arr(self) -> Money:
        """Annual recurring revenue: amount x 12 / every_months, whatever the term."""
        return self._over(_YEAR)

    @property
    def acv(self) -> Money:
        """
        Annual contract value: what the contract brings in within a year, amount x min(12, term_months) / every_months.

        The same as `arr`, except for a term of less than a year.
        """
        return self._over(_YEAR if self.term_months is None else min(_YEAR, self.term_months))

    @property
    def tcv(self) -> Money | None:
        """Total contract value: amount x term_months / every_months; None when open-ended, which is unknown, not 0."""
        return None if self.term_months is None else self._over(self.term_months)

    def _over(self, months: int) -> Money:
        # Multiplied first: 100 every 3 months is exactly 400 a year, although 33.33... a month has no end.
        return self.amount * months / self.every_months
