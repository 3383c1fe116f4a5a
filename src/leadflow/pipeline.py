"""
Pipelines: the stages a deal goes through, and which moves between them are legal.

Theory. A `Pipeline` is data: a host defines its own at run time, compares and stores it. Rules hang on a stage's code and
category, never on its label, its place or its probability. Without explicit `moves` a deal goes from an open stage to any
later open one (to an earlier one too unless `allow_back` is False) and to any won or lost stage; between two won stages it
may move as well. Leaving a closed stage for an open one is not a move but a reopening, which the deal's history shows as such.
A pipeline is judged whole when it is built: every stage must be reachable from where deals start, and every open stage must
have a way to a closed one. The checked table behind `can_move` is made once, and neither pickled nor compared.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from attrs import Factory, field, frozen

from leadflow import markup
from leadflow.errors import Problem, UnknownStageError
from leadflow.validation import check, code, coded, instance, member, optional, probability, text, when, whole

__all__ = ["ForecastCategory", "Pipeline", "Requirement", "Stage", "StageCategory"]


class StageCategory(StrEnum):
    """What a stage means for the state of a deal that is in it."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class ForecastCategory(StrEnum):
    """How sure a deal is to close in its period, from left out to done; in ascending order."""

    OMITTED = "omitted"
    PIPELINE = "pipeline"
    BEST_CASE = "best_case"
    MOST_LIKELY = "most_likely"
    COMMIT = "commit"
    CLOSED = "closed"


class Requirement(StrEnum):
    """What a stage may ask of a deal before it enters; anything richer is a policy that the host runs first."""

    AMOUNT = "amount"
    EXPECTED_CLOSE = "expected_close"
    NEXT_STEP = "next_step"
    DECISION_MAKER = "decision_maker"
    PRIMARY_CONTACT = "primary_contact"


_CLOSED = (StageCategory.WON, StageCategory.LOST)
_PROBABILITIES: Mapping[object, float] = {StageCategory.WON: 1.0, StageCategory.LOST: 0.0}
_CATEGORIES: Mapping[object, ForecastCategory] = {
    StageCategory.WON: ForecastCategory.CLOSED,
    StageCategory.LOST: ForecastCategory.OMITTED,
}
_category = member(StageCategory)
_forecast = member(ForecastCategory)
_requirement = member(Requirement)


def _requirements(values: Iterable[Requirement | str]) -> frozenset[Requirement]:
    try:
        return values if isinstance(values, str) else frozenset(map(_requirement, values))  # type: ignore[return-value]  # the check reports it
    except TypeError:
        return values  # type: ignore[return-value]  # the check reports it


def _number(value: float) -> float:
    # 1 and 1.0 are the same chance; one kind keeps repr and stored forms the same as well.
    return float(value) if type(value) is int else value


def _positive(path: str, value: object) -> Problem | None:
    wrong = instance(path, value, timedelta, "a timedelta")
    return wrong or when(value <= timedelta(0), path, f"must be longer than nothing, got {value!r}")  # type: ignore[operator]  # it is a timedelta here


@frozen(kw_only=True)
class Stage:
    """
    One step of a `Pipeline`.

    >>> Stage(code="closed_won", category="won").probability
    1.0

    Attributes:
        code: What rules and storage use; never changes.
        label: What people read; may change freely. Default: made from the code.
        category: Whether a deal in this stage is open, won or lost.
        probability: Eventual chance of winning a deal that is here, in [0, 1]. Must be given for an open stage (1.0 is
            legal there: signed in all but name); 1.0 in a won stage and 0.0 in a lost one.
        forecast_category: Default: pipeline for an open stage, closed for a won, omitted for a lost one.
        requires: What a deal must have before it enters.
        rots_after: A deal that stays longer than this is stale; None: never.
        review_every: How often a deal that is here should be looked at; None: not at all.

    Raises:
        InvalidError: With every problem found.
    """

    code: str
    label: str = field()
    category: StageCategory = field(default=StageCategory.OPEN, converter=_category)
    probability: float = field(converter=_number)
    forecast_category: ForecastCategory = field(converter=_forecast)
    requires: frozenset[Requirement] = field(default=frozenset(), converter=_requirements)
    rots_after: timedelta | None = None
    review_every: timedelta | None = None

    @label.default
    def _label_from_code(self) -> str:
        return str(self.code).replace("_", " ").capitalize()

    @probability.default
    def _probability_of_category(self) -> Any:  # noqa: ANN401  # None, which the check refuses: an open stage has no usual chance
        return _PROBABILITIES.get(self.category)

    @forecast_category.default
    def _forecast_of_category(self) -> ForecastCategory:
        return _CATEGORIES.get(self.category, ForecastCategory.PIPELINE)

    def __attrs_post_init__(self) -> None:
        wanted = _PROBABILITIES.get(self.category)
        problems = [
            code("code", self.code),
            text("label", self.label),
            coded("category", self.category, tuple(StageCategory)),
            probability("probability", self.probability),
            coded("forecast_category", self.forecast_category, tuple(ForecastCategory)),
            *_requirement_problems(self.requires),
            optional(_positive, "rots_after", self.rots_after),
            optional(_positive, "review_every", self.review_every),
        ]
        if problems[3] is None:
            problems.append(
                when(
                    wanted is not None and self.probability != wanted,
                    "probability",
                    f"must be {wanted} in a {self.category} stage, got {self.probability!r}",
                )
            )
        check(f"Stage {self.code!r}", *problems)

    @property
    def is_open(self) -> bool:
        """Whether a deal in this stage is open."""
        return self.category is StageCategory.OPEN

    @property
    def is_won(self) -> bool:
        """Whether a deal in this stage is won."""
        return self.category is StageCategory.WON

    @property
    def is_lost(self) -> bool:
        """Whether a deal in this stage is lost."""
        return self.category is StageCategory.LOST


def _requirement_problems(values: object) -> list[Problem | None]:
    if not isinstance(values, frozenset):
        return [instance("requires", values, frozenset, "a set of requirements")]
    return [coded("requires", value, tuple(Requirement)) for value in sorted(values, key=str)]


def _tuple(values: Iterable[Stage]) -> tuple[Stage, ...]:
    return values if isinstance(values, str) or not isinstance(values, Iterable) else tuple(values)  # type: ignore[return-value]  # the check reports it


@frozen
class Pipeline:
    """
    A sequence of stages.
    """

    id: str
    stages: tuple[Stage, ...] = field(converter=_tuple)
    version: int = field(default=1, kw_only=True)

    @cached_property
    def _by_code(self) -> Mapping[str, Stage]:
        return MappingProxyType({stage.code: stage for stage in self.stages})

    def stage(self, code: str) -> Stage:
        """
        Return the stage with this code.

        Raises:
            UnknownStageError: If the pipeline has none; names the nearest.
        """
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownStageError(f"pipeline {self.id!r}", "stage", code, self._by_code) from None
