"""
The landmark table: how often deals that looked like this one were won within so many days.

Theory. Take every past day whose window has closed, look at the deals that were open on it, and count how many of them
were won inside the window, by stage and time in stage. That is the very question a forecast asks, put to the past; no
curve is assumed, and no look-ahead is possible. Cells with few deals borrow from the cells they divide: p = (w + k
parent)/(n + k), cell -> stage -> overall (see `shrinkage`), where w of n looks were followed by a win. Ten looks at one
deal are not ten deals: so k by moments counts *distinct deals*, and so does the n of each answer. The overall rate is
drawn towards a half with the weight of one deal (Jeffreys), so that nothing is ever called impossible because it has
not happened yet.

Not to be trusted where the past is no guide: a new price, a new team, a stage that was introduced lately. It answers
for the one horizon it was counted for, and refuses others.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, field, frozen

from leadflow.errors import LookAheadError, Problem
from leadflow.forecasting.deals import Deal
from leadflow.forecasting.histories import DealHistory, History, histories_of
from leadflow.forecasting.landmarkaxes import DEFAULT_EDGES, Axis, Day, axis, axis_problem, bucket, edge_problems
from leadflow.forecasting.landmarkcounts import Counted, Labels, LandmarkCell, counted
from leadflow.forecasting.landmarks import looks, past_days
from leadflow.forecasting.layout import percent, text_table
from leadflow.forecasting.models import Estimate, last_day_of, window_problems
from leadflow.forecasting.shrinkage import FEW_DEALS
from leadflow.markup import paragraph, section, table
from leadflow.validation import aware, check, instance, invalid, optional, to_instant, to_tuple, unique

__all__ = ["LandmarkTable", "fit_landmark"]

# A prior weight of twenty looks: on random parts of a real history, of 60 to 1,000 deals, it was as good as any other
# and never far off (see docs/explanation/win-models.md).
PRIOR_LOOKS: Final = 20.0
# Two ways of counting a quarter's hours differ by an hour where clocks change; that is not another horizon.
_TOLERANCE = timedelta(hours=1)
_DAY = timedelta(days=1)
# Quantiles of the time in stage make so many cells, as many as the fixed edges.
_CELLS = len(DEFAULT_EDGES)
# A deal at more than so many times the last edge is said to be far beyond it, and a table with more than this share of
# looks there to be crowded.
_FAR, _MOST = 2.0, 0.5
_LATER: Final = 'give later edges, or edges="quantiles"'

Weight: TypeAlias = float | Literal["moments"]
Edges: TypeAlias = Sequence[float] | Literal["quantiles"]


@frozen(kw_only=True)
class LandmarkTable:
    """
    A win model: the shares of past deals that were won within the horizon, by stage and time in stage.

    Attributes:
        as_of: Whose knowledge it is; a question as of an earlier time is refused.
        horizon: The time within which deals were won; questions about another are refused.
        by: The axes, the first dividing all deals.
        edges: Days that divide the time in stage.
        weights: Per axis, how much the parent's rate was worth: k.
        landmarks: The moments at which was looked.
        closed: How many of the deals looked at are closed by now.
        cells: By labels; the cell without labels is all deals.
        warnings: What a reader should know before trusting it.
    """

    as_of: datetime
    horizon: timedelta
    by: tuple[str, ...]
    edges: tuple[float, ...]
    weights: tuple[float, ...]
    landmarks: tuple[datetime, ...] = field(repr=False)
    closed: int
    cells: Mapping[Labels, LandmarkCell] = field(repr=False)
    warnings: tuple[str, ...]

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """
        Estimate as `WinModel.win` does, for the horizon of the table.

        Raises:
            InvalidError: If the deal is not open, or the horizon is another than the table's by more than an hour. The
                rate of 14 days says nothing certain about 20: fit a table for 20, or take `fit_hazard`.
            LookAheadError: If it is asked as of a time before the one it was fitted at, or before the deal was created
                or entered its stage.
        """
        check("LandmarkTable.win", open_problem(deal), *window_problems(as_of, horizon))
        if abs(horizon - self.horizon) > _TOLERANCE:
            way = "fit_landmark(..., horizon=...) again, or fit_hazard(...), which knows every horizon"
            rule = f"must be the {_words(self.horizon)} that the table was fitted for, got {_words(horizon)}; {way}"
            raise invalid("LandmarkTable.win", Problem("horizon", rule))
        refuse_look_ahead("the landmark table", self.as_of, deal, as_of)
        known = _Asked(deal)
        day = Day(as_of.astimezone(UTC), as_of.date(), last_day_of(as_of, horizon))
        labels = tuple(label(known, day) for label in self._axes)
        if labels not in self._answers:
            self._answers[labels] = self._answer(labels)
        return self._beyond(self._answers[labels], deal.stage_entered_at, as_of)

    @cached_property
    def _axes(self) -> tuple[Axis, ...]:
        return tuple(axis(name, self.edges) for name in self.by)

    @cached_property
    def _answers(self) -> dict[Labels, Estimate]:
        return {}

    def _beyond(self, estimate: Estimate, entered_at: datetime | None, as_of: datetime) -> Estimate:
        """Say of a deal far beyond the last edge that most of those it is compared with are younger."""
        if entered_at is None or not _divides(self.by, self.edges):
            return estimate
        days = (to_instant(as_of) - to_instant(entered_at)) / _DAY
        if days <= _FAR * self.edges[-1]:
            return estimate
        far = f"{days:.4g} days in stage is far beyond the last edge, {self.edges[-1]:g}"
        return evolve(estimate, why=f"{estimate.why}; {far}: {_LATER}")

    def _answer(self, labels: Labels) -> Estimate:
        found = labels
        while found not in self.cells:
            found = found[:-1]
        cell = self.cells[found]
        rested = f"{_deals(cell.n)} {self._named(found)}: {percent(cell.rate)} of {cell.looks:,} looks won within"
        why = f"{rested} {_words(self.horizon)}, drawn to {percent(cell.p)}"
        if found == labels:
            return Estimate(cell.p, cell.n, cell.prior, why)
        # An empty cell has its parent's rate, whatever the weight.
        return Estimate(cell.p, cell.n, cell.p, f"no deal was seen {self._named(labels)}; {why}")

    def _named(self, labels: Labels) -> str:
        named = ", ".join(f"{name.replace('_', ' ')} {label}" for name, label in zip(self.by, labels, strict=False))
        return f"with {named}" if named else "in all"

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per cell, each before its parts; None: not divided by that axis."""
        return [
            {
                **{
                    name: cell.labels[place] if place < len(cell.labels) else None for place, name in enumerate(self.by)
                },
                "n": cell.n,
                "looks": cell.looks,
                "won": cell.won,
                "rate": cell.rate,
                "prior": cell.prior,
                "p": cell.p,
            }
            for cell in self.cells.values()
        ]

    def _title(self) -> str:
        first, last = (
            moment.astimezone(self.as_of.tzinfo).date() for moment in (self.landmarks[0], self.landmarks[-1])
        )
        span = f"{len(self.landmarks):,} landmarks from {first} to {last}"
        return f"Won within {_words(self.horizon)}, as of {self.as_of.isoformat()}; {span}"

    def _shown(self) -> list[dict[str, object]]:
        return [
            {name: percent(value) if isinstance(value, float) else value for name, value in row.items()}
            for row in self.to_rows()
        ]

    def __str__(self) -> str:
        lines = text_table(self._shown(), figures=("n", "looks", "won", "rate", "prior", "p"))
        return "\n".join([self._title(), *lines, *(f"warning: {warning}" for warning in self.warnings)])

    def _repr_html_(self) -> str:
        return section(self._title(), table(self._shown()), *map(paragraph, self.warnings))


