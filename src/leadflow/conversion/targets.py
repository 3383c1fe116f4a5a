"""
Targets: what is to become of each side of a conversion.

`Create` makes a new record under an id of the host's; `UseExisting` takes one that is there; `FindOrCreate` takes the
one record that has the same e-mail address or company domain, and makes one if there is none; `SKIP` leaves it out.
"""

from enum import Enum
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.validation import check, code, instance

__all__ = ["SKIP", "Create", "DealTarget", "FindOrCreate", "Skip", "Target", "UseExisting", "target_problem"]


@frozen
class Create:
    """
    Make a new record.

    Attributes:
        id: The id it gets, given by the host.
        anyway: Whether to make it although there is one with the same e-mail address or domain (a subsidiary that
            shares its parent's domain).
    """

    id: str
    anyway: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check("Create", code("id", self.id), instance("anyway", self.anyway, bool, "True or False"))


@frozen
class UseExisting:
    """
    Take a record that is there; its blanks are filled, nothing in it is overwritten.

    Attributes:
        id: Which.
    """

    id: str

    def __attrs_post_init__(self) -> None:
        check("UseExisting", code("id", self.id))


@frozen
class FindOrCreate:
    """
    Take the one record that matches, or make one; more than one is refused as ambiguous.

    Attributes:
        id: The id that a new one gets.
    """

    id: str

    def __attrs_post_init__(self) -> None:
        check("FindOrCreate", code("id", self.id))


class Skip(Enum):
    """The type of `SKIP`."""

    SKIP = "skip"

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return self.name


SKIP: Final = Skip.SKIP
"""Leave it out."""

Target: TypeAlias = Create | UseExisting | FindOrCreate | Literal[Skip.SKIP]
"""What may become of an account or a contact."""

DealTarget: TypeAlias = Create | UseExisting | Literal[Skip.SKIP]
"""What may become of an opportunity."""


def target_problem(path: str, value: object, *kinds: type) -> Problem | None:
    """Say what is wrong with a target; `kinds` are those that make sense here."""
    names = ["SKIP" if kind is Skip else f"{kind.__name__}(id)" for kind in kinds]
    return instance(path, value, kinds, " or ".join(names))
