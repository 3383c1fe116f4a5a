"""Weights: what agreeing counts, and that a name or a phone number alone never decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import InvalidError
from leadflow.conversion import ConversionSettings, Matching
from leadflow.conversion.weighing import WEIGHED

weights = st.integers(0, 120)


class TestRule09Weights:
    """Weights and threshold are data; a name or a phone number alone never decides, whatever a host sets."""

    def test_everything_wrong_at_once(self):
        """Each weight by its name."""
        with pytest.raises(InvalidError) as caught:
            Matching(email=-1, domain="x", phone=None, name=1.5, threshold=0, max_hits=0)
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["email", "domain", "phone", "name", "threshold", "max_hits"]

    def test_a_name_never_decides(self):
        """A weight that would let it is refused when the value is built."""
        with pytest.raises(InvalidError) as caught:
            Matching(phone=100, name=100)
        assert [problem.path for problem in caught.value.problems] == ["phone", "name"]
        assert "name must be below the threshold (100), since it never decides alone, got 100" in str(caught.value)
        assert Matching(phone=99, name=99).asked(["name"]) == set()

    def test_settings_hold_them(self):
        """And check that they are that."""
        with pytest.raises(InvalidError, match="matching must be Matching, got 3"):
            ConversionSettings(matching=3)

    def test_what_is_not_weighed(self):
        """Products and contacts tell deals apart, not people."""
        assert Matching().weight("product") == 0

    @given(weights, weights, st.integers(0, 99), st.integers(0, 99), st.sets(st.sampled_from(WEIGHED)))
    def test_what_is_asked_for_decides(self, email, domain, phone, name, given_):
        """Whatever set of criteria reaches the threshold still does with those alone that are asked for."""
        rules = Matching(email=email, domain=domain, phone=phone, name=name)
        asked = rules.asked(given_)
        assert asked <= given_
        enough = sum(map(rules.weight, given_)) >= rules.threshold
        assert enough == (sum(map(rules.weight, asked)) >= rules.threshold)
        assert enough == bool(asked)