def fit_landmark(
    history: History,
    *,
    as_of: datetime,
    horizon: timedelta,
    by: Iterable[str] = ("stage", "time_in_stage"),
    edges: Edges = DEFAULT_EDGES,
    k: Weight = PRIOR_LOOKS,
    every: timedelta = _DAY,
    since: datetime | None = None,
) -> LandmarkTable:
    """
    Count how often open deals were won within a horizon, over all past landmarks whose window has closed.

    Linear in deals x landmarks on which they were open.

    Args:
        history: An iterable of `DealHistory` or `Opportunity`.
        as_of: By whose knowledge; aware. Its time zone says which day a landmark is.
        horizon: The time within which deals are to be won.
        by: The axes, in order: ``stage``, ``time_in_stage``, ``close_date`` (past due, due in the window, due later,
            none), ``pushes`` (how often the close date was put off), or an attribute of `Deal` such as ``type``.
        edges: Days in a stage that divide the cells, from 0 on; or ``"quantiles"``: eight cells of about as many looks.
        k: How many looks the parent's rate is worth, at least 0; ``"moments"``: as the data say, per axis.
        every: Time between landmarks, counted back from the last one.
        since: No landmark before this; aware. Default: since the first record. Where recording began with deals under
            way, leave out the first weeks.

    Raises:
        InvalidError: With everything that is wrong with the arguments; if no window has closed yet; or if no deal was
            open at any landmark.
    """
    axes: Any = to_tuple(by)
    borders: Any = edges if edges == "quantiles" else to_tuple(edges)
    wrong = (*_window_problems(as_of, horizon, every, since), *_axis_problems(axes, borders), _weight_problem(k))
    histories = histories_of("fit_landmark", history, *wrong)
    moment = to_instant(as_of)
    known = [one for one in histories if one.first_recorded_at <= moment]
    if not known:
        rule = f"must hold a deal that was recorded by {as_of.isoformat()}, got {_deals(len(histories))}"
        raise invalid("fit_landmark", Problem("history", rule))
    begin = min(one.first_recorded_at for one in known)
    begin = begin if since is None else max(begin, to_instant(since))
    days = past_days(begin, as_of, horizon, every)
    if not days:
        rule = f"must be over by {as_of.isoformat()} for a landmark at {begin.isoformat()}, got {_words(horizon)}"
        raise invalid("fit_landmark", Problem("horizon", rule))
    if borders == "quantiles":
        borders = _quantiles(known, days, moment, horizon)
    found = counted(known, days, moment, horizon, [axis(name, borders) for name in axes])
    if not found.looks:
        rule = f"must hold a deal that was open from {days[0].at.isoformat()} to {days[-1].at.isoformat()}, got none"
        raise invalid("fit_landmark", Problem("history", rule))
    weights = tuple(found.weight(depth) if k == "moments" else float(k) for depth in range(1, len(axes) + 1))
    return LandmarkTable(
        as_of=as_of,
        horizon=horizon,
        by=axes,
        edges=borders,
        weights=weights,
        landmarks=tuple(day.at for day in days),
        closed=found.closed,
        cells=found.cells(weights),
        warnings=(
            *_warnings(found.closed, found.won[()], horizon),
            *(_crowded(found, axes.index("time_in_stage"), borders) if _divides(axes, borders) else ()),
        ),
    )


