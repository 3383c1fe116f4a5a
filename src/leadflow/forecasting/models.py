"""
Win models: how likely a deal is to be won within a time.

Theory. A stage's percentage says how often a deal is won *in the end*; a forecast for a period needs the chance of
winning it *by then*. So every model answers one question, `win(deal, as_of=, horizon=)`: the chance that the deal, as
known at `as_of`, is won within `horizon` from there. `StageTable` has no notion of time of its own: it takes the stated
close date at its word, counts the deals that are expected to close within the horizon with their percentage, and says
of each other deal why it does not count. A host's own model plugs in by the same method. Each `Estimate` says how many
deals it rests on.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from attrs import field, frozen

from leadflow.errors import Problem, UnknownStageError
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.layout import percent
from leadflow.forecasting.omissions import REASONS, OmissionReason
from leadflow.forecasting.plain import plain
from leadflow.pipeline import Pipeline
from leadflow.validation import aware, check, coded, instance, member, optional, probability, prose, unique, whole

__all__ = ["Estimate", "StageTable", "WinModel"]

_INSTANT = timedelta(microseconds=1)


_to_reason = member(OmissionReason, none=True)


def _reason(value: OmissionReason | str | None) -> OmissionReason | None:
    return _to_reason(value)


def _number(value: float) -> float:
    return plain(value)  # type: ignore[no-any-return]  # what is no number is refused by the check


def _number_or_none(value: float | None) -> float | None:
    return plain(value)  # type: ignore[no-any-return]  # the same


def _whole(value: int) -> int:
    return plain(value)  # type: ignore[no-any-return]  # the same


@frozen
class Estimate:
    """
    The chance of winning a deal, and what it rests on.

    >>> Estimate(0.3, 41, 0.22, "41 deals 7 to 10 days in 'proposal'")
    Estimate(p=0.3, n=41, prior=0.22, why="41 deals 7 to 10 days in 'proposal'", left_out=None)

    Attributes:
        p: In [0, 1].
        n: How many distinct deals were counted for it; 0: it is an assumption.
        prior: What it was drawn towards, and would be if nothing had been counted; None when there is no such thing.
        why: In words.
        left_out: Why the model does not count this deal (then p is 0): an `OmissionReason` or its value. A forecast
            lists the deal instead of counting it.

    Raises:
        InvalidError: If a figure is out of range.
    """

    p: float = field(converter=_number)
    n: int = field(default=0, converter=_whole)
    prior: float | None = field(default=None, converter=_number_or_none)
    why: str = ""
    left_out: OmissionReason | None = field(default=None, kw_only=True, converter=_reason)

    def __attrs_post_init__(self) -> None:
        check(
            "Estimate",
            probability("p", self.p),
            whole("n", self.n),
            optional(probability, "prior", self.prior),
            prose("why", self.why),
            optional(coded, "left_out", self.left_out, REASONS),
            Problem("p", f"must be 0 when the deal is left out, got {self.p!r}") if self.left_out and self.p else None,
        )


class WinModel(Protocol):
    """
    Anything that says how likely a deal is to be won within a time.

    `forecast` calls it once for each open deal (twice when the period has not begun), in no particular order. It must
    give the same answer to the same question, do no I/O, and use nothing that was recorded after `as_of`.
    """

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """
        Estimate the chance that an open deal is won within a time from `as_of`.

        Args:
            deal: An open deal as known at `as_of`.
            as_of: Aware. Its time zone is where the books are kept: there is the midnight at which a day ends.
            horizon: Time elapsed from `as_of`, longer than nothing.

        Returns:
            The chance; it does not fall as the horizon grows. With `left_out` set when the model cannot say.
        """
        ...


def _pipelines(given: Pipeline | Iterable[Pipeline]) -> tuple[Pipeline, ...]:
    if isinstance(given, Pipeline):
        return (given,)
    several: Any = given
    return tuple(several) if isinstance(several, Iterable) else several


@frozen
class StageTable:
    """
    Fixed percentages per stage, as CRMs have them.

    A deal counts with the probability that a person set for it, else with its stage's percentage in the pipeline, if
    it is expected to close from the as-of day up to the end of the horizon; else the estimate says why it is left out.

    >>> from leadflow import pipelines
    >>> deal = Deal("O-1", state="open", stage="proposal", expected_close=date(2026, 3, 20))
    >>> model = StageTable(pipelines.SIMPLE)
    >>> model.win(deal, as_of=datetime(2026, 3, 2, tzinfo=UTC), horizon=timedelta(days=30)).p
    0.4
    >>> model.win(deal, as_of=datetime(2026, 3, 2, tzinfo=UTC), horizon=timedelta(days=10)).left_out.value
    'outside_period'

    Attributes:
        pipelines: One pipeline or several; each deal is looked up in the one its `pipeline_id` names. A deal that names
            none is looked up in the first.

    Raises:
        InvalidError: If there is no pipeline, or one comes twice.
    """

    pipelines: tuple[Pipeline, ...] = field(converter=_pipelines)

    def __attrs_post_init__(self) -> None:
        given: Any = self.pipelines
        if not isinstance(given, tuple) or not given or not all(isinstance(each, Pipeline) for each in given):
            check("StageTable", Problem("pipelines", f"must be a Pipeline or several, got {given!r}", is_type=True))
        check("StageTable", unique("pipelines", [pipeline.id for pipeline in self.pipelines]))

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """Estimate as `WinModel.win` does; see the class."""
        check("StageTable.win", instance("deal", deal, Deal, "a Deal"), *window_problems(as_of, horizon))
        today, last_day = as_of.date(), last_day_of(as_of, horizon)
        close = deal.expected_close
        if close is None:
            return _left_out(OmissionReason.UNDATED, "has no expected close date")
        if close < today:
            return _left_out(OmissionReason.PAST_DUE, f"was expected to close on {close} and is still open")
        if close > last_day:
            return _left_out(OmissionReason.OUTSIDE_PERIOD, f"is expected to close on {close}, after {last_day}")
        return self._percentage(deal)

    def _percentage(self, deal: Deal) -> Estimate:
        if deal.probability is not None and (deal.probability_is_manual or deal.stage is None):
            return _assumed(deal.probability, "set for this deal")
        if deal.stage is None:
            return _left_out(OmissionReason.NO_PROBABILITY, "has neither a stage nor a probability")
        pipeline = self._pipeline(deal)
        if pipeline is None:
            known = ", ".join(repr(pipeline.id) for pipeline in self.pipelines)
            detail = f"is in pipeline {deal.pipeline_id!r}, which this model does not know (known: {known})"
            return _left_out(OmissionReason.NO_PROBABILITY, detail)
        try:
            stage = pipeline.stage(deal.stage)
        except UnknownStageError as error:
            return _left_out(OmissionReason.NO_PROBABILITY, str(error))
        if not stage.is_open:
            detail = f"is open, but in stage {stage.code!r}, which is {stage.category} in {pipeline.id!r}"
            return _left_out(OmissionReason.NO_PROBABILITY, detail)
        return _assumed(stage.probability, f"{percent(stage.probability)} for stage {stage.code!r} of {pipeline.id!r}")

    def _pipeline(self, deal: Deal) -> Pipeline | None:
        if deal.pipeline_id is None:
            return self.pipelines[0]
        return next((pipeline for pipeline in self.pipelines if pipeline.id == deal.pipeline_id), None)


def _assumed(p: float, why: str) -> Estimate:
    return Estimate(p, 0, p, why)


def _left_out(reason: OmissionReason, why: str) -> Estimate:
    return Estimate(0.0, why=why, left_out=reason)


def window_problems(as_of: object, horizon: object, name: str = "horizon") -> tuple[Problem | None, ...]:
    """Say what is wrong with the two arguments of every win model; by what the second is called."""
    too_short = isinstance(horizon, timedelta) and horizon <= timedelta(0)
    return (
        aware("as_of", as_of),
        instance(name, horizon, timedelta, "a timedelta"),
        Problem(name, f"must be longer than nothing, got {horizon!r}") if too_short else None,
    )


def last_day_of(as_of: datetime, horizon: timedelta) -> date:
    """
    Return the last day that has begun before the horizon ends, in the time zone of `as_of`.

    >>> last_day_of(datetime(2026, 3, 2, tzinfo=UTC), timedelta(days=1))
    datetime.date(2026, 3, 2)
    """
    try:
        # Through UTC: Python adds a timedelta to the wall clock, which a change of clocks would put an hour off.
        return (as_of.astimezone(UTC) + horizon - _INSTANT).astimezone(as_of.tzinfo).date()
    except OverflowError:
        return date.max
