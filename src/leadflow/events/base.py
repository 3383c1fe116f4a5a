"""What every event has: two times, an author, and checks."""

from datetime import datetime
from typing import ClassVar, NotRequired, TypedDict

from attrs import Factory, field, frozen

from leadflow.errors import Problem
from leadflow.validation import aware, check, code, optional, when, whole

__all__ = ["Event", "Opening", "When"]


class When(TypedDict):
    """
    When and by whom: what every command takes, so that callers can write ``lead.touch(touch, **now)``.

    Attributes:
        at: When it happened; aware.
        by: Who did it, the host's user id; None or left out: nobody in particular.
        recorded_at: When we learnt it; aware, not before `at`. Default: `at`.
    """

    at: datetime
    by: NotRequired[str | None]
    recorded_at: NotRequired[datetime]


@frozen(kw_only=True)
class Event:
    """
    Something that happened to one entity.

    Attributes:
        at: When it happened; aware.
        by: Who did it, the host's user id.
        recorded_at: When we learnt it; aware, not before `at`.
    """

    # Whether it may have happened before what was recorded earlier: true of engagements and touches, which are
    # often written down late; false of changes of state, which happen in the order of the history.
    may_be_late: ClassVar[bool] = False

    at: datetime
    by: str | None = None
    recorded_at: datetime = field(default=Factory(lambda self: self.at, takes_self=True))

    def __attrs_post_init__(self) -> None:
        problems = [aware("at", self.at), optional(code, "by", self.by)]
        if self.recorded_at is not self.at:
            problems.append(aware("recorded_at", self.recorded_at))
            if problems == [None, None, None]:
                problems.append(
                    when(
                        self.recorded_at < self.at,
                        "recorded_at",
                        f"must not be before at ({self.at.isoformat()}), got {self.recorded_at.isoformat()}",
                    )
                )
        check(type(self).__name__, *problems, *self._problems())

    def _problems(self) -> "tuple[Problem | None, ...]":
        """Return what is wrong with the event's own attributes."""
        return ()


@frozen(kw_only=True)
class Opening(Event):
    """
    The first event of a history.

    Attributes:
        stands_for: How many events it stands for: 1, or more where `compacted()` has folded a history into it, so that
            versions go on counting.
        created_at: When the record came into being, where that was before this event; aware.
    """

    stands_for: int = 1
    created_at: datetime | None = None

    def _problems(self) -> "tuple[Problem | None, ...]":
        return (whole("stands_for", self.stands_for, 1), optional(aware, "created_at", self.created_at))
