"""
Where each value on what a conversion made or used came from.

Theory. Nothing is noted down on the way: provenance is read off a plan, as `left_behind` reads off what landed nowhere.
A value that the record had before is kept; one that a rule of the mapping put there is mapped; one of the terms was
given or is a default; what equals what the prospect has at the usual place was carried over; anything else the plan
made up by a default that it lists.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, Protocol

import attrs
from attrs import frozen

from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.carrying import held_at
from leadflow.conversion.mapping import ConversionMapping
from leadflow.conversion.mappingpaths import values_of
from leadflow.conversion.mappingvalues import blank
from leadflow.conversion.requests import ConversionRequest
from leadflow.conversion.terms import Default
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet

__all__ = ["CameBy", "FieldProvenance", "provenance_of"]


class CameBy(StrEnum):
    """How a value came to be where it is."""

    KEPT = "kept"
    MAPPED = "mapped"
    TERMS = "terms"
    DEFAULT = "default"
    CARRIED = "carried"
    OWNER = "owner"


@frozen
class FieldProvenance:
    """
    One value and where it came from.

    Attributes:
        path: Where it is, e.g. ``account.company.industry``.
        by: A `CameBy`.
        source: Where it was in the prospect (``person.phone``), which term gave it (``terms.amount``), or, for a
            default, the reason in words; None where the record had it before.
    """

    path: str
    by: CameBy
    source: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.by.value}{f' ({self.source})' if self.source else ''}"


class _Plan(Protocol):
    @property
    def request(self) -> ConversionRequest: ...
    @property
    def prospect(self) -> Prospect: ...
    @property
    def account(self) -> Account | None: ...
    @property
    def contact(self) -> Contact | None: ...
    @property
    def opportunity(self) -> Opportunity | None: ...
    @property
    def changes(self) -> ChangeSet: ...
    @property
    def defaults(self) -> tuple[Default, ...]: ...
    @property
    def mapping(self) -> ConversionMapping: ...


# Where a value is in a record, and where it was in the prospect; persons, companies and fields keep their own names.
_CARRIED: Final[Mapping[str, str]] = {
    "account.name": "company.name",
    "opportunity.amount": "estimated_value",
    "opportunity.needs": "discovery.need",
}
_PLAIN: Final = (
    *("name", "source", "campaign", "owner", "tags", "consents", "amount", "recurring", "expected_close", "type"),
    *("probability", "product_interest", "needs", "next_step", "team", "engagements", "touches", "discovery"),
)


def provenance_of(plan: _Plan) -> tuple[FieldProvenance, ...]:
    """Return where each value on the account, the contact and the deal of a plan came from."""
    before: dict[str, Any] = {write.id: write.before for write in plan.changes.writes}
    source = before[plan.prospect.id]
    records = (plan.account, plan.contact, plan.opportunity)
    reader = _Reader(plan, values_of(source), source)
    return tuple(
        reader.of(record, path, value, before.get(record.id, record))
        for record in records
        if record is not None
        for path, value in _held(record)
    )


def _held(record: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any of the three
    for name in _PLAIN:
        value = getattr(record, name, None)
        if not blank(value):
            yield f"{record.kind}.{name}", value
    for owner in ("company", "person"):
        party = getattr(record, owner, None)
        for attribute in attrs.fields(type(party)) if party is not None else ():
            path = f"{record.kind}.{owner}.{attribute.name}"
            value = held_at(record, path)
            if not blank(value):
                yield path, value
    for name, value in record.fields.items():
        yield f"{record.kind}.fields.{name}", value


@frozen
class _Reader:
    plan: _Plan
    values: Mapping[str, Any]
    source: Prospect

    def of(self, record: Any, path: str, value: Any, before: Any) -> FieldProvenance:  # noqa: ANN401 - any value of any record
        if before is not None and held_at(before, path) == value:
            return FieldProvenance(path, CameBy.KEPT)
        name = path.partition(".")[2]
        for rule in self.plan.mapping.rules:
            if rule.target == path and self.values.get(rule.source) == value and not self._given(path):
                return FieldProvenance(path, CameBy.MAPPED, rule.source)
        if name == "owner":
            same = value == self.source.owner
            return FieldProvenance(path, CameBy.CARRIED if same else CameBy.OWNER, "owner" if same else None)
        defaults = {default.path: default for default in self.plan.defaults}
        if before is None and record.kind == "opportunity":
            if self._given(path):
                return FieldProvenance(path, CameBy.TERMS, f"terms.{'amount' if name == 'recurring' else name}")
            if (default := defaults.get(f"terms.{name}")) is not None and name != "amount":
                return FieldProvenance(path, CameBy.DEFAULT, default.why)
        if (default := defaults.get(path)) is not None:
            return FieldProvenance(path, CameBy.DEFAULT, default.why)
        return FieldProvenance(path, CameBy.CARRIED, _CARRIED.get(path, name))

    def _given(self, path: str) -> bool:
        kind, _, name = path.partition(".")
        name = "amount" if name == "recurring" else name
        terms = self.plan.request.terms
        return kind == "opportunity" and bool(getattr(terms, name, None) not in (None, ()))
