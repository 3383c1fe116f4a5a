"""What we have learnt: unknown apart from none, levels, bare values, and mistakes named by dimension."""

import pickle
from datetime import UTC, date, datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Discovery, InvalidError, InvalidTypeError, Learned, Money
from leadflow.discovery import (
    DIMENSIONS,
    LEVELS,
    NOTHING_LEARNT,
    RATED,
    RATINGS,
    change_problems,
    learn,
    to_changes,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001
LEVEL_OF = st.sampled_from([(name, level) for name, levels in LEVELS.items() for level in levels])
RATING_OF = st.tuples(st.sampled_from(sorted(RATED)).map("ratings.{}".format), st.sampled_from(RATINGS))
CHANGES = st.lists(
    st.one_of(LEVEL_OF, RATING_OF).flatmap(
        lambda pair: st.sampled_from([(pair[0], Learned(pair[1], at=AT)), (pair[0], None)])
    ),
    min_size=1,
    max_size=6,
).map(tuple)


def problems(inputs, ratings=None):
    return [str(problem) for problem in change_problems(learn(inputs, ratings, at=AT)) if problem]


class TestLearn:
    """What a caller says, as changes."""

    @pytest.mark.parametrize(
        ("name", "given_value", "level", "value"),
        [
            ("budget", Money(5, "EUR"), "identified", Money(5, "EUR")),
            ("budget", "approved", "approved", None),
            ("budget", "none", "none", None),
            ("authority", "decides", "decides", None),
            ("need", "late deliveries", "stated", "late deliveries"),
            ("need", "defined", "defined", None),
            ("timeline", date(2026, 6, 30), "stated", date(2026, 6, 30)),
            ("timeline", "agreed", "agreed", None),
            ("next_step", "a call\non Monday", "stated", "a call\non Monday"),
            ("catalyst", "the merger", "stated", "the merger"),
            ("budget", Learned("willing", value=Money(5, "EUR")), "willing", Money(5, "EUR")),
        ],
    )
    def test_levels_and_bare_values(self, name, given_value, level, value):
        """A level's name, a bare value of the dimension's type, or a `Learned`; the time is filled in."""
        assert learn({name: given_value}, at=AT) == ((name, Learned(level, value=value, at=AT)),)
        assert problems({name: given_value}) == []

    def test_its_own_time_stays(self):
        """A `Learned` with a time keeps it."""
        earlier = Learned("decides", at=AT.replace(hour=1))
        assert learn({"authority": earlier}, at=AT) == (("authority", earlier),)

    def test_unknown_takes_back(self):
        """The way to correct a mistake, for ratings too."""
        assert learn({"need": "unknown"}, {"champion": "unknown"}, at=AT) == (
            ("need", None),
            ("ratings.champion", None),
        )

    def test_order_and_what_is_not_mentioned(self):
        """As given, ratings last; None is not mentioned."""
        changes = learn(
            {"need": "stated", "budget": None, "authority": "aware"}, {"pain": "strong", "goals": None}, at=AT
        )
        assert [name for name, _ in changes] == ["need", "authority", "ratings.pain"]

    def test_a_naive_time_is_left_to_the_event(self):
        """So that it is reported once, with all else."""
        assert learn({"need": "stated"}, at=NAIVE) == (("need", Learned("stated")),)

    @pytest.mark.parametrize(
        ("name", "wrong", "message"),
        [
            ("budget", "aproved", "budget.level is unknown: 'aproved' (did you mean 'approved'?)"),
            ("budget", "48000", "budget.level is unknown: '48000'"),
            ("budget", 48_000, "budget must be a level, a bare value or a Learned, got 48000"),
            ("budget", 48_000.0, "budget must be a level, a bare value or a Learned, got 48000.0"),
            ("budget", date(2026, 1, 1), "budget.value must be Money, got datetime.date(2026, 1, 1)"),
            ("authority", "boss", "authority.level is unknown: 'boss'"),
            ("authority", Money(1, "EUR"), "authority must be a level"),
            ("authority", "", "authority.level must be 1 to"),
            ("need", "", "need.value must say something or be left out, got ''"),
            ("need", "a\x00", "need.value must be text without control characters"),
            ("need", Money(1, "EUR"), "need.value must be text (str)"),
            ("timeline", AT, "timeline.value must be a date without a time, got datetime.datetime(2026, 3, 2, 9"),
            ("timeline", "soon", "timeline.level is unknown: 'soon'"),
            ("catalyst", Learned("none", value="x"), "catalyst.value must be left out when there is none, got 'x'"),
            ("budget", Learned("decides"), "budget.level is unknown: 'decides'"),
        ],
    )
    def test_mistakes(self, name, wrong, message):
        """Named by dimension, with what was got."""
        assert len(problems({name: wrong})) == 1
        assert problems({name: wrong})[0].startswith(message)

    @pytest.mark.parametrize(
        ("ratings", "message"),
        [
            ({"champion": "mighty"}, "ratings.champion.level is unknown: 'mighty'"),
            ({"champoin": "weak"}, "ratings.champoin is unknown: 'champoin' (did you mean 'champion'?)"),
            ({"custom.x": "weak"}, None),
            ({"custom.": "weak"}, "ratings.custom. must be 1 to"),
            ("champion", "ratings must be a mapping from names to levels, got 'champion'"),
        ],
    )
    def test_mistaken_ratings(self, ratings, message):
        """Named likewise; a host's own begin with `custom.`."""
        found = problems({}, ratings)
        assert [problem[: len(message or "")] for problem in found] == ([message] if message else [])

    def test_all_problems_at_once(self):
        """Every dimension that is wrong."""
        assert len(problems({"budget": 5, "need": "", "timeline": AT}, {"x": "y"})) == 5


class TestChanges:
    """What an event holds."""

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ((), "must mention at least one dimension"),
            ("need", "changes must be a tuple of pairs"),
            ((("need",),), "changes[0] must be a pair of a dimension and a Learned, got ('need',)"),
            (((1, None),), "changes[0] must be a pair"),
            ((("neeed", None),), "neeed is unknown: 'neeed' (did you mean 'need'?)"),
            ((("need", 5),), "need must be a level, a bare value or a Learned, got 5"),
        ],
    )
    def test_mistakes(self, changes, message):
        """A dimension that exists, and a `Learned` or None."""
        found = [str(problem) for problem in change_problems(changes) if problem]
        assert found[0].startswith(message)

    def test_as_a_converter(self):
        """Lists of pairs from a JSON file will do; what is no collection is left to the check."""
        assert to_changes([["need", None]]) == (("need", None),)
        assert to_changes((("need", None),)) == (("need", None),)
        assert to_changes("need") == "need"


