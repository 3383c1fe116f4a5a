"""Checks on values: each returns a problem or nothing, and never raises on whatever it is given."""

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import validation
from leadflow.engagement import Engagement, Touch
from leadflow.errors import InvalidError, InvalidTypeError, Problem
from leadflow.fields import Fields
from leadflow.lead import Lead
from leadflow.party import Person
from leadflow.validation import check, invalid, member, shown, to_set, to_tuple


class Colour(StrEnum):
    RED = "red"
    DARK_RED = "dark_red"


class Broken:
    def __repr__(self):
        raise RuntimeError("no repr either")


class NaT(datetime):
    """What pandas puts where a time is missing: a datetime that raises when it is asked for its offset."""

    def utcoffset(self):
        raise ValueError("NaTType does not support utcoffset")

    def __repr__(self):
        return "NaT"


class Unwilling(tzinfo):
    def utcoffset(self, moment):
        raise RuntimeError("no rules for this zone")


class Timeless(tzinfo):
    def utcoffset(self, moment):
        return None


NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001  # what the library has to refuse
NOW = datetime(2026, 3, 1, tzinfo=UTC)
MARA = Person("Mara Okafor", email="mara@northwind.example")
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.decimals()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
RULES = [
    validation.text,
    validation.prose,
    validation.code,
    validation.aware,
    validation.day,
    validation.whole,
    validation.finite,
    validation.probability,
    lambda path, value: validation.coded(path, value, Colour),
    lambda path, value: validation.instance(path, value, Colour, "a Colour"),
]


class TestRules:
    """What each rule lets through and what it refuses, and whether that is a matter of type."""

    @pytest.mark.parametrize(
        ("rule", "good"),
        [
            ("text", ["Mara", "Zoë O'Brien-Ngũgĩ", "क्‍ष", "a\u00a0b", "x" * 500]),
            ("prose", ["", "two\nlines\t", "x" * 100_000]),
            ("code", ["L-1", "custom.demo", "a b", "x" * 191, "ü"]),
            ("aware", [NOW]),
            ("day", [date(2026, 3, 1)]),
            ("whole", [0, 7, 2**63 - 1]),
            ("finite", [0, -1.5, 1e308, 10**300]),
            ("probability", [0, 1, 0.5, 0.0, 1.0, 5e-324]),
        ],
    )
    def test_what_is_good(self, rule, good):
        """No problem."""
        assert [getattr(validation, rule)("field", value) for value in good] == [None] * len(good)

    @pytest.mark.parametrize(
        ("rule", "bad"),
        [
            ("text", ["", " ", "\t", "two\nlines", "nul\0", "esc\x1b[0m", "\x85", "\ud800", "x" * 501]),
            ("prose", ["x" * 100_001]),
            ("code", ["", " a", "a ", "a\nb", "a\u200b", "x" * 192]),
            ("aware", [NAIVE, datetime(2026, 3, 1, tzinfo=Timeless())]),
            ("whole", [-1, 2**63, 10**5000]),
            ("finite", [float("nan"), float("inf"), float("-inf"), 10**400, -(10**400)]),
            ("probability", [-0.01, 1.01, 2, float("nan"), float("inf")]),
        ],
    )
    def test_what_is_out_of_range(self, rule, bad):
        """A problem, not of type, that names the field and the value."""
        for value in bad:
            problem = getattr(validation, rule)("field", value)
            assert str(problem).startswith("field must be ")
            assert f"got {shown(value)}" in str(problem)
            assert not problem.is_type

    @pytest.mark.parametrize(
        ("rule", "wrong"),
        [
            ("text", [None, 1, b"x"]),
            ("prose", [None, 1]),
            ("code", [None, 1]),
            ("aware", [None, date(2026, 3, 1), "2026-03-01"]),
            ("day", [None, NOW, "2026-03-01"]),
            ("whole", [None, True, 3.0, Decimal(3), "3"]),
            ("finite", [None, True, Decimal(3), "3", 1j]),
            ("probability", [None, True, Decimal("0.5"), "0.5"]),
        ],
    )
    def test_what_is_of_the_wrong_type(self, rule, wrong):
        """A problem of type."""
        assert all(getattr(validation, rule)("field", value).is_type for value in wrong)

    @pytest.mark.parametrize("rule", RULES)
    @given(value=ANYTHING)
    def test_no_rule_raises(self, rule, value):
        """Whatever comes, the answer is a problem or nothing."""
        assert isinstance(rule("field", value), Problem | None)

    @pytest.mark.parametrize("rule", RULES)
    def test_not_even_on_what_cannot_be_shown(self, rule):
        """A broken repr does not hide the problem."""
        assert "got a value of type Broken" in str(rule("field", Broken()))

    def test_a_least_number_can_be_named(self):
        """`whole` takes a lower bound, `text` a longest length."""
        assert str(validation.whole("parts", 0, 1)) == "parts must be at least 1, got 0"
        assert str(validation.text("name", "abc", 2)) == "name must be at most 2 characters, got 'abc'"

    def test_instance(self):
        """The rule is told in words."""
        assert validation.instance("x", 1, int, "an int") is None
        assert str(validation.instance("x", 1, (str, bytes), "text")) == "x must be text, got 1"