class _Asked:
    """A deal as the axes read it."""

    __slots__ = ("deal", "entered_at", "expected_close", "pushes", "stage")

    def __init__(self, deal: Deal) -> None:
        self.deal = deal
        self.stage: str | None = deal.stage
        self.entered_at: datetime | None = deal.stage_entered_at
        self.expected_close: date | None = deal.expected_close
        self.pushes: int | None = deal.pushes

    def value(self, name: str) -> object:
        """Return the value of an attribute."""
        return getattr(self.deal, name)


def open_problem(deal: object) -> Problem | None:
    """Say what keeps a win model from answering about something: only open deals can still be won."""
    if isinstance(deal, Deal) and not deal.is_open:
        return Problem("deal", f"must be open, got {deal.id!r}, which is {deal.state}")
    return instance("deal", deal, Deal, "a Deal")


def refuse_look_ahead(model: str, fitted: datetime, deal: Deal, as_of: datetime) -> None:
    """
    Refuse a question about a time before the model's own, or before the deal was there or in its stage.

    Raises:
        LookAheadError: If so.
    """
    now = to_instant(as_of)
    if now < to_instant(fitted):
        raise LookAheadError(model, as_of.isoformat(), fitted.isoformat())
    for since in (deal.created_at, deal.stage_entered_at):
        if since is not None and to_instant(since) > now:
            raise LookAheadError(f"deal {deal.id!r}", as_of.isoformat(), since.isoformat())


