"""
What leads, prospects and opportunities share: they may be recorded twice, and be merged into one.

Theory. A merge changes two records. The one that ends keeps all it had, is marked with the record that goes on for it
(a tombstone), and is closed; the one that survives records what it gained. Which survives, and what it gains, is
decided by `leadflow.conversion.plan_merge`; here is what either record may do, and what the events mean.
"""

from typing import Any, ClassVar, Self, TypeVar, Unpack

import attrs
from attrs import field, frozen

from leadflow.allowance import Allowance
from leadflow.commands import command
from leadflow.errors import Problem, did_you_mean
from leadflow.events import Event, LeadAbsorbed, Merged, OpportunityAbsorbed, When
from leadflow.events.base import by_kind
from leadflow.party import tighten
from leadflow.relationship import Related, Relationship
from leadflow.validation import built

__all__ = ["Absorbed", "Mergeable", "Mergers"]

_Id = TypeVar("_Id", bound=str)
_Ev = TypeVar("_Ev", bound=Event)

Absorbed = LeadAbsorbed | OpportunityAbsorbed
"""What a survivor records; a `ProspectAbsorbed` is a `LeadAbsorbed` with more."""

# What adds to what is there, and what is no attribute of the survivor.
_ADDED = ("engagements", "touches")
_OTHER = frozenset({"merged_id", "provenance", "wrote", "consents", *_ADDED})


class Mergers(Related, total=False):
    """What a merge may change in any record."""

    merged_into: str | None
    merged_ids: tuple[str, ...]


@frozen(eq=False, repr=False)
class Mergeable(Relationship[_Id, _Ev]):
    """
    A record of something that may have been recorded twice.

    Attributes:
        merged_into: The record that goes on for this one; None while it goes on itself.
        merged_ids: The records that this one goes on for, in the order in which they were merged into it.
    """

    # The event of absorbing a record of the same kind.
    _ABSORBED: ClassVar[type[Event]]

    merged_into: str | None = field(init=False, default=None)
    merged_ids: tuple[str, ...] = field(init=False, default=())

    def can_merge(self) -> Allowance:
        """Whether another record may go on for this one: it is neither merged nor withdrawn already."""
        return self.can_change()

    @command
    def merged(self, *, into: str, **when: Unpack[When]) -> Self:
        """
        Record that another goes on for this one. Hosts call `leadflow.conversion.plan_merge`, which changes both.

        Raises:
            InvalidError: If it is to be merged into itself.
            NotAllowedError: If it was merged or withdrawn before.
        """
        self.require("merge", self.can_merge())
        itself = Problem("into", f"must be another {self.kind}, got {into!r} itself") if into == self.id else None
        return self._record(built("merged", lambda: Merged(into=into, **when), itself))

    def _goes_on(self) -> str:
        who = f"another {self.kind}" if self.merged_into is None else f"{self.kind} {self.merged_into!r}"
        return f"{who} goes on for it"

    def can_absorb(self) -> Allowance:
        """Whether another record may be merged into this one: it goes on itself."""
        return self.can_merge()

    @command
    def absorbed(self, merged_id: str, /, **gained: Any) -> Self:  # noqa: ANN401 - the event checks them
        """
        Record that another went into this one. Hosts call `leadflow.conversion.plan_merge`, which changes both.

        Args:
            merged_id: The record that ends.
            **gained: What this one has from it: any attribute of its `...Absorbed` event, and `When`.

        Raises:
            InvalidError: Naming everything that is wrong.
            NotAllowedError: If this one was merged or withdrawn.
        """
        return self._absorb(self._ABSORBED, merged_id, gained)

    def _absorb(self, kind: type[Event], merged_id: str, gained: dict[str, Any]) -> Self:
        self.require("absorb", self.can_absorb())
        known = {attribute.name for attribute in attrs.fields(kind)}
        event = built(
            "absorbed",
            lambda: kind(
                **{"at": None, **{name: gained[name] for name in gained if name in known}, "merged_id": merged_id}
            ),
            Problem("merged_id", f"must be another record, got {merged_id!r} itself") if merged_id == self.id else None,
            *(
                Problem(name, f"is no attribute of {kind.__name__}{did_you_mean(name, known)}", is_type=True)
                for name in gained
                if name not in known
            ),
        )
        return self._record(event)

    def _gained(self, event: Absorbed) -> Mergers:
        """Return what a survivor has after absorbing another."""
        changes: dict[str, Any] = {
            name: value for name in _values(type(event)) if (value := getattr(event, name)) is not None
        }
        for name in _ADDED:
            if getattr(event, name):
                changes[name] = (*getattr(self, name), *getattr(event, name))
        if event.consents:
            changes["consents"] = tighten(*self.consents, *event.consents)
        if type(event) is self._ABSORBED:
            changes["merged_ids"] = (*self.merged_ids, event.merged_id)
        return changes  # type: ignore[return-value]  # each entity takes the events that have its attributes


@by_kind
def _values(kind: type[Event]) -> tuple[str, ...]:
    times = {attribute.name for attribute in attrs.fields(Event)}
    return tuple(name for attribute in attrs.fields(kind) if (name := attribute.name) not in times | _OTHER)
