"""
Leaks: attributes that were filled in afterwards and so tell what came of a deal.

Theory. No backtest notices a value that was written down later than it says. But it leaves a trace: when deals were
first recorded, nobody knew which of them would close. So the share that has no value from its first record on cannot be
nothing for deals that have closed and a good part of those still open, unless the value came with the closing. (Or
deals without the value really never close; a reader has to say which.)
"""

from collections.abc import Iterable, Iterator, Mapping

from leadflow.forecasting.deals import ATTRIBUTES, DealState
from leadflow.forecasting.past import Past

__all__ = ["leaks"]

# Of fewer deals, or of a smaller share, nothing is said.
_LEAST_DEALS = 30
_MANY = 0.05
_HARDLY_ANY = 0.005


def leaks(past: Past, axes: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """
    Say which models tell deals apart by an attribute that seems to have come with the closing.

    Args:
        past: What is known.
        axes: Names of axes by name of the model.
    """
    first = []
    for history in past:
        known = next((standing for _, standing in history.standings if standing is not None), None)
        path = history.spells(past.as_of)
        if known is not None and path:
            first.append((known, path[-1].state is DealState.OPEN))
    for model, names in axes.items():
        for name in names:
            if name not in ATTRIBUTES:
                continue
            blank = {True: 0, False: 0}
            many = {True: 0, False: 0}
            for known, is_open in first:
                many[is_open] += 1
                blank[is_open] += known.value(name) is None
            if min(many.values()) < _LEAST_DEALS:
                continue
            if blank[True] >= _MANY * many[True] and blank[False] <= _HARDLY_ANY * many[False]:
                yield (
                    f"{model!r} may know the outcome: {name} was unknown at first for {blank[True]:,} of "
                    f"{many[True]:,} open deals and {blank[False]:,} of {many[False]:,} closed ones; "
                    "was it filled in at the closing?"
                )
