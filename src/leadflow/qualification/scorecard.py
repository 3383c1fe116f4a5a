"""
Scorecards: fit and engagement in groups with limits, graded side by side; recency, frequency and value as points.

Theory. A scorecard is a sum of groups; each group has its limits, and the whole may have some. The order is fixed:
what one criterion gives, the group's limits, the limits of the whole. Grades look at the groups after their limits.
These are functions that return ordinary nodes.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from leadflow.errors import Problem, did_you_mean
from leadflow.money import Money
from leadflow.qualification.activity import engagements
from leadflow.qualification.awards import bands, points
from leadflow.qualification.gates import KnockOut, Requirement
from leadflow.qualification.grades import Grades, Grid, Scale
from leadflow.qualification.logic import Criterion
from leadflow.qualification.milli import Number
from leadflow.qualification.nodes import pair_problem, tuples
from leadflow.qualification.policy import Policy
from leadflow.qualification.scores import Cap, Score, Sum
from leadflow.validation import check, each, instance, text, whole

__all__ = ["Scorecard", "fit_grid", "rfm_points", "temperature"]


def Scorecard(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "scorecard",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    groups: Mapping[str, Iterable[Score]],
    limits: Mapping[str, tuple[Number | None, Number | None]] | None = None,
    total: tuple[Number | None, Number | None] | None = None,
    knock_out: Iterable[Criterion | KnockOut] = (),
    require: Iterable[Criterion | Requirement] = (),
    threshold: Number | None = None,
    grades: Grades | None = None,
    valid_for: timedelta | None = None,
) -> Policy:
    """
    Return a policy that adds up points in groups.

    >>> from leadflow.qualification import engagement_points, fact
    >>> card = Scorecard(
    ...     groups={
    ...         "fit": [points(30, when=fact("company.employees") >= 50)],
    ...         "engagement": [engagement_points("webinar", points=10), engagement_points("demo_request", points=40)],
    ...     },
    ...     limits={"engagement": (0, 60)},
    ...     threshold=50,
    ...     grades=fit_grid(fit=[10, 30], engagement=[20, 40]),
    ... )
    >>> card.score.reach
    (0, 90000)

    Args:
        id: The policy's id.
        version: Its version, from 1.
        groups: Per name of a group what gives points in it.
        limits: Per name of a group the least and the most it gives, either of them None.
        total: The least and the most that all give together.
        knock_out: What rules out.
        require: What must hold, whatever the points.
        threshold: The points needed.
        grades: Names for where the score falls: `temperature(...)`, `fit_grid(...)`, or your own `Scale` or `Grid`.
        valid_for: How long its assessments may be relied on.
    """
    bounds = {} if limits is None else limits
    rule = "a mapping from names of groups"
    check("Scorecard", instance("groups", groups, Mapping, rule), instance("limits", bounds, Mapping, rule))
    check("Scorecard", Problem("groups", "must hold at least one group, got none") if not groups else None)
    check(
        "Scorecard",
        *(text("groups", name) for name in groups),
        *(pair_problem(f"limits[{name}]", pair) for name, pair in bounds.items()),
        *(
            Problem(f"limits[{name}]", f"is no group{did_you_mean(str(name), groups)}")
            for name in bounds
            if name not in groups
        ),
        pair_problem("total", total),
    )
    listed = zip(groups, tuples("Scorecard", "what gives points", **groups), strict=True)
    parts = tuple(Cap(Sum(items), *(bounds.get(name) or (None, None)), name=name) for name, items in listed)
    score: Score = Sum(parts)
    return Policy(
        id,
        version=version,
        knock_out=knock_out,
        require=require,
        score=score if total is None else Cap(score, *total),
        threshold=threshold,
        grades=grades,
        valid_for=valid_for,
    )


def fit_grid(
    *,
    fit: Iterable[Number],
    engagement: Iterable[Number],
    rows: Iterable[str] = ("C", "B", "A"),
    columns: Iterable[str] = ("3", "2", "1"),
) -> Grid:
    """
    Return grades from C3 to A1 over the groups ``fit`` and ``engagement``.

    Args:
        fit: Where B and where A begins.
        engagement: Where 2 and where 1 begins.
        rows: Names for the fit, worst first.
        columns: Names for the engagement, worst first.
    """
    return Grid(Scale(rows, fit, group="fit"), Scale(columns, engagement, group="engagement"))


def temperature(warm: Number, hot: Number, *, group: str = "") -> Scale:
    """
    Return cold, warm and hot.

    >>> temperature(20, 50).text
    'cold, warm from 20, hot from 50'
    """
    return Scale(("cold", "warm", "hot"), (warm, hot), group=group)


def rfm_points(
    *,
    recency: Iterable[int] = (),
    frequency: Iterable[int] = (),
    monetary: Iterable[Money] = (),
    kind: str | Iterable[str] | None = None,
    within: timedelta | None = None,
) -> tuple[Score, ...]:
    """
    Return points for recency, frequency and value of engagements; break points are yours, one point per step.

    >>> [score.text for score in rfm_points(recency=[7, 30], frequency=[2, 5])]  # doctest: +NORMALIZE_WHITESPACE
    ['2, 1 from 8, 0 from 31, by engagements().days_since_last',
     '0, 1 from 2, 2 from 5, by engagements().count']

    Args:
        recency: Days since the latest up to which another point is given, ascending.
        frequency: How many from which on another point is given, ascending.
        monetary: Sums of values from which on another point is given, in one currency.
        kind: Only engagements of this kind or these kinds.
        within: Only those at most this long before the judgement.
    """
    chosen = engagements(kind, within=within)
    days, counts, sums = tuples("rfm_points", "break points", recency=recency, frequency=frequency, monetary=monetary)
    check(
        "rfm_points",
        *each("recency", days, whole),
        *each("frequency", counts, whole),
        *each("monetary", sums, instance, Money, "Money"),
    )
    found: list[Score] = []
    if days:
        steps = range(len(days), -1, -1)
        found.append(bands(chosen.days_since_last(), [day + 1 for day in days], steps))
    if counts:
        found.append(bands(chosen.count(), counts, range(len(counts) + 1)))
    found += [points(1, when=chosen.sum("value", amount.currency) >= amount) for amount in sums]
    return tuple(found)
