"""
Stages: the steps of a pipeline, with what each means for a deal that is in it.

Theory. A deal's state comes from its stage's category, never from a probability: 100 % in an open stage is legal
(signed in all but name), and a won stage is 1.0, a lost one 0.0, whatever the deal looked like before. The forecast
category follows the same line: closed says won and nothing else does, so that a rollup cannot count an open deal as
closed, and a lost one is omitted. Codes are for rules and storage, labels for people.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.validation import check, code, coded, instance, member, optional, probability, text, when

__all__ = ["ForecastCategory", "Requirement", "Stage", "StageCategory"]


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


_PROBABILITIES: Mapping[str, float] = {StageCategory.WON: 1.0, StageCategory.LOST: 0.0}
_CATEGORIES: Mapping[str, ForecastCategory] = {
    StageCategory.WON: ForecastCategory.CLOSED,
    StageCategory.LOST: ForecastCategory.OMITTED,
}
_to_category = member(StageCategory)
_to_forecast = member(ForecastCategory)
_to_requirement = member(Requirement)


def _category(value: StageCategory | str) -> StageCategory:
    return _to_category(value)


def _forecast(value: ForecastCategory | str) -> ForecastCategory:
    return _to_forecast(value)


def _requirements(values: Iterable[Requirement | str]) -> frozenset[Requirement]:
    try:
        return values if isinstance(values, str) else frozenset(map(_to_requirement, values))  # type: ignore[return-value]  # the check reports it
    except TypeError:
        return values  # type: ignore[return-value]  # the check reports it


def _number(value: float) -> float:
    # 1 and 1.0 are the same chance; one kind keeps repr and stored forms the same as well.
    return float(value) if type(value) is int else value


def label_from(code: str) -> str:
    """
    Return what to show for a code that came without a label.

    >>> label_from("needs_analysis"), label_from("POC"), label_from("_")
    ('Needs analysis', 'POC', '_')
    """
    words = str(code).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else str(code)


def _values(choices: type[StrEnum]) -> tuple[str, ...]:
    return tuple(choice.value for choice in choices)


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
        return label_from(self.code)

    @probability.default
    def _probability_of_category(self) -> Any:  # noqa: ANN401  # None, which the check refuses: an open stage has no usual chance
        return _PROBABILITIES.get(str(self.category))

    @forecast_category.default
    def _forecast_of_category(self) -> ForecastCategory:
        return _CATEGORIES.get(str(self.category), ForecastCategory.PIPELINE)

    def __attrs_post_init__(self) -> None:
        problems = [
            code("code", self.code),
            text("label", self.label),
            coded("category", self.category, _values(StageCategory)),
            probability("probability", self.probability),
            coded("forecast_category", self.forecast_category, _values(ForecastCategory)),
            *_requirement_problems(self.requires),
            optional(_positive, "rots_after", self.rots_after),
            optional(_positive, "review_every", self.review_every),
        ]
        if not any(problems[2:5]):
            problems.extend(self._category_problems())
        check(f"Stage {self.code!r}", *problems)

    def _category_problems(self) -> Iterable[Problem | None]:
        here = f"in {self.category} stage {self.code!r}"
        closed = ForecastCategory.CLOSED
        if self.is_open:
            yield when(self.forecast_category is closed, "forecast_category", f"must not be closed {here}")
            return
        chance, category = _PROBABILITIES[self.category], _CATEGORIES[self.category]
        wrong = self.probability != chance
        yield when(wrong, "probability", f"must be {chance} {here}, got {self.probability!r}")
        wrong = self.forecast_category is not category
        yield when(wrong, "forecast_category", f"must be {category} {here}, got {self.forecast_category.value!r}")
        for name, period in (("rots_after", self.rots_after), ("review_every", self.review_every)):
            yield when(period is not None, name, f"must be left out {here}: only open deals rot or come up for review")

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
    return [coded("requires", value, _values(Requirement)) for value in sorted(values, key=str)]
