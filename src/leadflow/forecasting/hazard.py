"""
The hazard table: the chance of winning within any time, from how long deals take to be won or lost.

Theory. Deals are watched from when they came to be recorded until they close or the as-of time comes; at each age the
hazards of winning and of losing are counted among those at risk (`hazardcurves`). The chance of winning in (a, a + m]
of a deal of age a is [CIF_w(a + m) - CIF_w(a)]/S(a): winning and losing compete, and a deal that has lasted long has
its own chances. By stage the clock is the time in stage, and a deal may move on before it is won (`hazardchain`). A
stage's chance is drawn towards the overall one at the deal's age, with the weight of k deals against those that were
watched at that time in stage; the overall one towards that of a constant hazard. It answers for every horizon.

Not to be trusted: where hazards have changed lately (it weighs old deals as much as new ones), beyond the ages that
were seen (n says how many were), and for a stage whose deals close together, at quarter's end, whatever their age.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import expm1
from typing import Final

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.hazardbounds import highest_rate
from leadflow.forecasting.hazardchain import WON, Chain
from leadflow.forecasting.hazardcurves import Curves
from leadflow.forecasting.hazardspells import Watched, curves_of, watched
from leadflow.forecasting.histories import History, histories_of
from leadflow.forecasting.landmark import open_problem, refuse_look_ahead
from leadflow.forecasting.layout import percent, text_table
from leadflow.forecasting.models import Estimate, window_problems
from leadflow.forecasting.shrinkage import FEW_DEALS, shrunk
from leadflow.markup import paragraph, section, table
from leadflow.validation import aware, check, instance, invalid, optional, probability, to_instant

__all__ = ["HazardTable", "fit_hazard"]

LOST: Final = "lost"
PRIOR_DEALS: Final = 20.0
_DAY = timedelta(days=1)
_QUARTER = timedelta(days=90)
_HALF = 0.5


@frozen(kw_only=True)
class HazardTable:
    """
    A win model: the hazards of winning and losing by age, and by stage and time in stage.

    Attributes:
        as_of: Whose knowledge it is; a question as of an earlier time is refused.
        k: How many deals the overall chance is worth to a stage.
        overall: The curves of all deals by age; outcomes are won and lost.
        stages: The curves per stage by time in stage; outcomes are won, lost, or a tuple of the next stage. Empty where
            it was fitted overall.
        warnings: What a reader should know before trusting it.
    """

    as_of: datetime
    k: float
    overall: Curves = field(repr=False)
    stages: Mapping[str, Curves] = field(repr=False)
    warnings: tuple[str, ...]

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """
        Estimate as `WinModel.win` does, for any horizon.

        Raises:
            InvalidError: If the deal is not open.
            LookAheadError: If it is asked as of a time before the one it was fitted at, or before the deal was created
                or entered its stage.
        """
        check("HazardTable.win", open_problem(deal), *window_problems(as_of, horizon))
        refuse_look_ahead("the hazard table", self.as_of, deal, as_of)
        days, within = horizon / _DAY, f"within {horizon / _DAY:g} days"
        age = _age(deal.created_at, as_of)
        prior, n, why = self._overall(age, days, within)
        if not self.stages:
            return Estimate(prior, n, self._constant(days), why)
        time = _age(deal.stage_entered_at, as_of)
        curves = self.stages.get(deal.stage or "")
        if curves is None or time is None:
            lacking = f"stage {deal.stage!r} was not seen" if curves is None else "its time in stage is unknown"
            return Estimate(prior, n, prior, f"{lacking}; {why}")
        there = curves.present(time)
        chain = self._chains.setdefault(days, Chain(self.stages, days))
        p = shrunk(chain.chance(str(deal.stage), time), there, prior, self.k)
        seen = f"{_deals(there)} watched after {time:.4g} days in stage {deal.stage!r}"
        return Estimate(p, there or n, prior, f"{seen}, drawn towards {percent(prior)}; {why}")

    def _overall(self, age: float | None, days: float, within: str) -> tuple[float, int, str]:
        constant = self._constant(days)
        if age is None:
            return constant, self.overall.n, f"its age is unknown; {percent(constant)} of all are won {within}"
        there = self.overall.present(age)
        p = shrunk(self.overall.chance(WON, age, age + days), there, constant, self.k)
        return (
            p,
            there or self.overall.n,
            f"{_deals(there)} watched at {age:.4g} days of age: {percent(p)} won {within}",
        )

    def _constant(self, days: float) -> float:
        """Return the chance of winning within so many days if hazards did not depend on age."""
        exposure, won = self.overall.exposure(), self.overall.happened(WON)
        # Half a win more than there were: what has not happened yet is not impossible.
        rate_won = (won + _HALF) / exposure
        rate = rate_won + self.overall.happened(LOST) / exposure
        return -expm1(-rate * days) * rate_won / rate

    @cached_property
    def _chains(self) -> dict[float, Chain]:
        return {}

    def never_closes(
        self, deal: Deal, *, as_of: datetime, within: timedelta = _QUARTER, level: float = 0.05
    ) -> str | None:
        """
        Say why a deal will hardly ever be won, or return None if it still may.

        The hazard of winning at the deal's age and beyond has an upper limit, at 95 % confidence, from the wins there
        and the time that deals of that age were watched (no win in T days: 3/T). If even at that hazard the chance of
        a win within `within` is below `level`, the deal is said to be dead. Without enough time watched it is not.

        Args:
            deal: An open deal; of one whose age is unknown nothing is said.
            as_of: Aware.
            within: How long one would wait.
            level: The chance below which waiting is in vain, in [0, 1].
        """
        wrong = probability("level", level)
        check("never_closes", open_problem(deal), *window_problems(as_of, within), wrong)
        refuse_look_ahead("the hazard table", self.as_of, deal, as_of)
        age = _age(deal.created_at, as_of)
        exposure = 0.0 if age is None else self.overall.exposure(age)
        if age is None or exposure <= 0:
            return None
        won = self.overall.happened(WON, age)
        if -expm1(-highest_rate(won, exposure) * (within / _DAY)) >= level:
            return None
        seen = f"{_deals(self.overall.present(age))} of this age ({age:.4g} days) and older, {exposure:,.0f} deal-days"
        return f"{seen}, {won} won: below {percent(level)} within {within / _DAY:g} days"

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row for all deals, and one per stage."""
        groups: list[tuple[str | None, Curves]] = [(None, self.overall), *self.stages.items()]
        return [
            {
                "stage": stage,
                "n": curves.n,
                "won": curves.happened(WON),
                "lost": curves.happened(LOST),
                "moved": sum(curves.happened(outcome) for outcome in curves.outcomes if isinstance(outcome, tuple)),
                "days_watched": curves.exposure(),
                "median_days": curves.quantile(_HALF),
            }
            for stage, curves in groups
        ]

    def _title(self) -> str:
        return f"Hazards of winning and losing, as of {self.as_of.isoformat()}"

    def _shown(self) -> list[dict[str, object]]:
        return [
            {name: f"{value:,.4g}" if isinstance(value, float) else value for name, value in row.items()}
            for row in self.to_rows()
        ]

    def __str__(self) -> str:
        lines = text_table(self._shown(), figures=("n", "won", "lost", "moved", "days_watched", "median_days"))
        return "\n".join([self._title(), *lines, *(f"warning: {warning}" for warning in self.warnings)])

    def _repr_html_(self) -> str:
        return section(self._title(), table(self._shown()), *map(paragraph, self.warnings))


