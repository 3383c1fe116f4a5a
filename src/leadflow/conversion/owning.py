"""
Owners in turn: who gets which item of a batch.

Dealt by position, so that everybody gets the same number (but for one) and the same list gets the same owners again,
whatever was refused in between. The owners are no part of a request's identity: a retry gets the first result.
"""

from collections.abc import Iterable

from attrs import field, frozen

from leadflow.lead import Lead
from leadflow.prospect import Prospect
from leadflow.validation import check, code, each, to_tuple, when, whole

__all__ = ["RoundRobin", "Turn"]


def _owners(values: Iterable[str]) -> tuple[str, ...]:
    return to_tuple(values)


@frozen
class Turn:
    """Whoever's turn it is: a router that gives the same owner whatever the record."""

    owner: str

    def __call__(self, _source: Lead | Prospect, /) -> str:
        """Return the owner."""
        return self.owner


@frozen
class RoundRobin:
    """
    Owners who get the items of a batch in turn.

    >>> [RoundRobin(["ada", "bob"]).turn(position).owner for position in range(3)]
    ['ada', 'bob', 'ada']

    Attributes:
        owners: In which order; who comes twice gets twice as many.
    """

    owners: tuple[str, ...] = field(converter=_owners)

    def __attrs_post_init__(self) -> None:
        check(
            "RoundRobin",
            when(self.owners == (), "owners", "must name at least one, got ()"),
            *each("owners", self.owners, code),
        )

    def turn(self, position: int) -> Turn:
        """
        Return whose turn it is at a position, counted from 0, as `owner` takes it.

        Which owners there are is not part of a request's identity: a retry under the same key gets the first result.
        """
        check("turn", whole("position", position))
        return Turn(self.owners[position % len(self.owners)])