class TestTimesThatCannotSayTheirOffset:
    """What is a datetime by type, but raises when it is asked for its offset, is refused like any other value."""

    @pytest.mark.parametrize("strange", [NaT(2026, 3, 1), datetime(2026, 3, 1, tzinfo=Unwilling())])
    def test_it_is_a_problem_with_its_path(self, strange):
        """The check names the path; the converter hands the value on to it."""
        assert validation.to_instant(strange) is strange
        assert validation.aware("at", strange).path == "at"

    def test_the_message(self):
        """The message says what was expected."""
        assert str(validation.aware("at", NaT(2026, 3, 1))) == "at must be a timezone-aware datetime, got NaT"

    def test_all_problems_are_told(self):
        """What else is wrong is told with it: in an event, a custom field, a touch."""
        with pytest.raises(InvalidError) as caught:
            Lead.capture("L-1", person=MARA, engagement=Engagement("demo_request", at=NOW), at=NaT(2026, 3, 1), by=3)
        assert {problem.path for problem in caught.value.problems} == {"at", "by"}
        with pytest.raises(InvalidError, match="seen must be a timezone-aware datetime, got NaT"):
            Fields.of({"seen": NaT(2026, 3, 1)})
        with pytest.raises(InvalidError, match="at must be a timezone-aware datetime, got NaT"):
            Touch("call", at=NaT(2026, 3, 1), outcome="held")


class TestCombining:
    """Rules combine: optional, for each, unique, when, coded."""

    def test_optional(self):
        """None passes; anything else is checked, with the rule's further arguments."""
        assert validation.optional(validation.whole, "n", None, 1) is None
        assert validation.optional(validation.whole, "n", 1, 1) is None
        assert str(validation.optional(validation.whole, "n", 0, 1)) == "n must be at least 1, got 0"

    def test_each(self):
        """Every item is checked and named by its place; a list is refused."""
        assert validation.each("tags", ("a", "b"), validation.text) == [None, None]
        assert [str(p) for p in validation.each("tags", ("a", ""), validation.text) if p] == [
            "tags[1] must be text with something in it, got ''"
        ]
        [problem] = validation.each("tags", ["a"], validation.text)
        assert problem.is_type

    def test_unique(self):
        """The key that comes twice is named."""
        assert validation.unique("ids", ["a", "b"]) is None
        assert str(validation.unique("ids", ["a", "b", "a"])) == "ids must not repeat, got 'a' twice"

    def test_when(self):
        """The condition is of something being wrong."""
        assert validation.when(condition=False, path="x", message="is odd") is None
        assert str(validation.when(condition=True, path="x", message="is odd")) == "x is odd"

    @pytest.mark.parametrize("known", [Colour, ["red", "dark_red"], {"red": 1, "dark_red": 2}, frozenset(Colour)])
    def test_coded(self, known):
        """Codes come from an enum or any collection; the nearest is named as plain text."""
        assert validation.coded("colour", "red", known) is None
        assert validation.coded("colour", Colour.DARK_RED, known) is None
        assert str(validation.coded("colour", "drak_red", known)) == (
            "colour is unknown: 'drak_red' (did you mean 'dark_red'?)"
        )
        assert validation.coded("colour", 1, known).is_type