def fit_hazard(
    history: History, *, as_of: datetime, by_stage: bool = True, k: float = PRIOR_DEALS, since: datetime | None = None
) -> HazardTable:
    """
    Count the hazards of winning and losing at each age.

    Linear in the periods that deals spent in their stages, but for sorting them.

    Args:
        history: An iterable of `DealHistory` or `Opportunity`.
        as_of: By whose knowledge; aware.
        by_stage: Whether stages are told apart.
        k: How many deals the overall chance is worth to a stage, and a constant hazard to the overall chance; at
            least 0.
        since: Deals were watched from this on; aware. Default: each from its first record on. Where old deals were
            written into a new system with the dates of their past, say when it began: before, only those that
            survived are there to be seen.

    Raises:
        InvalidError: With everything that is wrong with the arguments; or if no deal was ever watched while open.
    """
    wrong = Problem("k", f"must be a number of at least 0, got {k!r}") if not _is_weight(k) else None
    histories = histories_of(
        "fit_hazard",
        history,
        aware("as_of", as_of),
        instance("by_stage", by_stage, bool, "True or False"),
        wrong,
        optional(aware, "since", since),
    )
    moment = to_instant(as_of)
    periods: list[Watched] = []
    unknown = 0
    for one in histories:
        found, lacking = watched(one, moment, None if since is None else to_instant(since))
        periods += found
        unknown += bool(lacking)
    whole = [period for period in periods if period.stage is None]
    by: dict[str, list[Watched]] = {}
    for period in periods:
        if period.stage is not None and by_stage:
            by.setdefault(period.stage, []).append(period)
    if not whole:
        rule = f"must hold a deal of known age that was open at some time before {as_of.isoformat()}, got none"
        raise invalid("fit_hazard", Problem("history", rule))
    overall = curves_of(whole)
    return HazardTable(
        as_of=as_of,
        k=float(k),
        overall=overall,
        stages={stage: curves_of(by[stage]) for stage in sorted(by)},
        warnings=tuple(_warnings(overall, unknown)),
    )


def _is_weight(k: object) -> bool:
    return isinstance(k, int | float) and not isinstance(k, bool) and k >= 0


def _age(since: datetime | None, as_of: datetime) -> float | None:
    if since is None:
        return None
    return (as_of.astimezone(UTC) - since.astimezone(UTC)) / _DAY


def _warnings(overall: Curves, unknown: int) -> "list[str]":
    closed = overall.happened(WON) + overall.happened(LOST)
    found = []
    if closed < FEW_DEALS:
        found.append(f"only {_deals(closed)} closed; below {FEW_DEALS} the chances by stage are mostly noise")
    if not overall.happened(WON):
        found.append("no deal was won: the chances are a guess at how rare that is")
    if unknown:
        found.append(f"{_deals(unknown)} left out in part: when they began, or entered a stage, is unknown")
    return found


def _deals(many: int) -> str:
    return f"{many:,} deal{'s' * (many != 1)}"
