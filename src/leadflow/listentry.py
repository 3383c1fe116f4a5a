"""
A list entry: a name and an address that somebody has (a bought list, a badge scan).

It becomes a lead only when the other side engages of its own accord; until then we may touch it, and what we did
carries over to the lead.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, Unpack, get_args

from attrs import field, frozen

from leadflow.allowance import ALLOWED, Allowance
from leadflow.commands import command
from leadflow.events import EntryAdded, EntryBecameLead, EntryImported, Event, Opening, When
from leadflow.fields import NO_FIELDS, FieldValue
from leadflow.ids import LeadId, ListEntryId
from leadflow.party import Company, Consent, Person
from leadflow.relationship import Related, Relationship, RelationshipEvent, unreachable
from leadflow.validation import text

__all__ = ["ListEntry"]

ListEntryEvent = RelationshipEvent | EntryAdded | EntryImported | EntryBecameLead


class _Changes(Related, total=False):
    person: Person | None
    company: Company | None
    source: str | None
    campaign: str | None
    lead_id: LeadId | None


@frozen(eq=False, repr=False)
class ListEntry(Relationship[ListEntryId, ListEntryEvent]):
    """
    A name and an address somebody has.

    >>> from datetime import UTC, datetime
    >>> ada = Person("Ada Obi", email="ada@obi.example")
    >>> ListEntry.add("LE-1", person=ada, source="trade fair", at=datetime(2026, 3, 2, tzinfo=UTC)).version
    1

    Attributes:
        person: Who, as far as known.
        company: For which company, as far as known.
        source: Where the entry comes from, e.g. the list's name.
        campaign: What it was bought or gathered for.
        lead_id: The lead it became; None while it has not.
    """

    kind: ClassVar[str] = "list entry"
    _OPENINGS: ClassVar[tuple[type[Opening], ...]] = (EntryAdded, EntryImported)
    _IMPORT: ClassVar[type[Opening]] = EntryImported
    _EVENTS: ClassVar[frozenset[type[Event]]] = frozenset(get_args(ListEntryEvent))
    _CORRECTABLE: ClassVar[frozenset[str]] = frozenset({"person", "company", "source", "campaign", "tags", "fields"})

    person: Person | None = field(init=False, default=None)
    company: Company | None = field(init=False, default=None)
    source: str | None = field(init=False, default=None)
    campaign: str | None = field(init=False, default=None)
    lead_id: LeadId | None = field(init=False, default=None)

    @classmethod
    @command
    def add(
        cls,
        id: str,  # noqa: A002 - the interface's word
        *,
        person: Person | None = None,
        company: Company | None = None,
        source: str,
        campaign: str | None = None,
        owner: str | None = None,
        consents: Iterable[Consent] = (),
        tags: Iterable[str] = (),
        fields: Mapping[str, FieldValue] = NO_FIELDS,
        **when: Unpack[When],
    ) -> Self:
        """
        Return a new entry.

        Args:
            id: The host's id for it.
            person: Who; they or the company must be reachable by e-mail, phone or handle.
            company: Which company.
            source: Where the entry comes from; required, since whether we may use it depends on that.
            campaign: What it was gathered for.
            owner: The host's user id of whoever is responsible.
            consents: What they said about being contacted.
            tags: The host's labels.
            fields: The host's own values.
            **when: See `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._new(
            "ListEntry.add",
            id,
            lambda: EntryAdded(
                person=person,
                company=company,
                source=source,
                campaign=campaign,
                owner=owner,
                consents=consents,
                tags=tags,
                fields=fields,
                **when,
            ),
            text("source", source),
            unreachable(person, company),
        )

    @classmethod
    @command
    def imported(
        cls,
        id: str,  # noqa: A002 - the interface's word
        *,
        person: Person | None = None,
        company: Company | None = None,
        **attributes: Any,  # noqa: ANN401 - the event checks them
    ) -> Self:
        """
        Return an entry that is taken over from elsewhere, without its history.

        Args:
            id: The host's id for it.
            person: Who, as far as known; unlike with `add`, they need not be reachable, nor the source be known.
            company: Which company, as far as known.
            **attributes: Any other attribute of `EntryImported` (source, engagements, touches, lead_id, owner, tags,
                created_at, ...), and `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
        """
        return cls._begun("ListEntry.imported", id, cls._IMPORT, {"person": person, "company": company, **attributes})

    def can_change(self) -> Allowance:
        """Whether something may be recorded: as long as it has not become a lead."""
        return ALLOWED if self.lead_id is None else Allowance((f"it became lead {self.lead_id!r}; go on there",))

    @command
    def became(self, lead_id: str, **when: Unpack[When]) -> Self:
        """
        Record that they engaged and `Lead.capture` made a lead of the entry.

        Raises:
            NotAllowedError: If it became a lead before.
        """
        self.require("become a lead", self.can_change())
        return self._record(EntryBecameLead(lead_id=LeadId(lead_id), **when))

    @command
    def correct(
        self,
        *,
        person: Person | None = None,
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
        Put attributes right; those not mentioned stay.

        Raises:
            InvalidError: If nothing is mentioned, or a value or a name to clear is wrong.
            NotAllowedError: If it became a lead.
        """
        values = {
            "person": person,
            "company": company,
            "source": source,
            "campaign": campaign,
            "tags": tags,
            "fields": fields,
        }
        return self._corrected(clear, note, values, when)

    def _fold(self, event: ListEntryEvent) -> Related:
        match event:
            case EntryAdded():
                return self._opened(event)  # type: ignore[no-any-return]
            case EntryBecameLead():
                changes: _Changes = {"lead_id": event.lead_id}
                return changes
            case _:
                return self._related(event)

    def _state_words(self) -> str:
        return "(open)" if self.lead_id is None else f"(became lead {self.lead_id!r})"
