"""
Reading a history in which something was taken back: which events count, and which can still be undone.

Versions number the events of a record, those that were compacted included: the opening has the version it stands for,
each later event one more.
"""

from collections.abc import Iterable, Sequence
from typing import Final, cast

from leadflow.events.base import Event, Opening
from leadflow.events.joint import Undone
from leadflow.events.shared import ConsentRecorded, Redacted

__all__ = ["before", "counting", "firm"]

# What stays whatever is taken back: where a history begins, what was erased, and what people said about being
# contacted.
_FIRM: Final = (Opening, Undone, Redacted, ConsentRecorded)


def counting(history: Sequence[Event]) -> dict[int, Event]:
    """Return the events that count, by version: neither undone nor the undoing itself."""
    gone = _gone(history)
    return {
        version: event for version, event in _numbered(history) if version not in gone and not isinstance(event, Undone)
    }


def firm(history: Sequence[Event], versions: Iterable[int]) -> list[str]:
    """Say which versions cannot be taken back, and why."""
    known, gone = dict(_numbered(history)), _gone(history)
    return [
        f"version {version}, which is {type(known[version]).__name__ if version in known else 'not in its history'}"
        + (", undone before" if version in gone else "")
        for version in versions
        if version not in known or version in gone or isinstance(known[version], _FIRM)
    ]


def before(history: Sequence[Event], event: Event) -> Sequence[Event]:
    """Return the history before an event; all of it if the event is not there yet."""
    places = (position for position, other in enumerate(history) if other is event)
    return history[: next(places, len(history))]


def _numbered(history: Sequence[Event]) -> Iterable[tuple[int, Event]]:
    return enumerate(history, cast("Opening", history[0]).stands_for)


def _gone(history: Sequence[Event]) -> frozenset[int]:
    return frozenset(version for event in history if isinstance(event, Undone) for version in event.versions)
