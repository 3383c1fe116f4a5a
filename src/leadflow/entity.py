"""
The shared base of every record: an identity, its history, and the state that the history adds up to.

Theory. An entity *is* the fold of its events: the constructor takes an id and a history and works out every other
attribute, so that neither it nor `attrs.evolve` can make a state that no event explains. Commands ask whether they may
(the ``can_...`` twins), then go through the one door, `_record`, which appends events and returns a new entity. The
fold holds no rules, so that what once happened always replays. Equality is kind, id and history.

Times. `recorded_at` never decreases along a history. `at` of a change of state is not before that of the change before;
engagements and touches may be written down late. `as_of(t)` uses what had been recorded by t.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, Final, Generic, Self, TypedDict, TypeVar, Unpack, assert_never, cast

import attrs
from attrs import field, frozen

from leadflow import markup
from leadflow.allowance import Allowance
from leadflow.commands import command
from leadflow.errors import HistoryError, NotAllowedError, Problem, did_you_mean
from leadflow.events import Assigned, Corrected, Event, Opening, Redacted, Undone, When
from leadflow.events.base import to_items
from leadflow.events.undoing import before, counting, firm
from leadflow.events.words import details
from leadflow.fields import NO_FIELDS, Fields
from leadflow.redaction import people_in, redacted
from leadflow.shape import copied, named, opened, told
from leadflow.validation import (
    aware,
    built,
    check,
    code,
    each,
    instance,
    invalid,
    shown,
    to_instant,
    to_set,
    whole,
)

__all__ = ["Entity", "Kept"]

_Id = TypeVar("_Id", bound=str)
_Ev = TypeVar("_Ev", bound=Event)
_set = object.__setattr__

# What an entity has beside what its events make.
_OWN: Final = frozenset({"id", "history", "created_at", "_changed_at"})


class Kept(TypedDict, total=False):
    """What the events that every entity knows may change."""

    owner: str | None
    tags: frozenset[str]
    fields: Fields


@frozen(eq=False, repr=False)
class Entity(Generic[_Id, _Ev]):
    """
    A record with an identity and a history.

    Attributes:
        id: Given by the host; unique within its tenant across all kinds.
        history: Everything that happened, in the order in which it was recorded.
        owner: The host's user id of whoever is responsible.
        tags: The host's labels.
        fields: The host's own values.

    Raises:
        InvalidError: If the id is not a code or the history is not a tuple of events.
        HistoryError: If the history does not begin with its opening event, or is out of order.
    """

    # What the entity is called in messages, the events that may open its history, and all that may be in it.
    kind: ClassVar[str]
    _OPENINGS: ClassVar[tuple[type[Opening], ...]]
    _IMPORT: ClassVar[type[Opening]]
    _EVENTS: ClassVar[frozenset[type[Event]]]
    # Of these, the ones that `_misplaced` looks at.
    _PLACED: ClassVar[frozenset[type[Event]]] = frozenset({Corrected, Undone})
    # Which attributes `correct` may change, and which of them can never be blank.
    _CORRECTABLE: ClassVar[frozenset[str]]
    _REQUIRED: ClassVar[frozenset[str]] = frozenset()

    id: _Id
    history: tuple[_Ev, ...] = field(converter=to_items)
    created_at: datetime = field(init=False)
    owner: str | None = field(init=False, default=None)
    tags: frozenset[str] = field(init=False, default=frozenset())
    fields: Fields = field(init=False, default=NO_FIELDS)
    _changed_at: datetime = field(init=False)

    def __attrs_post_init__(self) -> None:
        check(
            type(self).__name__,
            code("id", self.id),
            instance("history", self.history, tuple, "events (a tuple, or any other iterable of them)"),
        )
        if not self.history:
            raise self._broken(0, "a history must have at least its opening event, got ()")
        opening = self.history[0]
        if not isinstance(opening, Opening) or type(opening) not in self._OPENINGS:
            names = " or ".join(kind.__name__ for kind in self._OPENINGS)
            raise self._broken(0, f"a history must begin with {names}, got {shown(opening)}")
        _set(self, "created_at", opening.created_at or opening.at)
        _set(self, "_changed_at", opening.at)
        previous: Event = opening
        self._apply(opening)
        for position, event in enumerate(self.history[1:], 1):
            self._admit(event, previous, position)
            self._apply(event)
            previous = event

    @property
    def version(self) -> int:
        """How many events there have been, those that were compacted included; grows with every change."""
        return len(self.history) - 1 + cast("Opening", self.history[0]).stands_for

    @property
    def updated_at(self) -> datetime:
        """When the last event was recorded; aware."""
        return self.history[-1].recorded_at

    def as_of(self, t: datetime) -> Self | None:
        """
        Return the entity as it was known at a time; None before its first event was recorded.

        Args:
            t: As of when, inclusive; aware.
        """
        check("as_of", aware("t", t))
        known = bisect_right(self.history, to_instant(t), key=attrgetter("recorded_at"))
        if known == len(self.history):
            return self
        return type(self)(self.id, self.history[:known]) if known else None

    def compacted(self) -> Self:
        """Return the same state and version with one opening event for a history: for stores that keep none."""
        return type(self)(
            self.id,
            (
                self._IMPORT(
                    at=self._changed_at,
                    recorded_at=self.updated_at,
                    by=self.history[-1].by,
                    stands_for=self.version,
                    created_at=self.created_at,
                    **{name: getattr(self, name) for name in told(self._IMPORT)},
                ),
            ),
        )

    @command
    def redact(self, *, reason: str, **when: Unpack[When]) -> Self:
        """
        Return the entity with personal values replaced in its state, its events and their evidence.

        Codes, dates and amounts stay, so that figures do not change. This is the one rewriting of history there is, and
        it leaves a `Redacted` event; it is allowed in every state. A company keeps its name unless that is the
        person's. Ids, tags and codes are not touched: put no names there. Other records of the person (lead, prospect,
        contact, deal) are redacted each by itself.

        Args:
            reason: Why, e.g. ``GDPR Art. 17 request of 2026-05-04``.
            **when: See `When`.
        """
        trace = Redacted(reason=reason, **when)
        names = people_in(self.history)
        cleaned = type(self)(self.id, tuple(redacted(event, names) for event in self.history))
        return cleaned._record(trace)  # noqa: SLF001 - of the same class

    @command
    def assign(self, owner: str | None, **when: Unpack[When]) -> Self:
        """Return the entity with an owner; None: nobody owns it."""
        self.require("assign", self.can_change())
        return self._record(Assigned(owner=owner, **when))

    def can_undo(self, *versions: int) -> Allowance:
        """Whether what happened in these versions can be taken back: they are in the history and count as yet."""
        check("can_undo", *each("versions", versions, whole, 1))
        return Allowance(tuple(f"it cannot take back {unfit}" for unfit in firm(self.history, versions)))

    @command
    def undone(self, *versions: int, note: str = "", **when: Unpack[When]) -> Self:
        """
        Return the entity as it is when what happened in these versions of it does not count, and everything else does.

        The history keeps all of it, and the act of undoing. Hosts call `leadflow.conversion.plan_unconversion` and
        `plan_unmerge`, which look at every record that a step wrote, and at what happened there since.

        Args:
            *versions: Versions of this record.
            note: Why, in words.
            **when: See `When`.

        Raises:
            InvalidError: If no version is given, or one is no version.
            NotAllowedError: If one is not in the history (any more), was undone before, or is nothing that can be.
        """
        self.require("undo", self.can_undo(*versions))
        return self._record(Undone(versions=versions, note=note, **when))

    def can_change(self) -> Allowance:
        """Whether something may be recorded at all: the twin of every command that has none of its own."""
        raise NotImplementedError

    def can_correct(self, *names: str) -> Allowance:  # noqa: ARG002 - some records look at the names
        """Whether `correct` may change (or clear) these attributes now."""
        return self.can_change()

    def to_rows(self) -> list[dict[str, object]]:
        """Return the history, one row per event: when it happened and was recorded, by whom, what, details in words."""
        return [
            {
                "at": event.at.isoformat(),
                "recorded_at": event.recorded_at.isoformat(),
                "by": event.by,
                "event": type(event).__name__,
                "details": details(event),
            }
            for event in self.history
        ]

    def _repr_html_(self) -> str:
        return markup.section(f"{self!r}", markup.table(self.to_rows()))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or (self.id == other.id and self.history == other.history)

    def __hash__(self) -> int:
        return hash((type(self), self.id, self.version))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r} {self._state_words()}, version {self.version}>"

    def __str__(self) -> str:
        return f"{self.kind} {self.id!r}"

    @classmethod
    def _new(cls, subject: str, id: str, make: Callable[[], Opening], *problems: Problem | None) -> Self:  # noqa: A002
        """Return the entity that an opening event makes; what is wrong with id and event is reported at once."""
        opening = built(subject, make, code("id", id), *problems)
        return cls(id, (opening,))  # type: ignore[arg-type]  # NewTypes of str, and one of the entity's own events

    @classmethod
    def _begun(
        cls,
        subject: str,
        id: str,  # noqa: A002
        kind: type[Opening],
        attributes: Mapping[str, Any],
        *problems: Problem | None,
    ) -> Self:
        """Do the same with attributes by name, of which the type checker knows nothing: names are checked here."""
        known = {attribute.name: attribute for attribute in attrs.fields(kind)}
        wrong = [
            Problem(name, f"is no attribute of {kind.__name__}{did_you_mean(name, known)}", is_type=True)
            for name in attributes
            if name not in known
        ]
        missing = [
            Problem(name, "must be given", is_type=True)
            for name, attribute in known.items()
            if attribute.default is attrs.NOTHING and name not in attributes
        ]
        if missing:
            raise invalid(subject, code("id", id), *problems, *wrong, *missing)
        given = {name: value for name, value in attributes.items() if name in known}
        return cls._new(subject, id, lambda: kind(**given), *problems, *wrong)

    # -- the one door ----------------------------------------------------------------------------------------------

    def _record(self, *events: Event) -> Self:
        """Return the entity after these events: the only way from one state to another."""
        new: Self = copied(self)
        previous: Event = self.history[-1]
        _set(new, "history", self.history + events)
        for position, event in enumerate(events, len(self.history)):
            new._admit(event, previous, position)
            new._apply(event)
            previous = event
        return new

    def _admit(self, event: Event, previous: Event, position: int) -> None:
        if type(event) not in self._EVENTS:
            raise self._broken(position, f"{type(event).__name__} is no event of a {self.kind}, got {shown(event)}")
        if isinstance(event, Opening):
            raise self._broken(position, f"a history has one opening event, got a second: {shown(event)}")
        if event.recorded_at < previous.recorded_at:
            raise self._broken(
                position,
                f"recorded_at must not go back, got {event.recorded_at.isoformat()} after "
                f"{previous.recorded_at.isoformat()}; if one clock is slower, pass recorded_at= the later of the two",
            )
        if not event.may_be_late:
            if event.at < self._changed_at:
                raise self._broken(
                    position,
                    f"at of {type(event).__name__} must not be before the last change of state, got "
                    f"{event.at.isoformat()} after {self._changed_at.isoformat()}; only engagements and touches may be "
                    "written down late: pass the later time as at=, or record in the order in which it happened",
                )
            _set(self, "_changed_at", event.at)
        if type(event) in self._PLACED:
            misplaced = self._misplaced(event)
            if misplaced is not None:
                raise self._broken(position, misplaced)

    def _misplaced(self, event: Event) -> str | None:
        """Say why an event of `_PLACED` cannot come here, if so: it would make a state that cannot be."""
        if isinstance(event, Corrected):
            changed = event.changes()
            strange = sorted((changed.keys() - self._CORRECTABLE) | (event.cleared & self._REQUIRED))
            if strange:
                return f"Corrected cannot change {', '.join(strange)} of a {self.kind} so, got {shown(event)}"
        if isinstance(event, Undone):
            unfit = firm(before(self.history, event), event.versions)
            return f"Undone cannot take back {', '.join(unfit)}, got {shown(event)}" if unfit else None
        return None

    def _apply(self, event: Event) -> None:
        for name, value in self._fold(event).items():
            _set(self, name, value)

    def _fold(self, event: Any) -> Mapping[str, object]:  # noqa: ANN401 - each entity narrows it to its own events
        """Return the attributes that an event changes, with their new values."""
        raise NotImplementedError

    def _state_words(self) -> str:
        """Return the state for messages, e.g. ``in stage 'proposal'``."""
        raise NotImplementedError

    # -- what the commands share -----------------------------------------------------------------------------------

    def require(self, action: str, allowance: Allowance, target: str = "") -> None:
        """
        Raise what a command raises that an allowance forbids; `target` says where to, for messages.

        Raises:
            NotAllowedError: With the entity's state and the allowance's reasons, if there are any.
        """
        if not allowance:
            entity = f"{self.kind} {self.id!r} {self._state_words()} {target}".rstrip()
            raise NotAllowedError(action, entity, allowance.reasons)

    def _broken(self, position: int, rule: str) -> HistoryError:
        return HistoryError(f"{self.kind} {self.id!r}", position, rule)

    def _corrected(self, clear: Iterable[str], note: str, values: dict[str, Any], when: When) -> Self:
        """Record a correction; every entity's `correct` comes here with its own attributes."""
        given = {name: value for name, value in values.items() if value is not None}
        cleared: Any = to_set(clear)
        clearable = self._CORRECTABLE - self._REQUIRED
        problems = []
        if not isinstance(cleared, frozenset):
            problems.append(Problem("clear", f"must be names of attributes, got {shown(clear)}", is_type=True))
            cleared = frozenset[str]()
        elif not given and not cleared:
            problems.append(Problem("", f"must mention at least one of {', '.join(sorted(self._CORRECTABLE))}"))
        strange = sorted(map(str, cleared - clearable))
        problems += [Problem("clear", f"must not name {name!r}{did_you_mean(name, clearable)}") for name in strange]
        self.require("correct", self.can_correct(*given, *(cleared & self._CORRECTABLE)))
        # What was found here says enough of `cleared`; what else is wrong, the event knows.
        kept = cleared & clearable
        event = built("correct", lambda: Corrected(**given, cleared=kept, note=note, **when), *problems)
        return self._record(event)

    def _opened(self, opening: Opening) -> Any:  # noqa: ANN401 - a test pins that these are attributes of the entity
        return opened(type(self), opening)

    def _kept(self, event: Assigned | Corrected | Redacted | Undone) -> Kept:
        match event:
            case Assigned():
                return {"owner": event.owner}
            case Corrected():
                return event.changes()  # type: ignore[return-value]  # the names are checked when the event is made
            case Redacted():
                return {}
            case Undone():
                return self._without(event)
            case _:
                assert_never(event)

    def _without(self, undone: Undone) -> Kept:
        """Return every attribute as it is when what was undone does not count, by now and before."""
        history = (*before(self.history, undone), undone)
        plain = type(self)(self.id, counting(history).values())
        return {name: getattr(plain, name) for name in named(type(self)) if name not in _OWN}  # type: ignore[return-value]  # what is kept, and more
