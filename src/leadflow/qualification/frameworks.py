"""
Qualification frameworks: BANT as a gate, as three of four, as a score, and as a ladder.

Theory. A framework is a table of dimensions with the least level each must have reached. Levels, not booleans: what was
never asked is unknown and leads to a question, what was asked and is not there is a level (``none``) and decides.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from leadflow.discovery import LEVELS
from leadflow.qualification.facts import fact
from leadflow.qualification.gates import KnockOut, knock_out
from leadflow.qualification.logic import AtLeast, Predicate
from leadflow.qualification.policy import Policy
from leadflow.qualification.scores import Bands, Number, bands

__all__ = ["BANT", "BANT_RUNGS", "Bant", "bant_ladder"]

# The least level of each dimension for a prospect worth a seller's time.
BANT: Final[Mapping[str, str]] = MappingProxyType(
    {"budget": "willing", "authority": "aware", "need": "stated", "timeline": "stated"}
)
# More is demanded as the deal moves on; on the last rung it is an opportunity.
BANT_RUNGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "lead": MappingProxyType({"need": "stated"}),
        "prospect": BANT,
        "opportunity": MappingProxyType(
            {"budget": "identified", "authority": "aware", "need": "defined", "timeline": "agreed"}
        ),
    }
)


def Bant(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "bant",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = BANT,
) -> Policy:
    """
    Return a policy on budget, authority, need and timeline; no need is a knock-out in every form.

    >>> [gate.text for gate in Bant().require][:2]
    ["discovery.budget.level >= 'willing'", "discovery.authority.level >= 'aware'"]
    >>> Bant(at_least=3).require[0].text.partition(":")[0]
    'at least 3 of'

    Args:
        id: The policy's id.
        version: Its version, from 1.
        at_least: How many of the dimensions have to be there; None: all.
        score: Give points instead, 0 to 10 per dimension by its level.
        threshold: The points needed where points are given; None: what the least levels together give.
        levels: Per dimension the least level; any dimension of `Discovery` may take part.
    """
    return _framework(id, version, levels, at_least=at_least, score=score, threshold=threshold)


def bant_ladder() -> tuple[Policy, ...]:
    """
    Return BANT as a ladder: one policy per rung, from a lead to an opportunity, each demanding more.

    >>> [rung.id for rung in bant_ladder()]
    ['bant-lead', 'bant-prospect', 'bant-opportunity']
    """
    return tuple(Bant(f"bant-{rung}", levels=levels) for rung, levels in BANT_RUNGS.items())


def _framework(
    name: str, version: int, levels: Mapping[str, str], *, at_least: int | None, score: bool, threshold: Number | None
) -> Policy:
    tests: list[Predicate] = [
        fact(f"discovery.{dimension}.level").at_least(level) for dimension, level in levels.items()
    ]
    knock_outs: Iterable[KnockOut] = (
        [knock_out(fact("discovery.need.level").equals("none"), "no need, no sale")] if "need" in levels else []
    )
    if score:
        scales = {dimension: _scale(dimension) for dimension in levels}
        least = sum(int(scales[name].points[LEVELS[name].index(level)]) for name, level in levels.items())
        return Policy(
            name,
            version=version,
            knock_out=knock_outs,
            score=scales.values(),
            threshold=least if threshold is None else threshold,
        )
    required = tests if at_least is None else [AtLeast(at_least, tuple(tests))]
    return Policy(name, version=version, knock_out=knock_outs, require=required)


def _scale(dimension: str) -> Bands:
    """Return points by level, evenly from 0 for none to 10 for the highest."""
    levels = LEVELS[dimension]
    top = len(levels) - 1
    steps = [round(10 * rank / top) for rank in range(top + 1)]
    return bands(fact(f"discovery.{dimension}.level"), cuts=levels[1:], points=steps)
