"""
Gains: whether one model's answers are better than another's by more than chance makes them.

Theory. Two models answer the same questions; what counts is the difference of their scores, answer by answer. Answers
are not independent, in two ways. Those about one deal, asked at many origins, are one piece of evidence. Those of one
window share its luck: a good month is good for every deal, and whoever happened to say more is right all at once. So
the error is taken twice, with the answers of one deal as one and with those of one window as one, and the larger
counts. And of many models without skill the best looks good: the chance of being fooled is shared among those that are
tried (Bonferroni).
"""

from collections.abc import Hashable, Sequence
from math import fsum, inf, sqrt
from statistics import NormalDist
from typing import Final

__all__ = ["bar", "gained"]

_NORMAL: Final = NormalDist()
# The least chance whose quantile a float can hold.
_RARE = 1e-300


def bar(noise: float, tried: int) -> float:
    """
    Return how many standard errors are noise where so many models are tried.

    >>> [round(bar(2.0, tried), 2) for tried in (1, 4, 20)], bar(0.0, 20)
    ([2.0, 2.53, 3.05], 0.0)

    Args:
        noise: How many are noise for one model; at least 0, and 0 stays 0.
        tried: How many models; at least 1.
    """
    if not noise:
        return 0.0
    return max(noise, -_NORMAL.inv_cdf(max(_NORMAL.cdf(-noise) / tried, _RARE)))


def gained(
    first: Sequence[float], second: Sequence[float], groupings: Sequence[Sequence[Hashable]]
) -> tuple[float, float]:
    """
    Return the mean of first - second, and its standard error: the largest that any grouping gives.

    Args:
        first: A score per answer.
        second: Another model's, of the same answers.
        groupings: Ways of saying which answers are one piece of evidence: for each a key per answer.

    Returns:
        An error of infinity where all answers are one piece of evidence; of 0 where the scores do not differ.
    """
    differences = [one - other for one, other in zip(first, second, strict=True)]
    mean = fsum(differences) / len(differences)
    if not any(differences):
        return 0.0, 0.0
    return mean, max(_error(differences, mean, keys) for keys in groupings)


def _error(differences: Sequence[float], mean: float, keys: Sequence[Hashable]) -> float:
    own: dict[Hashable, float] = {}
    for key, difference in zip(keys, differences, strict=True):
        own[key] = own.get(key, 0.0) + difference - mean
    clusters = len(own)
    if clusters < 2:  # noqa: PLR2004 - one deal, or one window, says nothing about another
        return inf
    return sqrt(fsum(each * each for each in own.values()) * clusters / (clusters - 1)) / len(differences)
