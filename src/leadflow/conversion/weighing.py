"""
How much each thing counts by which records are matched, as one value.

Theory. A record that is there is weighed: each criterion in which it agrees adds its weight, and from the threshold on
it is taken for the same person or company. A name or a phone number alone never is, whatever a host sets; both together
may be. A criterion with more than `max_hits` hits (the switchboard, info@ of a portal) tells nobody apart and is left
out of the sum.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations
from typing import Final

from attrs import frozen

from leadflow.stores import Compares
from leadflow.validation import check, when, whole

__all__ = ["WEIGHED", "Matching"]

WEIGHED: Final = (Compares.EMAIL, Compares.DOMAIN, Compares.PHONE, Compares.NAME)
"""What is weighed, the most telling first."""

_NEVER_ALONE: Final = (Compares.PHONE, Compares.NAME)


@frozen(kw_only=True)
class Matching:
    """
    What agreeing counts, and how much is enough.

    >>> Matching().weight("email"), Matching(phone=60, name=60).asked(["phone", "name"]) == {"phone", "name"}
    (100, True)

    Attributes:
        email: Weight of the same e-mail address, of a person.
        domain: Weight of the same domain, of a company.
        phone: Weight of the same phone number; below the threshold.
        name: Weight of the same name; below the threshold.
        threshold: From which sum on a record is taken for the same; at least 1.
        max_hits: How many records may agree in one criterion; with more, it is ignored.

    Raises:
        InvalidError: Naming every weight that is none, or that would let a name or a phone number decide alone.
    """

    email: int = 100
    domain: int = 100
    phone: int = 40
    name: int = 40
    threshold: int = 100
    max_hits: int = 50

    def __attrs_post_init__(self) -> None:
        numbers = [
            *(whole(by.value, getattr(self, by.value)) for by in WEIGHED),
            whole("threshold", self.threshold, 1),
            whole("max_hits", self.max_hits, 1),
        ]
        if not any(numbers):
            numbers = [
                when(
                    self.weight(by) >= self.threshold,
                    by.value,
                    f"must be below the threshold ({self.threshold}), since it never decides alone, "
                    f"got {self.weight(by)}",
                )
                for by in _NEVER_ALONE
            ]
        check("Matching", *numbers)

    def weight(self, by: Compares | str) -> int:
        """Return what agreeing in a criterion counts; 0 for what is not weighed."""
        weight: int = getattr(self, by, 0) if by in WEIGHED else 0
        return weight

    def asked(self, given: Iterable[Compares | str]) -> frozenset[Compares]:
        """Return the criteria that can decide, alone or together: what a store need be asked for before planning."""
        return _asked(self, frozenset(map(Compares, given)))


@lru_cache(maxsize=256)
def _asked(matching: Matching, given: frozenset[Compares]) -> frozenset[Compares]:
    usable = [by for by in WEIGHED if by in given and matching.weight(by)]
    enough = [
        frozenset(chosen)
        for number in range(1, len(usable) + 1)
        for chosen in combinations(usable, number)
        if sum(map(matching.weight, chosen)) >= matching.threshold
    ]
    # What is added to a set that is enough already changes nothing.
    return frozenset[Compares]().union(*(chosen for chosen in enough if not any(less < chosen for less in enough)))
