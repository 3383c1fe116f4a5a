"""The readers of facts that need more than a path of attributes; each takes the subject and the time."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from leadflow.party import Channel, may_contact

__all__ = ["count_of", "is_contactable", "is_known", "rating_of", "set_of", "technologies"]

# How each channel of a person is kept, and which consents speak about it.
_WAYS: Final = (
    ("email", (Channel.EMAIL,)),
    ("phone", (Channel.PHONE, Channel.MESSAGE)),
    ("handle", (Channel.SOCIAL, Channel.MESSAGE)),
)


def is_contactable(subject: Any, at: datetime) -> bool | None:  # noqa: ANN401 - any record
    """Say whether a channel is known on which they did not refuse to be contacted for sales; None without a person."""
    del at
    if subject.person is None:
        return None
    return any(
        any(may_contact(subject.consents, channel) is not False for channel in channels)
        for way, channels in _WAYS
        if getattr(subject.person, way) is not None
    )


def technologies(subject: Any, at: datetime) -> frozenset[str] | None:  # noqa: ANN401 - any record
    """Say what a company uses; nothing recorded is unknown, since no company uses no technology."""
    del at
    return (subject.company.technologies or None) if subject.company is not None else None


def rating_of(name: str) -> Callable[[Any, datetime], str | None]:
    """Return a reader of the level of one rated dimension."""

    def derive(subject: Any, at: datetime) -> str | None:  # noqa: ANN401 - any record
        del at
        learned = subject.discovery.ratings.get(name)
        return None if learned is None else learned.level

    return derive


def set_of(attribute: str, part: str = "") -> Callable[[Any, datetime], frozenset[str]]:
    """Return a reader of one attribute of every item, as a set of texts."""

    def derive(subject: Any, at: datetime) -> frozenset[str]:  # noqa: ANN401 - any record
        del at
        return frozenset(str(getattr(item, part) if part else item) for item in getattr(subject, attribute))

    return derive


def count_of(attribute: str) -> Callable[[Any, datetime], int]:
    """Return a reader of how many items there are."""

    def derive(subject: Any, at: datetime) -> int:  # noqa: ANN401 - any record
        del at
        return len(getattr(subject, attribute))

    return derive


def is_known(attribute: str) -> Callable[[Any, datetime], bool]:
    """Return a reader of whether an attribute is set; it is certain either way."""

    def derive(subject: Any, at: datetime) -> bool:  # noqa: ANN401 - any record
        del at
        return getattr(subject, attribute) is not None

    return derive