class TestDiscovery:
    """Nothing is "not asked"; none is "asked, there is none"."""

    @given(CHANGES)
    def test_but(self, changes):
        """The last word on each dimension counts; nothing else changes."""
        found = NOTHING_LEARNT.but(changes)
        last = dict(changes)
        known = dict(found)
        assert all(known.get(name) == learned for name, learned in last.items())
        assert {name for name, learned in found if learned is not None} == {
            name for name, learned in last.items() if learned is not None
        }
        assert Discovery(**{name: known[name] for name in DIMENSIONS}, ratings=found.ratings) == found
        assert pickle.loads(pickle.dumps(found)) == found
        assert hash(found) == hash(evolve(found, ratings=found.ratings))
        assert len(found.to_rows()) == len([name for name, learned in last.items() if learned])

    def test_order_of_ratings_does_not_matter(self):
        """Nor does a name given twice in pairs: the last counts."""
        weak, fair = Learned("weak"), Learned("fair")
        one = Discovery(ratings={"pain": weak, "champion": fair})
        assert one == Discovery(ratings=(("champion", fair), ("pain", fair), ("pain", weak)))
        assert dict(one.ratings) == {"champion": fair, "pain": weak}
        with pytest.raises(TypeError):
            one.ratings["pain"] = fair

    @pytest.mark.parametrize("ratings", ["pain", 5, [1, 2], [("pain", "weak", 1)], (("pain",),)])
    def test_what_are_no_ratings(self, ratings):
        """A mapping, or pairs."""
        with pytest.raises(InvalidTypeError, match="ratings must be a mapping"):
            Discovery(ratings=ratings)

    def test_mistakes_at_once(self):
        """Every dimension; bare values are for commands."""
        with pytest.raises(InvalidTypeError) as caught:
            Discovery(budget="approved", need=Learned("agreed"), ratings={"x": Learned("weak")})
        assert [problem.path for problem in caught.value.problems] == ["budget", "need.level", "ratings.x"]

    def test_in_a_notebook(self):
        """A table of what is known, escaped."""
        html = Discovery(need=Learned("stated", value="<script>"))._repr_html_()
        assert "&lt;script&gt;" in html
        assert "<script>" not in html


class TestLearned:
    """What is known of one dimension."""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"value": 5},
            {"value": NAIVE},
            {"value": AT},
            {"value": " "},
            {"evidence": None},
            {"source": ""},
            {"at": NAIVE},
            {"level": ""},
        ],
    )
    def test_mistakes(self, wrong):
        """One clear problem each."""
        with pytest.raises(InvalidError) as caught:
            Learned(**({"level": "stated"} | wrong))
        assert [problem.path for problem in caught.value.problems] == list(wrong)
