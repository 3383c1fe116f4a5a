"""
Plans: everything a step would write, before anything is written.

A plan is a frozen value: equal plans write the same, and one that nobody applies has changed nothing. It shows the new
records, the defaults that were used, what is carried nowhere and what somebody should look at; its `changes` are what a
store commits. It keeps the request, the evidence and the moment it was made from, so that it can be made again.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from attrs import frozen

from leadflow import markup
from leadflow.account import Account
from leadflow.assessment import Evidence
from leadflow.contact import Contact
from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.mapping import NO_MAPPING, ConversionMapping
from leadflow.conversion.provenance import FieldProvenance, provenance_of
from leadflow.conversion.refusals import RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment, QualificationRequest
from leadflow.conversion.terms import Default
from leadflow.events import Provenance
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.party import Company, Person
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet, Write

__all__ = ["ConversionPlan", "QualificationPlan", "Readable"]

_Deal_co = TypeVar("_Deal_co", bound=Opportunity | None, covariant=True)


class _Asked(Protocol):
    """What every request says, for the type checker only."""

    @property
    def action(self) -> str: ...


class _Planned(Protocol):
    """What all kinds of plan hold, for the type checker only."""

    @property
    def request(self) -> _Asked: ...
    @property
    def changes(self) -> ChangeSet: ...
    @property
    def moment(self) -> Moment: ...
    @property
    def defaults(self) -> tuple[Default, ...]: ...
    @property
    def unmapped(self) -> tuple[Unmapped, ...]: ...
    @property
    def warnings(self) -> tuple[RefusalReason, ...]: ...


class Readable:
    """A plan in words: text, rows and HTML."""

    __slots__ = ()

    def to_rows(self: _Planned) -> list[dict[str, object]]:
        """Return one row per record, default, value that is carried nowhere, and warning."""
        return [{"step": step, "what": what, "detail": detail} for step, what, detail in _lines(self)]

    def __str__(self: _Planned) -> str:
        lines = (f"  {step} {what}{detail and ': '}{detail}" for step, what, detail in _lines(self))
        return "\n".join([f"{self.request.action}:", *lines])

    def _repr_html_(self: _Planned) -> str:
        return markup.section(self.request.action, markup.table(Readable.to_rows(self)))

    def __repr__(self: _Planned) -> str:
        return f"<plan to {self.request.action}: {self.changes}>"


def _lines(plan: _Planned) -> Iterator[tuple[str, str, str]]:
    for write in plan.changes.writes:
        happened = ", ".join(type(event.event).__name__ for event in write.events)
        if write.before is None:
            yield "create", str(write.after), _gist(write)
        else:
            yield "change", f"{write.after} to version {write.after.version}", happened
    for relied in plan.changes.relies_on:
        yield "use", str(relied), "as it is"
    # One address may be looked for among several kinds of record.
    for absence in dict.fromkeys(f"nobody else has {key.by} {key.value!r}" for key in plan.changes.absent):
        yield "only if", absence, ""
    if plan.moment.asked is not None:
        why = f"not {plan.moment.asked.isoformat()}, since a record was written at that time"
        yield "default", f"at = {plan.moment.at.isoformat()}", why
    for default in plan.defaults:
        yield "default", f"{default.path} = {default.value}", default.why
    for source in getattr(plan, "provenance", ()):
        if isinstance(source, Provenance):
            yield "keep", source.path, f"of {', '.join(source.ids)}"
    for unmapped in plan.unmapped:
        yield "not carried", unmapped.where, unmapped.why
    for warning in plan.warnings:
        yield "warning", warning.path or warning.code, warning.message


def _gist(write: Write) -> str:
    """Return a new record in a few words."""
    match write.after:
        case Account(name=name):
            return name
        case Contact(person=person):
            return _party(person)
        case Opportunity() as deal:
            closing = f", expected to close on {deal.expected_close}" if deal.expected_close else ""
            return f"{deal.name}, {deal.amount}, in stage {deal.stage.code!r} at {deal.probability:.0%}{closing}"
        case record:
            return ", ".join(_party(party) for party in (record.person, record.company) if party is not None)


def _party(party: Person | Company) -> str:
    return party.name if party.email is None else f"{party.name} <{party.email}>"


@frozen(kw_only=True, repr=False, str=False)
class QualificationPlan(Readable):
    """
    Everything that qualifying a lead would write.

    Attributes:
        request: What was asked for.
        lead: The lead, qualified and linked to the prospect.
        prospect: The prospect that goes on for it.
        changes: What a store commits.
        evidence: What it rests on.
        moment: When, and by whom.
        defaults: What nobody gave and was filled in.
        unmapped: What of the lead lands nowhere.
        warnings: What somebody should look at.
    """

    request: QualificationRequest
    lead: Lead
    prospect: Prospect
    changes: ChangeSet
    evidence: Evidence
    moment: Moment
    defaults: tuple[Default, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    warnings: tuple[RefusalReason, ...] = ()

    @property
    def account(self) -> None:
        """None: an account comes with a conversion."""

    @property
    def contact(self) -> None:
        """None: a contact comes with a conversion."""

    @property
    def opportunity(self) -> None:
        """None: an opportunity comes with a conversion."""


@frozen(kw_only=True, repr=False, str=False)
class ConversionPlan(Readable, Generic[_Deal_co]):
    """
    Everything that converting a prospect would write.

    Attributes:
        request: What was asked for.
        prospect: The prospect, linked to what comes of it.
        account: The account, new or filled in; None: there is none.
        contact: The contact, new or filled in; None: there is none.
        opportunity: The deal, new or filled in; None: there is none.
        changes: What a store commits.
        evidence: What it rests on.
        moment: When, and by whom.
        defaults: What nobody gave and was filled in.
        unmapped: What of the prospect lands nowhere.
        warnings: What somebody should look at.
        mapping: The rules that sent values elsewhere than they go anyway.
    """

    request: ConversionRequest
    prospect: Prospect
    account: Account | None
    contact: Contact | None
    opportunity: _Deal_co
    changes: ChangeSet
    evidence: Evidence
    moment: Moment
    defaults: tuple[Default, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    warnings: tuple[RefusalReason, ...] = ()
    mapping: ConversionMapping = NO_MAPPING

    @property
    def field_provenance(self) -> tuple[FieldProvenance, ...]:
        """Where each value on the account, the contact and the deal came from."""
        return provenance_of(self)

    @property
    def lead(self) -> None:
        """None: the lead was qualified before, and a conversion leaves it as it is."""
