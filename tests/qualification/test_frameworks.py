"""The other frameworks are tables over the same mechanism."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from leadflow.discovery import LEVELS, RATED, RATINGS
from leadflow.errors import InvalidError
from leadflow.qualification import (
    Anum,
    Bant,
    Champ,
    FactSheet,
    Faint,
    Gpctba,
    Meddpicc,
    NearTermPurchase,
    Verdict,
    framework,
    policy_from_dict,
)
from leadflow.qualification.frameworks import FRAMEWORKS, LADDER

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHIPPED = {
    "anum": Anum,
    "bant": Bant,
    "champ": Champ,
    "faint": Faint,
    "gpctba": Gpctba,
    "meddpicc": Meddpicc,
    "near_term": NearTermPurchase,
}


def sheet(levels):
    names = {name: f"discovery.{name}.level" if name in LEVELS else f"discovery.ratings.{name}" for name in levels}
    return FactSheet({names[name]: level for name, level in levels.items()})


@pytest.mark.parametrize("key", sorted(SHIPPED))
class TestEveryFramework:
    """What holds for each of them."""

    def test_least_levels_qualify(self, key):
        """The least levels are enough, as a gate, as so many of them, and as a score."""
        levels = FRAMEWORKS[key]
        for form in ({}, {"at_least": len(levels) - 1}, {"score": True}):
            assert SHIPPED[key](**form).assess(sheet(levels), at=AT).verdict is Verdict.QUALIFIED

    def test_nothing_asked_is_undecided(self, key):
        """Nothing asked leads to one question per dimension."""
        found = SHIPPED[key]().assess(FactSheet({}), at=AT)
        assert found.verdict is Verdict.UNDECIDED
        assert len(found.questions) == len(FRAMEWORKS[key])

    def test_nothing_there_is_a_no(self, key):
        """Asked everywhere and nothing there is a no in every form."""
        nothing = sheet(dict.fromkeys(FRAMEWORKS[key], "none"))
        expected = Verdict.DISQUALIFIED if "need" in FRAMEWORKS[key] else Verdict.NOT_QUALIFIED
        for form in ({}, {"at_least": 2}, {"score": True}):
            assert SHIPPED[key](**form).assess(nothing, at=AT).verdict is expected

    def test_dimensions_exist(self, key):
        """Every dimension can be stored in a discovery."""
        assert all(name in LEVELS or name in RATED for name in FRAMEWORKS[key])
        assert all(level in LEVELS.get(name, RATINGS) for name, level in FRAMEWORKS[key].items())

    def test_it_can_be_stored(self, key):
        """It is an ordinary policy with a dict form."""
        policy = SHIPPED[key](score=True, threshold=5)
        assert policy_from_dict(policy.to_dict()) == policy


class TestOwn:
    """A framework of one's own."""

    def test_unknown_dimension(self):
        """An unknown dimension or level is refused with the nearest name."""
        with pytest.raises(InvalidError, match=r"did you mean 'champion'"):
            framework("ours", {"champoin": "fair"})
        with pytest.raises(InvalidError, match="did you mean 'strong'"):
            framework("ours", {"champion": "strongly"})

    def test_rungs_ask_for_more(self):
        """On the ladder every dimension is asked for at least as much as on the rung below."""
        rungs = list(LADDER.values())
        for lower, upper in pairwise(rungs):
            assert all(LEVELS[name].index(level) <= LEVELS[name].index(upper[name]) for name, level in lower.items())
