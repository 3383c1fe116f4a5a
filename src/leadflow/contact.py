"""A contact: a person that deals are with. Thin: what they do is recorded on the deal or prospect it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, Unpack, get_args

from attrs import field, frozen

from leadflow.allowance import ALLOWED, Allowance
from leadflow.commands import command
from leadflow.entity import Entity, Kept
from leadflow.events import (
    Assigned,
    ConsentRecorded,
    ContactAdded,
    ContactImported,
    Corrected,
    Event,
    Opening,
    Redacted,
    Undone,
    When,
    Withdrawn,
)
from leadflow.fields import NO_FIELDS, FieldValue
from leadflow.ids import AccountId, ContactId
from leadflow.party import Channel, Consent, Person, may_contact, tighten
from leadflow.relationship import consents_recorded

__all__ = ["Contact"]

ContactEvent = ContactAdded | ContactImported | Assigned | ConsentRecorded | Corrected | Redacted | Undone | Withdrawn


class _Changes(Kept, total=False):
    is_withdrawn: bool
    consents: tuple[Consent, ...]


@frozen(eq=False, repr=False)
class Contact(Entity[ContactId, ContactEvent]):
    """
    A person that deals are with.

    >>> from datetime import UTC, datetime
    >>> Contact.add("C-1", Person("Ada Obi"), account_id="A-1", at=datetime(2026, 3, 2, tzinfo=UTC)).account_id
    'A-1'

    Attributes:
        person: Who.
        account_id: The account they belong to; never changes once it is set, a person who moves on is a new contact.
        consents: What holds per channel and purpose.
        source: Where they came from first.
        campaign: What we ran that led to it.
        is_withdrawn: Whether the conversion that made it was undone.
    """

    kind: ClassVar[str] = "contact"
    _OPENINGS: ClassVar[tuple[type[Opening], ...]] = (ContactAdded, ContactImported)
    _IMPORT: ClassVar[type[Opening]] = ContactImported
    _EVENTS: ClassVar[frozenset[type[Event]]] = frozenset(get_args(ContactEvent))
    _CORRECTABLE: ClassVar[frozenset[str]] = frozenset({"person", "account_id", "source", "campaign", "tags", "fields"})
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"person", "account_id"})

    person: Person = field(init=False)
    account_id: AccountId | None = field(init=False, default=None)
    consents: tuple[Consent, ...] = field(init=False, default=())
    source: str | None = field(init=False, default=None)
    campaign: str | None = field(init=False, default=None)
    is_withdrawn: bool = field(init=False, default=False)

    @classmethod
    @command
    def add(
        cls,
        id: str,  # noqa: A002 - the interface's word
        person: Person,
        *,
        account_id: str | None = None,
        consents: Iterable[Consent] = (),
        source: str | None = None,
        campaign: str | None = None,
        owner: str | None = None,
        tags: Iterable[str] = (),
        fields: Mapping[str, FieldValue] = NO_FIELDS,
        **when: Unpack[When],
    ) -> Self:
        """
        Return a new contact.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._new(
            "Contact.add",
            id,
            lambda: ContactAdded(
                person=person,
                account_id=None if account_id is None else AccountId(account_id),
                consents=consents,
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
    def imported(cls, id: str, person: Person, **attributes: Any) -> Self:  # noqa: A002, ANN401 - the event checks them
        """
        Return a contact that is taken over from elsewhere, without its history.

        Args:
            id: The host's id for it.
            person: Who.
            **attributes: Any other attribute of `ContactImported` (account_id, consents, owner, created_at, ...), and
                `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._begun("Contact.imported", id, cls._IMPORT, {"person": person, **attributes})

    def can_change(self) -> Allowance:
        """Whether something may be recorded: until it is withdrawn."""
        return Allowance(("its conversion was undone",)) if self.is_withdrawn else ALLOWED

    @command
    def record_consent(self, *consents: Consent, **when: Unpack[When]) -> Self:
        """
        Record what they said about being contacted; allowed in every state, since it binds us in every state.

        Raises:
            InvalidError: If there is none, or one of them is no `Consent` or is dated later than it is recorded.
        """
        return self._record(*consents_recorded(consents, when))

    def may_contact(self, channel: Channel | str, purpose: str = "sales") -> bool | None:
        """Return whether they agreed to be contacted on a channel for a purpose; None: they have not said."""
        return may_contact(self.consents, channel, purpose)

    def can_correct(self, *names: str) -> Allowance:
        """Whether `correct` may change these attributes now: of the account, only that there is none yet."""
        if "account_id" in names and self.account_id is not None:
            return self.can_change().but(
                f"it belongs to account {self.account_id!r} for good; a person who moves on is a new contact"
            )
        return self.can_change()

    @command
    def correct(
        self,
        *,
        person: Person | None = None,
        account_id: str | None = None,
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
            NotAllowedError: If it is withdrawn, or belongs to an account already and another is given.
        """
        values = {
            "person": person,
            "account_id": account_id,
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

    def _fold(self, event: ContactEvent) -> Kept:
        changes: _Changes
        match event:
            case ContactAdded() | ContactImported():
                return self._opened(event)  # type: ignore[no-any-return]
            case ConsentRecorded():
                changes = {"consents": tighten(*self.consents, event.consent)}
            case Withdrawn():
                changes = {"is_withdrawn": True}
            case _:
                return self._kept(event)
        return changes

    def _state_words(self) -> str:
        return "(withdrawn)" if self.is_withdrawn else "(active)"
