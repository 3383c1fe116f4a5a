"""Stages: what a step of a pipeline may be."""

import pickle
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.pipeline import ForecastCategory, Requirement, Stage, StageCategory


def problems(**fields: object) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        Stage(**fields)
    return [str(problem) for problem in caught.value.problems]


class TestDefaults:
    """A stage asks only for what cannot be known."""

    def test_an_open_stage(self) -> None:
        """Open by default, forecast as pipeline, without requirements, never stale; the label comes from the code."""
        stage = Stage(code="needs_analysis", probability=0.2)
        assert stage.label == "Needs analysis"
        assert (stage.category, stage.forecast_category) == (StageCategory.OPEN, ForecastCategory.PIPELINE)
        assert (stage.requires, stage.rots_after, stage.review_every) == (frozenset(), None, None)
        assert (stage.is_open, stage.is_won, stage.is_lost) == (True, False, False)

    def test_a_won_stage(self) -> None:
        """Won is 100 % and closed."""
        stage = Stage(code="won", category="won")
        assert (stage.probability, stage.forecast_category) == (1.0, ForecastCategory.CLOSED)
        assert (stage.is_open, stage.is_won, stage.is_lost) == (False, True, False)

    def test_a_lost_stage(self) -> None:
        """Lost is 0 % and omitted."""
        stage = Stage(code="lost", category=StageCategory.LOST)
        assert (stage.probability, stage.forecast_category) == (0.0, ForecastCategory.OMITTED)
        assert (stage.is_open, stage.is_won, stage.is_lost) == (False, False, True)


class TestConversion:
    """Values as they come from a file become the values of the type."""

    def test_strings_become_members(self) -> None:
        """Category, forecast category and requirements may be given by their codes."""
        stage = Stage(
            code="x", probability=1, category="open", forecast_category="best_case", requires=["amount", "next_step"]
        )
        assert stage.category is StageCategory.OPEN
        assert stage.forecast_category is ForecastCategory.BEST_CASE
        assert stage.requires == {Requirement.AMOUNT, Requirement.NEXT_STEP}
        assert all(isinstance(one, Requirement) for one in stage.requires)

    def test_whole_probabilities_become_floats(self) -> None:
        """1 and 1.0 make the same stage, in every respect."""
        assert repr(Stage(code="x", probability=1)) == repr(Stage(code="x", probability=1.0))

    def test_the_list_of_requirements_is_closed(self) -> None:
        """There are five, and anything else is a policy."""
        assert set(Requirement) == {"amount", "expected_close", "next_step", "decision_maker", "primary_contact"}


class TestCategoryRules:
    """State comes from the category, and probability and forecast category follow it."""

    @given(st.sampled_from(StageCategory), st.floats(0, 1), st.sampled_from(ForecastCategory))
    def test_only_consistent_stages_are_built(self, category, probability, forecast) -> None:
        """Won is 1.0 and closed, lost 0.0 and omitted, open anything but closed."""
        try:
            stage = Stage(code="x", category=category, probability=probability, forecast_category=forecast)
        except InvalidError:
            built = False
        else:
            built = True
            assert [stage.is_open, stage.is_won, stage.is_lost].count(True) == 1
        expected = {
            StageCategory.OPEN: forecast != "closed",
            StageCategory.WON: (probability, forecast) == (1.0, "closed"),
            StageCategory.LOST: (probability, forecast) == (0.0, "omitted"),
        }
        assert built is expected[category]

    def test_certain_but_open(self) -> None:
        """100 % in an open stage is legal and stays open; so is 0 %."""
        assert Stage(code="signed", probability=1.0).is_open
        assert Stage(code="on_hold", probability=0.0, forecast_category="omitted").is_open

    def test_the_messages_name_the_stage(self) -> None:
        """Each problem says which stage breaks which rule."""
        day = timedelta(days=1)
        assert problems(code="w", category="won", probability=0.9, forecast_category="commit", rots_after=day) == [
            "probability must be 1.0 in won stage 'w', got 0.9",
            "forecast_category must be closed in won stage 'w', got 'commit'",
            "rots_after must be left out in won stage 'w': only open deals rot or come up for review",
        ]
        assert problems(code="l", category="lost", probability=0.9, review_every=day) == [
            "probability must be 0.0 in lost stage 'l', got 0.9",
            "review_every must be left out in lost stage 'l': only open deals rot or come up for review",
        ]
        assert problems(code="o", probability=0.9, forecast_category="closed") == [
            "forecast_category must not be closed in open stage 'o'"
        ]


class TestBadInput:
    """A stage that makes no sense is not built, and every problem is named."""

    def test_everything_at_once(self) -> None:
        """All fields are judged, not the first bad one."""
        found = problems(
            code="",
            label=" ",
            category="opne",
            probability=float("nan"),
            forecast_category=4,
            requires=["amont"],
            rots_after=timedelta(0),
            review_every=7,
        )
        assert found == [
            "code must be 1 to 191 printable characters without white space around them, got ''",
            "label must be text with something in it, got ' '",
            "category is unknown: 'opne' (did you mean 'open'?)",
            "probability must be a probability in [0, 1], got nan",
            "forecast_category must be a code (str), got 4",
            "requires is unknown: 'amont' (did you mean 'amount'?)",
            "rots_after must be longer than nothing, got datetime.timedelta(0)",
            "review_every must be a timedelta, got 7",
        ]

    @pytest.mark.parametrize("probability", [-0.1, 1.1, 20, float("inf"), "0.2", True, None])
    def test_probabilities(self, probability: object) -> None:
        """A probability is a number in [0, 1]; 20 is not 20 %."""
        [problem] = problems(code="x", probability=probability)
        assert problem.startswith("probability must be a probability")

    def test_an_open_stage_needs_a_probability(self) -> None:
        """There is no usual chance of an open stage, so none is assumed."""
        assert problems(code="x") == ["probability must be a probability (float) in [0, 1], got None"]

    @pytest.mark.parametrize("requires", ["amount", 3, None, [["amount"]], [{}]])
    def test_requirements_of_the_wrong_shape(self, requires: object) -> None:
        """Requirements come as a set of codes; a bare string is no set."""
        [problem] = problems(code="x", probability=0.1, requires=requires)
        assert problem.startswith("requires must be a set of requirements, got")

    def test_a_requirement_of_the_wrong_type(self) -> None:
        """What is no code at all is a type error."""
        with pytest.raises(InvalidTypeError, match=r"requires must be a code .str., got 3"):
            Stage(code="x", probability=0.1, requires={3})

    @pytest.mark.parametrize("category", [["open"], None])
    def test_categories_of_the_wrong_type(self, category: object) -> None:
        """An unhashable or missing category is reported like any other."""
        assert any(
            "category must be a code" in problem for problem in problems(code="x", probability=0.1, category=category)
        )


class TestValue:
    """A stage is a plain frozen value."""

    def test_frozen_hashable_picklable(self) -> None:
        """It can be a key, travels through pickle and cannot be changed in place."""
        stage = Stage(code="x", probability=0.3, requires={"amount"}, rots_after=timedelta(days=30))
        assert pickle.loads(pickle.dumps(stage)) == stage
        assert {stage: 1}[attrs.evolve(stage)] == 1
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            stage.probability = 0.5
