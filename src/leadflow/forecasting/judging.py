"""
Taking deals in: what every function that makes figures of deals checks first.

Theory. Figures as of a time may use only what was known then, and each deal once. Two rows of one deal are an error
that names all such deals. So is a row that knows more than was known at the as-of time: a deal won later was open then,
but in which stage and for how much a flat row cannot say, and leaving it out would understate what was open.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from leadflow.errors import LookAheadError, Problem
from leadflow.forecasting.deals import Deal
from leadflow.money.exact import item_problems
from leadflow.validation import aware, check, to_tuple

__all__ = ["all_of", "deal_problems", "judged", "refuse_look_ahead"]

# So many ids are named in a message.
_NAMED = 5


def all_of(deals: Iterable[Deal]) -> tuple[Deal, ...]:
    """Return the deals as a tuple; what is no list of them stays the only item, for `judged` to refuse."""
    listed: Any = to_tuple(deals)
    return listed if isinstance(listed, tuple) else (listed,)


def judged(subject: str, deals: tuple[Deal, ...], as_of: datetime, *others: Problem | None) -> tuple[Deal, ...]:
    """
    Return the deals as a tuple, sorted by id, after checking that figures as of a time may be made of them.

    Args:
        subject: The function that was called, for messages.
        deals: In any order.
        as_of: The time whose knowledge is used; aware.
        others: Problems that the caller found with its other arguments; raised together with those of the deals.

    Raises:
        InvalidError: If something is not a deal, or ids repeat (all of them named).
        LookAheadError: If a deal was created, closed or recorded after `as_of`.
    """
    check(subject, *others, aware("as_of", as_of), *deal_problems("deals", deals))
    refuse_look_ahead(deals, as_of)
    return tuple(sorted(deals, key=lambda deal: deal.id))


def deal_problems(path: str, deals: tuple[object, ...]) -> list[Problem | None]:
    """Say which of the deals are none, and which come more than once."""
    ids = [deal.id for deal in deals if isinstance(deal, Deal)]
    return [
        *item_problems(path, deals, Deal, "a Deal; use Deal.of(opportunity)", "several deals"),
        _repeated(path, ids),
    ]


def _repeated(path: str, ids: list[str]) -> Problem | None:
    if len(set(ids)) == len(ids):
        return None
    twice = sorted((name, times) for name, times in Counter(ids).items() if times > 1)
    listed = ", ".join(f"{name!r} ({times} times)" for name, times in twice)
    return Problem(path, f"must hold each deal once, got {listed}")


def refuse_look_ahead(deals: tuple[Deal, ...], as_of: datetime) -> None:
    """Raise a `LookAheadError` that names the deals which know more than was known at a time, if there are any."""
    # In UTC, because Python compares two datetimes of one zone by their wall clocks.
    now = as_of.astimezone(UTC)
    late = [
        (deal.id, last)
        for deal in deals
        for last in (deal.recorded_at, deal.closed_at, deal.stage_entered_at, deal.created_at)
        if last is not None and last > now
    ]
    if late:
        names = sorted({name for name, _ in late})
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        entity = f"deal {', '.join(map(repr, names[:_NAMED]))}{more}"
        raise LookAheadError(entity, as_of.isoformat(), max(last for _, last in late).isoformat())
