"""
The hazard table: the chance of winning within any time, from how long deals take to be won or lost.

Theory. Deals are watched from when they came to be recorded until they close or the as-of time comes; at each age the
hazards of winning and of losing are counted among those at risk (`hazardcurves`). The chance of winning in (a, a + m]
of a deal of age a is [CIF_w(a + m) - CIF_w(a)]/S(a): winning and losing compete, and a deal that has lasted long has
its own chances. By stage the clock is the time in stage, and a deal may move on before it is won (`hazardchain`). A
stage's chance is drawn towards the overall one at the deal's age, with the weight of k deals against those that were
watched at that time in stage; the overall one towards that of a constant hazard, counted on a *tail*: all the time
watched from some age on. Of the tails that take in the deal's age it is the one whose hazard of winning has the lowest
upper limit: where little was watched the chance rests on the oldest deals, and never goes back to that of young ones.
It answers for every horizon.

Not to be trusted: where hazards have changed lately (it weighs old deals as much as new ones), where they rise at ages
at which little was watched, and for a stage whose deals close together, at quarter's end, whatever their age.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate, pairwise
from math import expm1
from typing import Final

from attrs import field, frozen

from leadflow.errors import Problem
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.hazardbounds import about_highest, highest_rate
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
        prior, n, why, constant = self._overall(age, days, within)
        if not self.stages:
            return Estimate(prior, n, constant, why)
        time = _age(deal.stage_entered_at, as_of)
        curves = self.stages.get(deal.stage or "")
        if curves is None or time is None:
            lacking = f"stage {deal.stage!r} was not seen" if curves is None else "its time in stage is unknown"
            return Estimate(prior, n, prior, f"{lacking}; {why}")
        there = curves.present(time)
        chain = self._chains.setdefault(days, Chain(self.stages, days))
        p = shrunk(chain.chance(str(deal.stage), time), there, prior, self.k)
        seen = f"{_deals(there)} watched after {time:.4g} days in stage {deal.stage!r}"
        return Estimate(p, self._rests(there, n), prior, f"{seen}, drawn towards {percent(prior)}; {why}")

    def _overall(self, age: float | None, days: float, within: str) -> tuple[float, int, str, float]:
        """Return the chance whatever the stage, on how many deals it rests, why, and what it was drawn towards."""
        if age is None:
            constant = self._constant(0.0, days)
            return (
                constant,
                self.overall.n,
                f"its age is unknown; {percent(constant)} of all are won {within}",
                constant,
            )
        tail = self._tail(age)
        constant = self._constant(tail, days)
        there, raw = self.overall.present(age), self.overall.gained(WON, age, age + days)
        p = shrunk(raw, there, constant, self.k)
        own = f", {percent(raw)} of them won {within}" if there else ""
        drawn = f"drawn towards {percent(constant)} of {self._watched_from(tail)}: {percent(p)}"
        why = f"{_deals(there)} watched at {age:.4g} days of age{own}, {drawn}"
        return p, self._rests(there, self.overall.watched(tail)), why, constant

    def _rests(self, own: int, others: int) -> int:
        """Return on how many deals a chance rests for the most part: on its own, or on those it was drawn towards."""
        return own if own and own >= self.k else max(own, others)

    def _watched_from(self, tail: float) -> str:
        won, exposure = self.overall.happened(WON, tail), self.overall.exposure(tail)
        seen = f"{_deals(self.overall.watched(tail))} watched from {tail:.4g} days of age on"
        return f"{seen} ({exposure:,.0f} deal-days, {won:,} won)"

    def _constant(self, tail: float, days: float) -> float:
        """Return the chance of winning within so many days if, from an age on, hazards did not depend on age."""
        exposure, won = self.overall.exposure(tail), self.overall.happened(WON, tail)
        # Half a win more than there were: what has not happened yet is not impossible.
        rate_won = (won + _HALF) / exposure
        rate = rate_won + self.overall.happened(LOST, tail) / exposure
        return -expm1(-rate * days) * rate_won / rate

    def _tail(self, age: float) -> float:
        """Return from which age on deals are counted for one of an age."""
        begins, best = self._tails
        return best[max(bisect_right(begins, age) - 1, 0)]

    @cached_property
    def _tails(self) -> tuple[list[float], list[float]]:
        """At which ages tails begin, and which tail up to there has the lowest limit to its hazard of winning."""
        # Between two wins a tail that begins earlier has watched more and seen the same: those at wins will do.
        counts = [self.overall.happened(WON, time) for time in (0.0, *self.overall.times)]
        wins = [time for time, (had, left) in zip(self.overall.times, pairwise(counts), strict=True) if left < had]
        begins = [0.0, *(time for time in wins if self.overall.exposure(time) > 0)]
        limits = [(about_highest(self.overall.happened(WON, one), self.overall.exposure(one)), one) for one in begins]
        return begins, [begin for _, begin in accumulate(limits, min)]

    @cached_property
    def _chains(self) -> dict[float, Chain]:
        return {}

    def never_closes(
        self, deal: Deal, *, as_of: datetime, within: timedelta = _QUARTER, level: float = 0.05
    ) -> str | None:
        """
        Say why a deal will hardly ever be won, or return None if it still may.

        The hazard of winning from an age on, the deal's or an earlier one, has an upper limit, at 95 % confidence, from
        the wins there and the time that deals were watched (no win in T days: 3/T). If even at that hazard the chance
        of a win within `within` is below `level`, the deal is said to be dead. Without enough time watched it is not.
        A deal that is older than all that were watched is taken to be like the oldest of them.

        Args:
            deal: An open deal; of one whose age is unknown nothing is said.
            as_of: Aware.
            within: How long one would wait; longer than nothing.
            level: The chance below which waiting is in vain, in [0, 1].
        """
        wrong = probability("level", level)
        check("never_closes", open_problem(deal), *window_problems(as_of, within, "within"), wrong)
        refuse_look_ahead("the hazard table", self.as_of, deal, as_of)
        age = _age(deal.created_at, as_of)
        if age is None:
            return None
        tail = self._tail(age)
        won, exposure = self.overall.happened(WON, tail), self.overall.exposure(tail)
        if -expm1(-highest_rate(won, exposure) * (within / _DAY)) >= level:
            return None
        seen = f"{age:.4g} days old; {self._watched_from(tail)}"
        return f"{seen}: below {percent(level)} within {within / _DAY:g} days"

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
    overall = curves_of(whole, (WON, LOST))
    closed = len({period.id for period in whole if period.outcome is not None})
    return HazardTable(
        as_of=as_of,
        k=float(k),
        overall=overall,
        stages={stage: curves_of(by[stage]) for stage in sorted(by)},
        warnings=tuple(_warnings(overall, closed, unknown)),
    )


def _is_weight(k: object) -> bool:
    return isinstance(k, int | float) and not isinstance(k, bool) and k >= 0


def _age(since: datetime | None, as_of: datetime) -> float | None:
    if since is None:
        return None
    return (as_of.astimezone(UTC) - since.astimezone(UTC)) / _DAY


def _warnings(overall: Curves, closed: int, unknown: int) -> list[str]:
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