def _window_problems(as_of: object, horizon: object, every: object, since: object) -> list[Problem | None]:
    steps = instance("every", every, timedelta, "a timedelta")
    if steps is None and isinstance(every, timedelta) and every <= timedelta(0):
        steps = Problem("every", f"must be longer than nothing, got {every!r}")
    return [*window_problems(as_of, horizon), steps, optional(aware, "since", since)]


def _axis_problems(axes: object, borders: object) -> list[Problem | None]:
    if not isinstance(axes, tuple):
        return [Problem("by", f"must be names of axes, got {axes!r}", is_type=True)]
    wrong = [axis_problem(f"by[{place}]", name) for place, name in enumerate(axes)]
    if not any(wrong):
        wrong.append(unique("by", axes))
    return [*wrong, *([] if borders == "quantiles" else edge_problems(borders))]


def _weight_problem(k: object) -> Problem | None:
    if k == "moments" or (isinstance(k, int | float) and not isinstance(k, bool) and k >= 0):
        return None
    return Problem("k", f"must be a number of at least 0 or 'moments', got {k!r}", not isinstance(k, int | float))


def _quantiles(
    histories: Iterable[DealHistory], days: Sequence[Day], as_of: datetime, horizon: timedelta
) -> tuple[float, ...]:
    """Return edges that divide the looks into cells of about the same size."""
    ages = sorted(
        (look.day.at - look.standing.entered_at) / _DAY
        for history in histories
        for look in looks(history, days, as_of, horizon)
        if look.standing.entered_at is not None
    )
    inner = {ages[place * len(ages) // _CELLS] for place in range(1, _CELLS)} if ages else set()
    return (0.0, *sorted(edge for edge in inner if edge > 0))


def _warnings(closed: int, won: int, horizon: timedelta) -> Iterable[str]:
    if closed < FEW_DEALS:
        verb = "is" if closed == 1 else "are"
        yield f"only {_deals(closed)} looked at {verb} closed; below {FEW_DEALS} the rates of cells are mostly noise"
    if not won:
        yield f"no deal was won within {_words(horizon)} of a landmark: the chances are a guess at how rare that is"


def _divides(by: Sequence[str], edges: Sequence[float]) -> bool:
    return "time_in_stage" in by and len(edges) > 1


def _crowded(found: Counted, place: int, edges: Sequence[float]) -> Iterable[str]:
    """Say so if most looks are at deals beyond the last edge."""
    last = bucket(edges, len(edges) - 1)
    many = sum(looks for labels, looks in found.looks.items() if len(labels) == place + 1 and labels[place] == last)
    if many > found.looks[()] * _MOST:
        share = percent(many / found.looks[()])
        yield f"{share} of looks are at {last} in stage, which the table does not tell apart: {_LATER}"


def _deals(many: int) -> str:
    return f"{many:,} deal{'s' * (many != 1)}"


def _words(time: timedelta) -> str:
    return f"{time / _DAY:g} days"
