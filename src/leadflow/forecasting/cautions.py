"""
What a reader should know before using a forecast.

Theory. A figure without its gaps misleads: what could not be counted, what nobody has counted (assumed chances), what
one deal decides, what was left out because nobody said it, and an interval too wide to say anything. None of it changes
a figure.
"""

from collections.abc import Sequence
from math import sqrt

from leadflow.forecasting.asking import Asking
from leadflow.forecasting.contributions import Contribution
from leadflow.forecasting.creation import Creation
from leadflow.forecasting.layout import percent
from leadflow.forecasting.omissions import Omission, OmissionReason
from leadflow.forecasting.spread import Spread

__all__ = ["count_of", "too_wide", "warnings_of"]

# One deal with more than half of the variance decides what the period looks like; the mean then describes neither case.
_WHALE = 0.5


def warnings_of(
    still_open: Sequence[Contribution],
    omitted: tuple[Omission, ...],
    asking: Asking,
    creation: Creation | None,
    has_levels: bool,
) -> tuple[str, ...]:
    """Return the warnings, in the order in which they matter."""
    found = []
    # Those outside the period are where they belong; the others are missing.
    missing = {one.id for one in omitted if one.reason is not OmissionReason.OUTSIDE_PERIOD}
    if missing:
        found.append(f"the mean is without {count_of(len(missing))} that could not be counted; see omitted")
    if still_open and not any(one.estimate.n for one in still_open):
        found.append("the chances are assumptions: none rests on deals that were counted (n = 0)")
    free = sum(one.amount.amount == 0 for one in still_open)
    if free:
        found.append(f"{count_of(free)} with an amount of zero")
    whale = max(still_open, key=lambda one: one.variance_share, default=None)
    if whale is not None and len(still_open) > 1 and whale.variance_share > _WHALE:
        found.append(f"deal {whale.id!r} alone is {percent(whale.variance_share)} of the variance")
    if creation is not None and creation.omitted:
        found.append(f"new business is without {count_of(len(creation.omitted))} that could not be counted")
    if creation is not None and has_levels:
        found.append("leads and prospects are counted by themselves; new business must be without what comes of them")
    if asking.is_ahead and creation is None:
        found.append("the period has not begun; deals not yet created are not in the forecast")
    return tuple(found)


def too_wide(spread: Spread | None, coming: float, of_deals: float, of_new: float) -> str | None:
    """
    Say so when past errors alone make a forecast's spread absurd.

    The rule: with phi the standard deviation is above all that is still expected, without it is not.

    Args:
        spread: Read from past errors, if any.
        coming: What is still expected.
        of_deals: Variance of deals taken as independent.
        of_new: Variance of new business.
    """
    if spread is None or not of_deals + of_new <= coming * coming < spread.phi * of_deals + of_new:
        return None
    return (
        f"the interval says little: past errors were {sqrt(spread.phi):,.1f} times those of independent deals (phi "
        f"{spread.phi:,.0f}), which makes the standard deviation larger than all that is still expected; look at the "
        "forecasts that they come from"
    )


def count_of(count: int) -> str:
    """Return so many deals, in words."""
    return f"{count:,} deal{'s' * (count != 1)}"