class TestRaising:
    """One error for one input, with all problems."""

    def test_no_problem_no_error(self):
        """`check` is silent when nothing was found."""
        check("Person", None, None)

    def test_all_problems_in_order(self):
        """Every problem found, in the order of the fields; nothing else."""
        one, two = Problem("name", "is odd"), Problem("age", "is odder")
        with pytest.raises(InvalidError) as caught:
            check("Person", None, one, None, two)
        assert caught.value.problems == (one, two)
        assert str(caught.value) == "Person: name is odd; age is odder"
        assert not isinstance(caught.value, TypeError)

    def test_one_problem_of_type_makes_a_type_error(self):
        """Callers who catch TypeError or ValueError both get it."""
        error = invalid("Person", Problem("name", "is odd"), Problem("age", "must be int", is_type=True))
        assert isinstance(error, InvalidTypeError)
        assert isinstance(error, TypeError)
        assert isinstance(error, ValueError)


class TestShown:
    """Refused values are quoted, shortly."""

    def test_short_values_are_whole(self):
        """As repr has them."""
        assert shown("x" * 198) == repr("x" * 198)

    def test_long_values_are_cut(self):
        """With their length: of a text its own, without the quotes; of anything else that of what would be shown."""
        assert shown("x" * 199) == f"'{'x' * 119}... (199 characters)"
        assert shown(["x" * 199]) == f"['{'x' * 118}... (203 characters)"

    def test_what_python_cannot_write_out(self):
        """An int of more than 4300 digits has no repr."""
        assert shown(10**5000) == "a value of type int"


class TestConverters:
    """Converters convert what they know and leave the rest to the check."""

    def test_member(self):
        """Value or member becomes the member; the rest passes, hashable or not."""
        convert = member(Colour)
        assert convert("red") is convert(Colour.RED) is Colour.RED
        assert [convert(value) for value in ("blue", None, [1])] == ["blue", None, [1]]
        assert member(Colour, none=True)(None) is None

    def test_to_set(self):
        """Any collection of texts, but not the letters of one."""
        assert to_set(["a", "b", "a"]) == frozenset({"a", "b"})
        assert to_set("ab") == "ab"

    def test_to_tuple(self):
        """Any collection, but not the letters of a text; what is no collection passes."""
        assert to_tuple(iter([1, 2])) == (1, 2)
        assert to_tuple("ab") == "ab"
        assert to_tuple(1) == 1


class TestBuilt:
    """A value built inside another reports its problems together with those around it."""

    def test_the_value(self):
        """Nothing wrong: the value."""
        assert validation.built("Lead", lambda: 1, None) == 1

    def test_problems_around_it(self):
        """The value is good, what was found before is not."""
        with pytest.raises(InvalidError, match=r"^Lead: id is odd$"):
            validation.built("Lead", lambda: 1, Problem("id", "is odd"))

    def test_problems_inside_and_around(self):
        """Both kinds are told at once."""
        with pytest.raises(InvalidTypeError, match=r"^Lead: id is odd; name must be text \(str\), got 1$"):
            validation.built("Lead", lambda: check("Person", validation.text("name", 1)), Problem("id", "is odd"))
