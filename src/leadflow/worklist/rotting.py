"""
Rotting: deals in which nothing has happened for too long.

Theory. One definition, used by the flag on a deal, the filter on many and the reason in a worklist: a deal is touched
last when it entered its stage, when the other side last did something, or when we last did; it rots once more than the
stage's threshold (`Stage.rots_after`) has gone by since the latest of the three. A closed deal does not rot, nor one in
a stage without a threshold.
"""

from collections.abc import Iterable
from datetime import datetime

from leadflow.errors import Problem
from leadflow.opportunity import Opportunity
from leadflow.validation import aware, check, instance, to_instant, to_tuple

__all__ = ["is_rotting", "last_activity", "rots_at", "rotting"]


def last_activity(deal: Opportunity) -> datetime:
    """Return the latest of stage entry, engagement and touch; of an import that knows none of them, its creation."""
    entered = deal.created_at if deal.stage_entered_at is None else deal.stage_entered_at
    return max([entered, *(one.at for one in deal.engagements), *(one.at for one in deal.touches)])


def rots_at(deal: Opportunity) -> datetime | None:
    """
    Return the last instant at which a deal is still fresh if nothing happens; None: it never rots.

    Raises:
        InvalidError: If it is no `Opportunity`.
    """
    check("rots_at", instance("deal", deal, Opportunity, "an Opportunity"))
    threshold = deal.stage.rots_after if deal.is_open else None
    return None if threshold is None else to_instant(last_activity(deal)) + threshold


def is_rotting(deal: Opportunity, *, at: datetime) -> bool:
    """
    Whether nothing has happened in a deal for longer than its stage allows.

    Args:
        deal: A deal, taken as it was known at that time; before it was known it does not rot.
        at: When; aware. At exactly `rots_at` it is still fresh.

    Raises:
        InvalidError: If an argument is of the wrong kind.
    """
    check("is_rotting", instance("deal", deal, Opportunity, "an Opportunity"), aware("at", at))
    then = deal if deal.updated_at <= at else deal.as_of(at)
    limit = None if then is None else rots_at(then)
    return limit is not None and at > limit


def rotting(deals: Iterable[Opportunity], *, at: datetime) -> tuple[Opportunity, ...]:
    """
    Return the deals that rot, as they were known at a time, those that began first in front.

    Args:
        deals: Any deals; closed ones and those unknown by then are passed over.
        at: As of when; aware.

    Raises:
        InvalidError: Naming everything that is no deal.
    """
    listed = to_tuple(deals)
    check("rotting", aware("at", at), *_deal_problems(listed))
    known = [deal if deal.updated_at <= at else deal.as_of(at) for deal in listed]
    found = [(rots_at(deal), deal.id, deal) for deal in known if deal is not None and is_rotting(deal, at=at)]
    return tuple(deal for *_, deal in sorted(found, key=lambda each: each[:2]))


def _deal_problems(listed: object) -> list[Problem | None]:
    if not isinstance(listed, tuple):
        return [instance("deals", listed, tuple, "several opportunities")]
    return [instance(f"deals[{place}]", deal, Opportunity, "an Opportunity") for place, deal in enumerate(listed)]
