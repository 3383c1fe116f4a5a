"""
Facts: what happened to a deal, and when we learnt it.

Theory. A fact has two times: `at`, when it happened, and `recorded_at`, when it came to be known. Whoever asks as of a
time gets the facts recorded by then, in the order in which they happened; one that was recorded late takes its place
among the others, and of two facts of one kind about the same moment the one recorded last counts. Seven kinds change
where a deal stands (opened, found, stage, won, lost, reopened, withdrawn); every other kind is an attribute of `Deal`
that got a new value. Times are kept in UTC, so that they compare as the moments they are.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from attrs import Factory, field, frozen

from leadflow.dealparts import CountsAs
from leadflow.errors import InvalidError, Problem
from leadflow.fields import Fields
from leadflow.forecasting.deals import ATTRIBUTES, TEXTS, Deal
from leadflow.money import Money
from leadflow.validation import aware, check, coded, day, instance, optional, probability, text, when, whole

__all__ = ["FACT_KINDS", "DealFact"]

_STATES = ("opened", "found", "stage", "won", "lost", "reopened", "withdrawn")
# Attributes that follow from the facts and are never given themselves.
_WORKED_OUT = frozenset(
    {"id", "state", "stage", "pushes", "created_at", "stage_entered_at", "closed_at", "recorded_at", "counts_as"}
)
_GIVEN = tuple(name for name in ATTRIBUTES if name not in _WORKED_OUT)
FACT_KINDS: Final[tuple[str, ...]] = (*_STATES, *_GIVEN)

_COUNTS_AS = tuple(CountsAs)

# How the value of each kind is checked; kinds that are not here are tried on a deal.
_CHECKS: Mapping[str, Callable[[object], Problem | None]] = MappingProxyType(
    {
        **dict.fromkeys(TEXTS, lambda value: optional(text, "value", value)),
        "opened": lambda value: optional(text, "value", value),
        "found": lambda value: text("value", value),
        "stage": lambda value: text("value", value),
        "won": lambda value: when(value is not None, "value", f"must be None for 'won', got {value!r}"),
        "lost": lambda value: optional(coded, "value", value, _COUNTS_AS),
        "reopened": lambda value: optional(text, "value", value),
        "withdrawn": lambda value: when(value is not None, "value", f"must be None for 'withdrawn', got {value!r}"),
        "amount": lambda value: optional(instance, "value", value, Money, "Money"),
        "expected_close": lambda value: optional(day, "value", value),
        "probability": lambda value: optional(probability, "value", value),
        "probability_is_manual": lambda value: instance("value", value, bool, "True or False"),
    }
)


def _in_utc(value: datetime) -> datetime:
    """Return the same moment in UTC; what is no aware datetime is left to the check."""
    if getattr(value, "tzinfo", None) is UTC:
        return value
    try:
        return value.astimezone(UTC) if value.utcoffset() is not None else value
    except (AttributeError, TypeError, ValueError, OverflowError):
        return value


def _in_utc_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else _in_utc(value)


@frozen
class DealFact:
    """
    One thing that happened to a deal.

    >>> from datetime import timedelta
    >>> monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> DealFact("stage", "proposal", at=monday, recorded_at=monday + timedelta(days=2)).recorded_at.day
    4

    Attributes:
        kind: One of `FACT_KINDS`: ``opened``, ``found`` (it was under way already when somebody began to record),
            ``stage``, ``won``, ``lost``, ``reopened``, ``withdrawn``, or an attribute of `Deal` that got a new value:
            ``amount``, ``expected_close``, ``owner``, ``type`` and so on.
        value: Of ``opened``, ``found``, ``stage`` and ``reopened`` the code of the stage (``opened``: None where it is
            not known; ``reopened``: None for the stage it was in last); of ``lost`` a `CountsAs` or its value, or None;
            of ``won`` and ``withdrawn`` None; of an attribute its new value, None: not known any more.
        at: When it happened; aware. Kept in UTC.
        recorded_at: When it was learnt; aware, not before `at`. Default: `at`.
        retracted_at: When it turned out that it never was, or was taken back: from then on it no longer counts; aware,
            after `recorded_at`. None: it stands.
        order: Which comes first of facts with the same two times, where their kinds do not say: a sequence number.

    Raises:
        InvalidError: With every problem found.
    """

    kind: str
    value: Any = None
    at: datetime = field(kw_only=True, converter=_in_utc)
    recorded_at: datetime = field(
        kw_only=True, default=Factory(lambda self: self.at, takes_self=True), converter=_in_utc
    )
    retracted_at: datetime | None = field(kw_only=True, default=None, converter=_in_utc_or_none)
    order: int = field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        times = [aware("at", self.at), None if self.recorded_at is self.at else aware("recorded_at", self.recorded_at)]
        if not any(times) and self.recorded_at < self.at:
            rule = f"must not be before at ({self.at.isoformat()}), got {self.recorded_at.isoformat()}"
            times.append(Problem("recorded_at", rule))
        strange = coded("kind", self.kind, FACT_KINDS)
        if self.retracted_at is not None:
            times.append(aware("retracted_at", self.retracted_at))
            if not any(times) and self.retracted_at <= self.recorded_at:
                rule = (
                    f"must be after recorded_at ({self.recorded_at.isoformat()}), got {self.retracted_at.isoformat()}"
                )
                times.append(Problem("retracted_at", rule))
        values = self._value_problems() if strange is None else ()
        check("DealFact", strange, *values, *times, whole("order", self.order))

    def _value_problems(self) -> tuple[Problem | None, ...]:
        known = _CHECKS.get(self.kind)
        if known is not None:
            return (known(self.value),)
        try:
            tried = Deal("-", state="open", **{self.kind: self.value})
        except InvalidError as error:
            return tuple(Problem("value", one.message, one.is_type) for one in error.problems)
        if self.value is not None:
            # As the deal would hold it: a list of tags as a frozenset, a mapping as `Fields`.
            object.__setattr__(self, "value", getattr(tried, self.kind))
        return ()

    def is_known(self, t: datetime) -> bool:
        """Whether it had been recorded by a time, and not yet been retracted."""
        return self.recorded_at <= t and (self.retracted_at is None or self.retracted_at > t)

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        value = dict(self.value) if isinstance(self.value, Fields) else self.value
        return {
            "at": self.at.isoformat(),
            "recorded_at": self.recorded_at.isoformat(),
            "kind": self.kind,
            "value": value,
        }
