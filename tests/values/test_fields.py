"""Custom fields: an immutable, hashable mapping of values of known kinds."""

import copy
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.fields import NO_FIELDS, Fields, field_problem, to_fields
from leadflow.money import Money

NAMES = st.text("abcdefghij_", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\r\n"))
VALUES = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.timedeltas()
    | st.builds(Money, st.integers(-(10**6), 10**6), st.just("EUR"))
    | st.lists(TEXTS).map(tuple)
    | st.frozensets(TEXTS)
)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=5)


class Tier(StrEnum):
    GOLD = "gold"


class Share(float):
    """As a NumPy float is: a subclass."""


class TestKinds:
    """The kinds of value are a closed union."""

    @given(VALUES)
    def test_known_kinds_are_fine(self, value):
        """Each of the kinds, with whatever value."""
        assert field_problem("field", value) is None

    @pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 100_001])
    def test_text_that_no_store_could_hold_is_refused(self, text):
        """As in notes, tags and names; also among several."""
        for value in (text, ("a", text), frozenset({text})):
            assert str(field_problem("field", value)).startswith("field must be ")

    def test_whole_numbers_that_cannot_be_written_out_are_refused(self):
        """Python writes ints of up to 4300 digits."""
        longest = 10**4300 - 1
        assert field_problem("field", longest) is field_problem("field", -longest) is None
        for value in (longest + 1, -longest - 1):
            assert str(field_problem("field", value)) == "field must have at most 4300 digits, got a value of type int"

    @pytest.mark.parametrize(
        "value", [None, [], ["a"], {"a": 1}, {"a"}, b"x", 1j, (1, 2), ("a", 1), frozenset({1}), object()]
    )
    def test_other_kinds_are_refused(self, value):
        """What can change or what a store does not know; the message lists what is known."""
        problem = field_problem("field", value)
        assert problem.is_type
        assert "must be bool, int, float, str, Decimal" in str(problem)

    @pytest.mark.parametrize(
        "value",
        [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), datetime(2026, 3, 1)],  # noqa: DTZ001
    )
    def test_values_that_mean_nothing_are_refused(self, value):
        """No NaN, nothing infinite, no datetime without a zone."""
        problem = field_problem("field", value)
        assert problem is not None
        assert not problem.is_type


class TestMapping:
    """Fields read like a mapping, in the order of their names."""

    @given(MAPPINGS)
    def test_they_hold_what_was_given(self, given_values):
        """Same items, sorted by name."""
        fields = Fields(given_values)
        assert isinstance(fields, Mapping)
        assert dict(fields) == given_values
        assert list(fields) == sorted(given_values)
        assert len(fields) == len(given_values)

    def test_a_missing_name_is_a_key_error(self):
        """As with any mapping."""
        with pytest.raises(KeyError):
            NO_FIELDS["tier"]

    def test_what_was_given_may_change_afterwards(self):
        """The values are copied."""
        values = {"seats": 1}
        fields = Fields(values)
        values["seats"] = 2
        assert fields["seats"] == 1

    def test_of_keeps_fields_and_converts_mappings(self):
        """The same object if they are fields already."""
        fields = Fields({"a": 1})
        assert Fields.of(fields) is to_fields(fields) is fields
        assert Fields.of({"a": 1}) == to_fields({"a": 1}) == fields

    @given(MAPPINGS, MAPPINGS)
    def test_but_sets_and_takes_out(self, given_values, changes):
        """A changed copy; None takes a field out."""
        fields = Fields(given_values)
        assert dict(fields.but(**changes)) == {**given_values, **changes}
        assert fields.but(**dict.fromkeys(given_values)) == NO_FIELDS
        assert dict(fields) == given_values


class TestValue:
    """Fields are a value."""

    @given(MAPPINGS)
    def test_order_given_does_not_matter(self, given_values):
        """Equal and hash-equal however they were put in."""
        one, other = Fields(given_values), Fields(dict(reversed(given_values.items())))
        assert one == other
        assert hash(one) == hash(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [(True, 1), (1, 1.0), (1, Decimal(1)), (1.0, Decimal(1)), ((), frozenset()), (Decimal(1), Money(1, "EUR"))],
    )
    def test_kinds_differ(self, one, other):
        """True is not 1, and 1 is not Decimal(1)."""
        assert Fields({"x": one}) != Fields({"x": other})

    @pytest.mark.parametrize(("one", "other"), [(Tier.GOLD, "gold"), (Share(0.5), 0.5)])
    def test_subclasses_are_of_the_kind_they_derive_from(self, one, other):
        """A member of a host's enum is the text it is, a NumPy float the float."""
        assert Fields({"x": one}) == Fields({"x": other})
        assert hash(Fields({"x": one})) == hash(Fields({"x": other}))

    def test_they_equal_no_plain_mapping(self):
        """A dict is not a value."""
        assert Fields({"a": 1}) != {"a": 1}

    def test_they_cannot_be_changed(self):
        """The refusal says how to get a changed copy."""
        fields = Fields({"seats": 1})
        with pytest.raises(AttributeError, match=r"use but\(seats=\.\.\.\)"):
            fields.seats = 2
        with pytest.raises(AttributeError, match=r"use but\(_values=None\)"):
            del fields._values
        with pytest.raises(TypeError):
            fields["seats"] = 2

    @given(MAPPINGS)
    def test_pickle_and_copies(self, given_values):
        """The same afterwards."""
        fields = Fields(given_values)
        assert pickle.loads(pickle.dumps(fields)) == copy.copy(fields) == copy.deepcopy(fields) == fields

    def test_repr(self):
        """As a constructor call."""
        assert repr(Fields({"b": 1, "a": "x"})) == "Fields({'a': 'x', 'b': 1})"


class TestChecks:
    """What cannot be fields is refused, all problems at once."""

    def test_all_problems_at_once(self):
        """Names and values together."""
        with pytest.raises(InvalidTypeError) as caught:
            Fields({"": 1, "tier": None, "share": float("nan"), 5: 1})
        assert [problem.path for problem in caught.value.problems] == ["name", "tier", "share", "name"]

    @pytest.mark.parametrize("values", [[("a", 1)], "a", 1])
    def test_only_mappings(self, values):
        """Pairs are not guessed at."""
        with pytest.raises(InvalidTypeError, match="must be a mapping from names to values"):
            Fields(values)

    def test_changes_are_checked(self):
        """`but` builds anew, with the same checks."""
        with pytest.raises(InvalidError, match="seats must be"):
            NO_FIELDS.but(seats=[1])
