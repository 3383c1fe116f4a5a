"""
Qualification frameworks: BANT and its relatives, as a gate, as so many of them, as a score, and as a ladder.

Theory. A framework is a table of dimensions with the least level each must have reached, and nothing else: one
mechanism serves all. Levels, not booleans: what was never asked is unknown and leads to a question, what was asked and
is not there is a level (``none``) and decides. The dimensions of `Discovery` have levels of their own; all others are
ratings (none, weak, fair, strong). Where a need is asked for, having none is a knock-out.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from leadflow.discovery import LEVELS, RATED, RATINGS
from leadflow.errors import Problem, did_you_mean
from leadflow.qualification.awards import Bands, bands
from leadflow.qualification.catalogue import spec_of
from leadflow.qualification.facts import Fact, fact
from leadflow.qualification.gates import knock_out
from leadflow.qualification.logic import AtLeast
from leadflow.qualification.milli import Number
from leadflow.qualification.policy import Policy
from leadflow.validation import MAX_CODE, check, instance, shown

__all__ = [
    "FRAMEWORKS",
    "LADDER",
    "Anum",
    "Bant",
    "Champ",
    "Faint",
    "Gpctba",
    "Meddpicc",
    "NearTermPurchase",
    "bant_ladder",
    "framework",
]


def _frozen(tables: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType({name: MappingProxyType(dict(levels)) for name, levels in tables.items()})


_BANT: Final = {"budget": "willing", "authority": "aware", "need": "stated", "timeline": "stated"}

# Per framework its dimensions in the order of its name, each with the least level. C&I is consequences, implications.
FRAMEWORKS: Final[Mapping[str, Mapping[str, str]]] = _frozen({
    "bant": _BANT,
    "near_term": {**_BANT, "next_step": "agreed", "catalyst": "stated"},
    "meddpicc": {
        "metrics": "fair", "economic_buyer": "fair", "decision_criteria": "fair", "decision_process": "fair",
        "paper_process": "weak", "pain": "fair", "champion": "fair", "competition": "weak",
    },
    "champ": {"challenges": "fair", "authority": "aware", "money": "weak", "prioritisation": "weak"},
    "gpctba": {
        "goals": "fair", "plans": "weak", "challenges": "fair", "timeline": "stated", "budget": "willing",
        "authority": "aware", "consequences": "weak", "implications": "weak",
    },
    "anum": {"authority": "involved", "need": "stated", "urgency": "fair", "money": "weak"},
    "faint": {"funds": "fair", "authority": "aware", "interest": "fair", "need": "stated", "timeline": "stated"},
})  # fmt: skip

# BANT as a ladder: more is demanded as the deal moves on; on the last rung it is an opportunity.
LADDER: Final[Mapping[str, Mapping[str, str]]] = _frozen({
    "lead": {"need": "stated"},
    "prospect": _BANT,
    "opportunity": {"budget": "identified", "authority": "aware", "need": "defined", "timeline": "agreed"},
})  # fmt: skip


def framework(
    id: str,  # noqa: A002 - the policy's id
    levels: Mapping[str, str],
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
) -> Policy:
    """
    Return a policy over dimensions of discovery, shipped or your own.

    >>> own = framework("ours", {"need": "defined", "champion": "fair", "custom.security": "strong"})
    >>> [gate.text for gate in own.require][2]
    "discovery.ratings.custom.security >= 'strong'"

    Args:
        id: The policy's id.
        levels: Per dimension the least level; `FRAMEWORKS` holds those that ship.
        version: The policy's version, from 1.
        at_least: How many of the dimensions have to be there; None: all.
        score: Give points instead, 0 to 10 per dimension by its level.
        threshold: The points needed where points are given; None: what the least levels together give.

    Raises:
        InvalidError: If a dimension or level is unknown, with the nearest names.
    """
    check("framework", instance("levels", levels, Mapping, "a mapping from dimensions to levels"))
    check(
        "framework",
        Problem("levels", "must hold at least one dimension, got none") if not levels else None,
        *map(_dimension_problem, levels),
        instance("score", score, bool, "True or False"),
        Problem("at_least", "must be left out where points are given; use threshold") if score and at_least else None,
        Problem("threshold", "must be left out without score=True") if not score and threshold is not None else None,
    )
    facts = {name: _dimension(name) for name in levels}
    knock_outs = [knock_out(facts["need"].equals("none"), "no need, no sale")] if "need" in levels else []
    tests = tuple(facts[name].at_least(level) for name, level in levels.items())
    if not score:
        required = tests if at_least is None else [AtLeast(at_least, tests)]
        return Policy(id, version=version, knock_out=knock_outs, require=required)
    scales = {name: _scale(fact, LEVELS.get(name, RATINGS)) for name, fact in facts.items()}
    least = sum(scale.points[LEVELS.get(name, RATINGS).index(levels[name])] for name, scale in scales.items())
    needed = least if threshold is None else threshold
    return Policy(id, version=version, knock_out=knock_outs, score=scales.values(), threshold=needed)


def _dimension_problem(name: object) -> Problem | None:
    if not isinstance(name, str):
        return Problem("levels", f"must be by the names of dimensions (str), got {shown(name)}", is_type=True)
    if name in LEVELS or name in RATED or spec_of(f"discovery.ratings.{name}") is not None:
        return None
    hint = did_you_mean(name[:MAX_CODE], {*LEVELS, *RATED})
    return Problem("levels", f"has no such dimension: {shown(name)}{hint}; your own are named custom.*")


def _dimension(name: str) -> Fact:
    return fact(f"discovery.{name}.level" if name in LEVELS else f"discovery.ratings.{name}")


def _scale(operand: Fact, levels: tuple[str, ...]) -> Bands:
    """Return points by level, evenly from 0 for none to 10 for the highest."""
    top = len(levels) - 1
    return bands(operand, cuts=levels[1:], points=[round(10 * rank / top) for rank in range(top + 1)])


def Bant(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "bant",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = FRAMEWORKS["bant"],
) -> Policy:
    """
    Return a policy on budget, authority, need and timeline; no need is a knock-out in every form; see `framework`.

    >>> [gate.text for gate in Bant().require][:2]
    ["discovery.budget.level >= 'willing'", "discovery.authority.level >= 'aware'"]
    >>> Bant(at_least=3).require[0].text.partition(":")[0]
    'at least 3 of'
    """
    return framework(id, levels, version=version, at_least=at_least, score=score, threshold=threshold)


def NearTermPurchase(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "near_term",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = FRAMEWORKS["near_term"],
) -> Policy:
    """Return a policy on BANT, a next step agreed on their side, and an event that makes them act; see `framework`."""
    return framework(id, levels, version=version, at_least=at_least, score=score, threshold=threshold)


def Meddpicc(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "meddpicc",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = FRAMEWORKS["meddpicc"],
) -> Policy:
    """Return a policy on metrics, economic buyer, decision, paper, pain, champion, competition; see `framework`."""
    return framework(id, levels, version=version, at_least=at_least, score=score, threshold=threshold)


def Champ(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "champ",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = FRAMEWORKS["champ"],
) -> Policy:
    """Return a policy on challenges, authority, money and prioritisation; see `framework`."""
    return framework(id, levels, version=version, at_least=at_least, score=score, threshold=threshold)


def Gpctba(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "gpctba",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = FRAMEWORKS["gpctba"],
) -> Policy:
    """Return a policy on goals, plans, challenges, timeline, budget, authority, what follows; see `framework`."""
    return framework(id, levels, version=version, at_least=at_least, score=score, threshold=threshold)


def Anum(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "anum",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = FRAMEWORKS["anum"],
) -> Policy:
    """Return a policy on authority, need, urgency and money; see `framework`."""
    return framework(id, levels, version=version, at_least=at_least, score=score, threshold=threshold)


def Faint(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "faint",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    at_least: int | None = None,
    score: bool = False,
    threshold: Number | None = None,
    levels: Mapping[str, str] = FRAMEWORKS["faint"],
) -> Policy:
    """Return a policy on funds, authority, interest, need and timing; see `framework`."""
    return framework(id, levels, version=version, at_least=at_least, score=score, threshold=threshold)


def bant_ladder() -> tuple[Policy, ...]:
    """
    Return BANT as a ladder: one policy per rung, from a lead to an opportunity, each demanding more.

    >>> [rung.id for rung in bant_ladder()]
    ['bant-lead', 'bant-prospect', 'bant-opportunity']
    """
    return tuple(framework(f"bant-{rung}", levels) for rung, levels in LADDER.items())
