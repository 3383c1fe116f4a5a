"""
An account: the company (in B2C, the household) that deals are with. Thin: rules live elsewhere.

Whether it is a *customer* follows from its won opportunities, which it does not know; see `FactSheet.of`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, Unpack, get_args

from attrs import field, frozen

from leadflow.allowance import ALLOWED, Allowance
from leadflow.commands import command
from leadflow.entity import Entity, Kept
from leadflow.events import (
    AccountAdded,
    AccountImported,
    Assigned,
    Corrected,
    Event,
    Opening,
    Redacted,
    Undone,
    When,
    Withdrawn,
)
from leadflow.fields import NO_FIELDS, FieldValue
from leadflow.ids import AccountId
from leadflow.party import Company

__all__ = ["Account"]

AccountEvent = AccountAdded | AccountImported | Assigned | Corrected | Redacted | Undone | Withdrawn


class _Changes(Kept, total=False):
    is_withdrawn: bool


@frozen(eq=False, repr=False)
class Account(Entity[AccountId, AccountEvent]):
    """
    The company that deals are with.

    >>> from datetime import UTC, datetime
    >>> Account.add("A-1", "Northwind", at=datetime(2026, 3, 2, tzinfo=UTC)).name
    'Northwind'

    Attributes:
        name: As people call it.
        company: What is known of the company; None for a person account.
        source: Where it came from first.
        campaign: What we ran that led to it.
        is_withdrawn: Whether the conversion that made it was undone.
    """

    kind: ClassVar[str] = "account"
    _OPENINGS: ClassVar[tuple[type[Opening], ...]] = (AccountAdded, AccountImported)
    _IMPORT: ClassVar[type[Opening]] = AccountImported
    _EVENTS: ClassVar[frozenset[type[Event]]] = frozenset(get_args(AccountEvent))
    _CORRECTABLE: ClassVar[frozenset[str]] = frozenset({"name", "company", "source", "campaign", "tags", "fields"})
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"name"})

    name: str = field(init=False)
    company: Company | None = field(init=False, default=None)
    source: str | None = field(init=False, default=None)
    campaign: str | None = field(init=False, default=None)
    is_withdrawn: bool = field(init=False, default=False)

    @classmethod
    @command
    def add(
        cls,
        id: str,  # noqa: A002 - the interface's word
        name: str,
        *,
        company: Company | None = None,
        source: str | None = None,
        campaign: str | None = None,
        owner: str | None = None,
        tags: Iterable[str] = (),
        fields: Mapping[str, FieldValue] = NO_FIELDS,
        **when: Unpack[When],
    ) -> Self:
        """
        Return a new account.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._new(
            "Account.add",
            id,
            lambda: AccountAdded(
                name=name,
                company=company,
                source=source,
                campaign=campaign,
                owner=owner,
                tags=tags,
                fields=fields,
                **when,
            ),
        )

    @classmethod
    @command
    def imported(cls, id: str, name: str, **attributes: Any) -> Self:  # noqa: A002, ANN401 - the event checks them
        """
        Return an account that is taken over from elsewhere, without its history.

        Args:
            id: The host's id for it.
            name: As people call it.
            **attributes: Any other attribute of `AccountImported` (company, owner, tags, created_at, ...), and `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._begun("Account.imported", id, cls._IMPORT, {"name": name, **attributes})

    def can_change(self) -> Allowance:
        """Whether something may be recorded: until it is withdrawn."""
        return Allowance(("its conversion was undone",)) if self.is_withdrawn else ALLOWED

    @command
    def correct(
        self,
        *,
        name: str | None = None,
        company: Company | None = None,
        source: str | None = None,
        campaign: str | None = None,
        tags: Iterable[str] | None = None,
        fields: Mapping[str, FieldValue] | None = None,
        clear: Iterable[str] = (),
        note: str = "",
        **when: Unpack[When],
    ) -> Self:
        """
        Put attributes right; those not mentioned stay, those in `clear` are blanked.

        Raises:
            InvalidError: If nothing is mentioned, or a value or a name to clear is wrong.
            NotAllowedError: If it is withdrawn.
        """
        values = {
            "name": name,
            "company": company,
            "source": source,
            "campaign": campaign,
            "tags": tags,
            "fields": fields,
        }
        return self._corrected(clear, note, values, when)

    def can_withdraw(self) -> Allowance:
        """Whether `withdraw` is possible now."""
        return self.can_change()

    @command
    def withdraw(self, *, note: str = "", **when: Unpack[When]) -> Self:
        """Take it out because the conversion that made it is undone."""
        self.require("withdraw", self.can_withdraw())
        return self._record(Withdrawn(note=note, **when))

    def _fold(self, event: AccountEvent) -> Kept:
        match event:
            case AccountAdded() | AccountImported():
                return self._opened(event)  # type: ignore[no-any-return]
            case Withdrawn():
                changes: _Changes = {"is_withdrawn": True}
                return changes
            case _:
                return self._kept(event)

    def _state_words(self) -> str:
        return "(withdrawn)" if self.is_withdrawn else "(active)"
