"""
Work rules: what a host expects of itself, as data.

Theory. A worklist compares what is with what should be. What should be is here: how fast somebody who waits is
answered, per level; when the office is open; after how long silence is neglect; what a record is worth whose value
nobody has written down. Nothing of it is stored on records, so a change of rules changes every list from then on.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from leadflow.assessment import Assessor
from leadflow.errors import Problem, did_you_mean
from leadflow.lead import Lead
from leadflow.money import Money
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.validation import check, code, instance, optional, probability, when
from leadflow.worklist.hours import BusinessHours
from leadflow.worklist.tracks import NurtureTrack

__all__ = ["STANDARD_RULES", "Levelling", "ServiceLevel", "WorkRules", "Workable", "kind_of"]

Workable: TypeAlias = Lead | Prospect | Opportunity
"""A record that somebody can work on."""

Levelling: TypeAlias = Callable[[Workable], str]
"""Says on which level a record is (``lead``, ``MQL``, ``enterprise``, ...); pure."""

TrackChoice: TypeAlias = NurtureTrack | Callable[[Lead | Prospect], NurtureTrack | None] | None

_KINDS: Final = (Lead.kind, Prospect.kind, Opportunity.kind)


def kind_of(record: Workable) -> str:
    """Return the level of a record where nothing finer is given: ``lead``, ``prospect`` or ``opportunity``."""
    return record.kind


@frozen(kw_only=True)
class ServiceLevel:
    """
    How long somebody may wait for an answer, in business hours.

    Attributes:
        first: For the first answer they ever get.
        ongoing: For every later one.
    """

    first: timedelta
    ongoing: timedelta

    def __attrs_post_init__(self) -> None:
        check("ServiceLevel", _positive("first", self.first), _positive("ongoing", self.ongoing))


def _mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    given: Any = value
    return MappingProxyType(dict(given)) if isinstance(given, Mapping) else given


@frozen(kw_only=True, eq=False)
class WorkRules:
    """
    What a host expects of itself.

    Attributes:
        service_levels: From level to `ServiceLevel`; who is on another level may wait for ever.
        level_of: Says on which level a record is. Default: its kind.
        hours: When somebody is there to answer; its time zone also says what "today" is.
        untouched_after: After how long without a touch a record counts as unattended; None: never.
        score_with: The policy that scores leads; None: leads are not scored.
        question_with: The policy that prospects are undecided by; None: no questions are asked.
        track: The `NurtureTrack` of everybody who is nurtured, or a function that says which (None: none).
        chance: From kind to the chance, in [0, 1], that a lead's or prospect's estimated value is ever won; the
            `leadflow.funnel` measures it. Without one the whole value counts.
        typical: From kind to what a record is worth whose value is not known.
        purpose: What we reach out for, as consents name it.

    Raises:
        InvalidError: Naming everything that is wrong.
    """

    service_levels: Mapping[str, ServiceLevel] = field(default=MappingProxyType({}), converter=_mapping)
    level_of: Levelling = kind_of
    hours: BusinessHours = BusinessHours.ALWAYS
    untouched_after: timedelta | None = timedelta(days=14)
    score_with: Assessor | None = None
    question_with: Assessor | None = None
    track: TrackChoice = None
    chance: Mapping[str, float] = field(default=MappingProxyType({}), converter=_mapping)
    typical: Mapping[str, Money] = field(default=MappingProxyType({}), converter=_mapping)
    purpose: str = "sales"

    def __attrs_post_init__(self) -> None:
        check(
            "WorkRules",
            *_each_value("service_levels", self.service_levels, instance, ServiceLevel, "a ServiceLevel"),
            when(not callable(self.level_of), "level_of", f"must be a function of a record, got {self.level_of!r}"),
            instance("hours", self.hours, BusinessHours, "BusinessHours"),
            optional(_positive, "untouched_after", self.untouched_after),
            _judging("score_with", self.score_with),
            _judging("question_with", self.question_with),
            when(
                not (self.track is None or isinstance(self.track, NurtureTrack) or callable(self.track)),
                "track",
                f"must be a NurtureTrack, or a function of a record that returns one or None, got {self.track!r}",
            ),
            *_each_kind("chance", self.chance, probability),
            *_each_kind("typical", self.typical, instance, Money, "Money"),
            code("purpose", self.purpose),
        )

    def track_of(self, record: Lead | Prospect) -> NurtureTrack | None:
        """Return the track that a record is on while it is nurtured."""
        if self.track is None or isinstance(self.track, NurtureTrack):
            return self.track
        chosen = self.track(record)
        check("WorkRules.track", optional(instance, f"track({record})", chosen, NurtureTrack, "a NurtureTrack or None"))
        return chosen


def _positive(path: str, value: object) -> Problem | None:
    wrong = instance(path, value, timedelta, "a timedelta")
    return wrong or when(value <= timedelta(0), path, f"must be longer than nothing, got {value!r}")  # type: ignore[operator]  # it is a timedelta here


def _judging(path: str, value: object) -> Problem | None:
    rule = f"must be a policy (something with assess(subject, *, at)), got {value!r}"
    return when(value is not None and not callable(getattr(value, "assess", None)), path, rule)


def _each_value(path: str, values: object, rule: Callable[..., Problem | None], *more: object) -> list[Problem | None]:
    if not isinstance(values, Mapping):
        return [instance(path, values, Mapping, "a mapping")]
    return [rule(f"{path}[{name!r}]", value, *more) for name, value in values.items()]


def _each_kind(path: str, values: object, rule: Callable[..., Problem | None], *more: object) -> list[Problem | None]:
    strange = [
        Problem(path, f"has an unknown kind, {name!r}{did_you_mean(str(name), _KINDS)}")
        for name in (values if isinstance(values, Mapping) else ())
        if name not in _KINDS
    ]
    return [*strange, *_each_value(path, values, rule, *more)]


STANDARD_RULES: Final = WorkRules()
"""No service levels, no policies, no track: what a record says of itself."""
