"""A contact: a person that deals are with. Thin: what they do is recorded on the deal or prospect it concerns."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, Unpack, get_args

from attrs import field, frozen

from leadflow.entity import ALLOWED, Allowance, Entity, Kept
from leadflow.events import (
    Assigned,
    ConsentRecorded,
    ContactAdded,
    ContactImported,
    Corrected,
    Event,
    Opening,
    Redacted,
    When,
    Withdrawn,
)
from leadflow.fields import NO_FIELDS, Fields, FieldValue
from leadflow.ids import AccountId, ContactId
from leadflow.party import Channel, Consent, Person, may_contact, tighten
from leadflow.validation import to_set

__all__ = ["Contact"]

ContactEvent = ContactAdded | ContactImported | Assigned | ConsentRecorded | Corrected | Redacted | Withdrawn


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
    _CORRECTABLE: ClassVar[frozenset[str]] = frozenset({"person", "source", "campaign", "tags", "fields"})
    _REQUIRED: ClassVar[frozenset[str]] = frozenset({"person"})

    person: Person = field(init=False)
    account_id: AccountId | None = field(init=False, default=None)
    consents: tuple[Consent, ...] = field(init=False, default=())
    source: str | None = field(init=False, default=None)
    campaign: str | None = field(init=False, default=None)
    is_withdrawn: bool = field(init=False, default=False)

    @classmethod
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
                consents=tighten(*consents),
                source=source,
                campaign=campaign,
                owner=owner,
                tags=to_set(tags),
                fields=Fields.of(fields),
                **when,
            ),
        )

    @classmethod
    def imported(cls, id: str, person: Person, **attributes: Any) -> Self:  # noqa: A002, ANN401 - the event checks them
        """
        Return a contact that is taken over from elsewhere, without its history.

        Args:
            id: The host's id for it.
            person: Who.
            **attributes: Any other attribute of `ContactImported`, and `When`.
        """
        return cls._new("Contact.imported", id, lambda: ContactImported(person=person, **attributes))

    def can_change(self) -> Allowance:
        """Whether something may be recorded: until it is withdrawn."""
        return Allowance(("its conversion was undone",)) if self.is_withdrawn else ALLOWED

    def record_consent(self, *consents: Consent, **when: Unpack[When]) -> Self:
        """Record what they said about being contacted; allowed in every state, since it binds us in every state."""
        return self._record(*(ConsentRecorded(consent=consent, **when) for consent in consents))

    def may_contact(self, channel: Channel | str, purpose: str = "sales") -> bool | None:
        """Return whether they agreed to be contacted on a channel for a purpose; None: they have not said."""
        return may_contact(self.consents, channel, purpose)

    def correct(
        self,
        *,
        person: Person | None = None,
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
            "person": person,
            "source": source,
            "campaign": campaign,
            "tags": None if tags is None else to_set(tags),
            "fields": None if fields is None else Fields.of(fields),
        }
        return self._corrected(tuple(clear), note, values, when)

    def can_withdraw(self) -> Allowance:
        """Whether `withdraw` is possible now."""
        return self.can_change()

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
