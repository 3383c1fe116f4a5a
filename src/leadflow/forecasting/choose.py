"""
Choosing a win model: by what each would have said in the past, against the base rate, and against the simpler one.

Theory. Each model is fitted at past origins, to what was known then, and asked about every deal that was open; what
came of it within the horizon is known now. A better score by chance is no better model (see `gains`): the error of a
difference counts deals and windows rather than answers, and the more models are tried, the more must be gained. Two are
always tried, simpler than all: the base rate, the same chance for every deal, and the base rate by age, the chance of
all deals that have been in their stage for as long. The second is there because an axis that says nothing by itself
often knows ages: who never clears out has old deals, and old deals do not close. Models are given from the simplest to
the most elaborate. Of those that beat the base rate the one with the best score is a candidate; chosen is the simplest
of them whose score is worse by no more than noise.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count, islice
from math import fsum, log
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from leadflow.errors import Problem
from leadflow.forecasting.asking import model_problem
from leadflow.forecasting.choices import BASE_RATE, BY_AGE, Choice, Judged
from leadflow.forecasting.gains import bar, gained
from leadflow.forecasting.histories import History, histories_of
from leadflow.forecasting.landmark import LandmarkTable, fit_landmark
from leadflow.forecasting.landmarkaxes import Day
from leadflow.forecasting.landmarks import looks
from leadflow.forecasting.leaks import leaks
from leadflow.forecasting.models import Estimate, WinModel
from leadflow.forecasting.past import Past, Window, horizon_problem, known_by, origin_problems, window_at
from leadflow.forecasting.scores import auc
from leadflow.validation import aware, check, coded, finite, instance, invalid, shown, to_instant, to_tuple, when

__all__ = ["MakeModel", "choose"]

# Fitted with what was known at an origin; called with a `Past` and the origin.
MakeModel: TypeAlias = Callable[[Past, datetime], WinModel]

_OURS = (BASE_RATE, BY_AGE)
_SCORES = ("log_loss", "brier")
# Two standard errors: at one, a model without any skill would be taken in one case of six.
_NOISE = 2.0
# Windows side by side, the latest first; each model is fitted once per origin.
_ORIGINS = 8
# The earliest has so many windows of history before it: one to learn from, one for recording to settle.
_HISTORY = 2
# Chances have no currency; this is its code in ISO 4217.
_NO_CURRENCY = "XXX"
# A chance of 0 or 1 that was wrong costs as much as one in 10**15, as in `log_loss`.
_LEAST = 1e-15
# Days in a stage, doubling: no scale of time is assumed.
_AGES = (0.0, *(float(2**power) for power in range(12)))


def choose(
    models: Mapping[str, WinModel | MakeModel],
    history: History,
    *,
    as_of: datetime,
    horizon: timedelta,
    origins: Iterable[datetime] | None = None,
    score: str = "log_loss",
    noise: float = _NOISE,
) -> Choice:
    """
    Choose the win model that is worth its trouble, by past deals.

    Args:
        models: By name, the simplest first: a function that fits one, called with a `Past` and its origin, or a model
            that needs no fitting, such as a `StageTable`. One that was fitted to today's knowledge cannot be judged by
            the past, and refuses to answer.
        history: An iterable of `DealHistory` or `Opportunity`.
        as_of: By whose knowledge; aware.
        horizon: The time within which deals are to be won; whole days.
        origins: When to ask; aware, each window closed by `as_of`. Default: the last eight windows side by side, as far
            as each has two windows of history before it.
        score: ``log_loss`` or ``brier``: which decides.
        noise: A gain of no more than so many standard errors is noise; at least 0. Counted for one model: of several,
            more is asked. With 0 the best score wins.

    Raises:
        InvalidError: With everything that is wrong; if no origin is left, or no deal was open at any; or if a model
            returns something other than an `Estimate`.
    """
    asked: Any = models
    moments: Any = None if origins is None else to_tuple(origins)
    found = histories_of(
        "choose",
        history,
        *_model_problems(asked),
        aware("as_of", as_of),
        instance("horizon", horizon, timedelta, "a timedelta") or horizon_problem(horizon),
        *([] if moments is None else origin_problems(moments)),
        coded("score", score, _SCORES),
        finite("noise", noise) or (Problem("noise", f"must be at least 0, got {noise!r}") if noise < 0 else None),
    )
    now = to_instant(as_of)
    known = known_by(found, now)
    if not known:
        rule = f"must hold a deal that was recorded by {as_of.isoformat()}, got none"
        raise invalid("choose", Problem("history", rule))
    present = window_at(as_of, horizon)
    root = Past(as_of=now, window=present, currency=_NO_CURRENCY, rates=None, histories=known)
    windows = _windows(present, root, moments)
    makers = {BASE_RATE: _base_rate, BY_AGE: _by_age, **asked}
    answers = _answers(root, windows, makers)
    if not answers.won:
        rule = f"must hold a deal that was open at an origin from {windows[0].start.isoformat()} on, got none"
        raise invalid("choose", Problem("history", rule))
    limit = bar(noise, len(makers) - 1)
    judged = _judged(answers, score, limit)
    name, warnings = _decided(judged, limit, score)
    return Choice(
        name=name,
        model=_fitted(makers[name], root),
        judged=judged,
        score=score,
        noise=noise,
        origins=tuple(window.start for window in windows),
        warnings=(*warnings, *leaks(root, answers.axes)),
    )


@frozen
class _Answers:
    """What models said about the same deals at the same origins, and what came of them."""

    deals: list[str] = field(factory=list)
    # Windows that overlap share their luck: for each answer the first of its run.
    windows: list[datetime] = field(factory=list)
    won: list[bool] = field(factory=list)
    said: dict[str, list[float]] = field(factory=dict)
    left_out: Counter[str] = field(factory=Counter)
    # By what models tell deals apart, where they say so.
    axes: dict[str, tuple[str, ...]] = field(factory=dict)


def _answers(root: Past, windows: Sequence[Window], makers: Mapping[str, Any]) -> _Answers:
    found = _Answers(said={name: [] for name in makers})
    days = [Day(window.start, window.start.date(), window.end.date()) for window in windows]
    open_at: dict[datetime, list[tuple[str, bool]]] = {day.at: [] for day in days}
    for one in root:
        for look in looks(one, days, root.as_of, root.horizon):
            open_at[look.day.at].append((one.id, look.won))
    run = windows[0]
    for window in windows:
        run = window if window.start >= run.end else run
        past = root.at(window)
        known = {deal.id: deal for deal in past.deals}
        models = {name: _fitted(maker, past) for name, maker in makers.items()}
        found.axes.update({name: model.by for name, model in models.items() if isinstance(model, LandmarkTable)})
        for key, won in open_at[window.start]:
            found.deals.append(key)
            found.windows.append(run.start)
            found.won.append(won)
            for name, model in models.items():
                answer: Any = model.win(known[key], as_of=window.start, horizon=past.horizon)
                if not isinstance(answer, Estimate):
                    path = f"models[{name!r}].win({key!r})"
                    raise invalid("choose", instance(path, answer, Estimate, "an Estimate, e.g. Estimate(0.3)"))
                found.said[name].append(answer.p)
                found.left_out[name] += answer.left_out is not None
    return found


def _fitted(maker: Any, past: Past) -> WinModel:  # noqa: ANN401 - a model, or what makes one
    model: Any = maker if model_problem(maker) is None else past.forecast(maker)
    wrong = model_problem(model)
    if wrong is not None:
        raise invalid("choose", evolve(wrong, path=f"models, fitted at {past.as_of.isoformat()}"))
    return model  # type: ignore[no-any-return]  # it has the method


def _judged(answers: _Answers, score: str, limit: float) -> tuple[Judged, ...]:
    scores = {
        name: {
            "log_loss": [_log_loss(p, won=won) for p, won in zip(said, answers.won, strict=True)],
            "brier": [(p - won) ** 2 for p, won in zip(said, answers.won, strict=True)],
        }
        for name, said in answers.said.items()
    }
    means = {name: {kind: fsum(each) / len(each) for kind, each in own.items()} for name, own in scores.items()}
    groupings = (answers.deals, answers.windows)
    gains = {name: gained(scores[BASE_RATE][score], own[score], groupings) for name, own in scores.items()}
    fit = [name for name, (gain, error) in gains.items() if gain > limit * error]
    best = min(fit, key=lambda name: means[name][score], default=BASE_RATE)
    both = len(set(answers.won)) > 1
    found = []
    for name, own in scores.items():
        gain, gain_error = gains[name]
        behind, behind_error = gained(own[score], scores[best][score], groupings)
        found.append(
            Judged(
                name=name,
                looks=len(answers.won),
                deals=len(set(answers.deals)),
                log_loss=means[name]["log_loss"],
                brier=means[name]["brier"],
                auc=auc(answers.said[name], answers.won) if both else None,
                gain=gain,
                gain_error=gain_error,
                behind=behind,
                behind_error=behind_error,
                left_out=answers.left_out[name],
            )
        )
    return tuple(found)


def _decided(judged: tuple[Judged, ...], limit: float, score: str) -> tuple[str, tuple[str, ...]]:
    """Return the simplest model that is not worse than the best by more than noise, and what is to be said."""
    words = score.replace("_", " ")
    base, by_age, *_ = judged
    fit = [one for one in judged if one.gain > limit * one.gain_error]
    best = min(fit, key=lambda one: one.behind, default=base)
    chosen = next((one for one in fit if one.behind <= limit * one.behind_error), base)
    found = []
    for one in judged[1:]:
        figures = f"{words} {getattr(one, score):.4f} against {getattr(base, score):.4f}"
        if one not in fit and one is not by_age:
            found.append(_no_skill(one, figures, limit))
        elif one.behind > by_age.behind and by_age in fit:
            found.append(f"{one.name!r} gains no more than the age of deals does: {BY_AGE!r} gains {by_age.gain:.4f}")
        if one.left_out:
            found.append(
                f"{one.name!r} left out {one.left_out:,} of {one.looks:,} deals, which counts as a chance of 0"
            )
    if best.name != chosen.name:
        found.append(f"{best.name!r} has the best {words}, but is not better than {chosen.name!r} by more than noise")
    return chosen.name, tuple(found)


def _no_skill(one: Judged, figures: str, limit: float) -> str:
    if one.gain <= 0:
        return f"{one.name!r} loses to the base rate: {figures}; do not use it"
    error = f"{limit:.2g} standard errors of {one.gain_error:.4f}"
    return f"{one.name!r} does not beat the base rate by more than noise: {figures}, within {error}"


def _log_loss(p: float, *, won: bool) -> float:
    return -log(min(max(p if won else 1.0 - p, _LEAST), 1.0 - _LEAST))


def _windows(present: Window, root: Past, moments: tuple[datetime, ...] | None) -> list[Window]:
    """Return the windows at which models are asked, the earliest first."""
    length = present.end - present.start
    first: Any = root.first_recorded_at
    if moments is None:
        starts = (present.start - back * length for back in count(1))
        found = []
        for start in islice(starts, _ORIGINS):
            if start - _HISTORY * length < first:
                break
            found.append(window_at(start, length))
        if not found:
            rule = f"must reach back {_HISTORY + 1} windows of {length} from {present.start.isoformat()}"
            raise invalid("choose", Problem("history", f"{rule}, got one that begins at {first.isoformat()}"))
        return found[::-1]
    found = [window_at(moment, length) for moment in sorted(moments)]
    late = ", ".join(window.start.isoformat() for window in found if window.end > present.start)
    early = ", ".join(window.start.isoformat() for window in found if window.start - length < first)
    check(
        "choose",
        when(late, "origins", f"window has not closed by {present.start.isoformat()}: {late}"),
        when(early, "origins", f"have less than one window of history before them: {early}"),
    )
    return found


def _model_problems(models: object) -> list[Problem | None]:
    if not isinstance(models, Mapping):
        return [Problem("models", f"must be models by name, the simplest first, got {shown(models)}", is_type=True)]
    if not models:
        return [Problem("models", "must hold at least one")]
    found: list[Problem | None] = []
    for name, model in models.items():
        if not isinstance(name, str) or name in _OURS:
            found.append(Problem("models", f"must have names other than {' and '.join(_OURS)}, got {shown(name)}"))
        elif not callable(model) and model_problem(model) is not None:
            rule = f"must be a win model, or a function that fits one to a Past, got {shown(model)}"
            found.append(Problem(f"models[{name!r}]", rule, is_type=True))
    return found


def _base_rate(past: Past, as_of: datetime) -> WinModel:
    return fit_landmark(past, as_of=as_of, horizon=past.horizon, by=())


def _by_age(past: Past, as_of: datetime) -> WinModel:
    return fit_landmark(past, as_of=as_of, horizon=past.horizon, by=("time_in_stage",), edges=_AGES)
