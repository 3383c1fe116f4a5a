"""Pipelines: which moves are legal, which definitions are refused, and that python-statemachine agrees."""

import copy
import pickle
import subprocess
import sys
from datetime import timedelta

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statemachine.exceptions import TransitionNotAllowed

from leadflow.errors import InvalidError, InvalidTypeError, LeadflowError, UnknownNameError, UnknownStageError
from leadflow.pipeline import Pipeline, Stage
from leadflow.pipelines import HUBSPOT, PRESETS, SALESFORCE, SIMPLE

NASTY = [
    "model",
    "send",
    "states",
    "s0",
    "m0",
    "2-QUAL",
    "Id. Decision",
    "größe",
    "段階",
    "class",
    "*",
    "a.b",
    "win won",
]


def open_(code: str, probability: float = 0.5) -> Stage:
    return Stage(code=code, probability=probability)


A, B, C = open_("a", 0.1), open_("b", 0.4), open_("c", 0.8)
WON, PAID = Stage(code="won", category="won"), Stage(code="paid", category="won")
LOST, GONE = Stage(code="lost", category="lost"), Stage(code="gone", category="lost")


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    categories = ["open", "won", "lost", *draw(st.lists(st.sampled_from(["open", "open", "won", "lost"]), max_size=4))]
    categories = draw(st.permutations(categories))
    names = draw(
        st.lists(
            st.sampled_from(NASTY) | st.text("abcxyz_ü-", min_size=1, max_size=5),
            min_size=len(categories),
            max_size=len(categories),
            unique=True,
        )
    )
    stages = [
        Stage(code=name, category=category, **({"probability": draw(st.floats(0, 1))} if category == "open" else {}))
        for name, category in zip(names, categories, strict=True)
    ]
    back = draw(st.booleans())
    opened = [stage.code for stage in stages if stage.is_open]
    entry = draw(st.none() | st.sampled_from(opened))
    try:
        general = Pipeline("drawn", stages, allow_back=back, entry=entry)
        if draw(st.booleans()):
            every = [(source, target) for source in names for target in general.moves_from(source)]
            dropped = draw(st.sets(st.sampled_from(every), max_size=4))
            return attrs.evolve(general, moves=set(every) - dropped)
    except InvalidError:
        assume(False)
    return general


def problems(*args: object, **more: object) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        Pipeline(*args, **more)
    return [str(problem) for problem in caught.value.problems]


def matrix(pipeline: Pipeline) -> dict[str, str]:
    """Which moves are legal, as one row of dots and marks per stage."""
    names = [stage.code for stage in pipeline.stages]
    return {source: "".join("x" if pipeline.can_move(source, target) else "." for target in names) for source in names}


class TestMoves:
    """Which moves are legal, written out."""

    def test_the_general_rule(self) -> None:
        """From an open stage anywhere but where it is; from a won stage to another won one; from a lost one nowhere."""
        assert matrix(Pipeline("p", (A, B, C, WON, PAID, LOST, GONE))) == {
            "a": ".xxxxxx",
            "b": "x.xxxxx",
            "c": "xx.xxxx",
            "won": "....x..",
            "paid": "...x...",
            "lost": ".......",
            "gone": ".......",
        }

    def test_without_going_back(self) -> None:
        """allow_back=False keeps open moves in the order of the stages, whatever stands between them."""
        assert matrix(Pipeline("p", (A, LOST, B, WON, C), allow_back=False)) == {
            "a": ".xxxx",
            "lost": ".....",
            "b": ".x.xx",
            "won": ".....",
            "c": ".x.x.",
        }

    def test_explicit_moves_and_no_others(self) -> None:
        """A list of moves replaces the general rule."""
        pipeline = Pipeline(
            "p", (A, B, WON, LOST, GONE), moves=[("a", "b"), ["b", "won"], ("b", "lost"), ("lost", "gone")]
        )
        assert matrix(pipeline) == {"a": ".x...", "b": "..xx.", "won": ".....", "lost": "....x", "gone": "....."}
        assert isinstance(pipeline.moves, frozenset)

    def test_listing_the_general_moves_changes_nothing(self) -> None:
        """Explicit moves equal to the general ones allow the same."""
        every = {(source, target) for source in SIMPLE._by_code for target in SIMPLE.moves_from(source)}
        assert matrix(attrs.evolve(SIMPLE, moves=every)) == matrix(SIMPLE)

    @given(pipelines())
    def test_staying_and_reopening_are_no_moves(self, pipeline: Pipeline) -> None:
        """No pipeline moves a deal to where it is, out of a closed stage into an open one, or between won and lost."""
        for source in pipeline.stages:
            for target in map(pipeline.stage, pipeline.moves_from(source.code)):
                assert source != target
                assert source.is_open or source.category is target.category

    @given(pipelines())
    def test_no_deal_is_stuck(self, pipeline: Pipeline) -> None:
        """From the entry every stage is reached, and from every open stage a closed one."""
        for start in pipeline.open_stages:
            found, waiting = {start.code}, [start.code]
            while waiting:
                new = set(pipeline.moves_from(waiting.pop())) - found
                found |= new
                waiting += new
            assert any(not pipeline.stage(code).is_open for code in found)
            assert start != pipeline.entry_stage or found == {stage.code for stage in pipeline.stages}


class TestAsking:
    """A pipeline answers by code."""

    def test_stages_by_code_and_by_category(self) -> None:
        """Stages are found by code; the first won and lost ones are where a deal goes when nobody says where."""
        pipeline = Pipeline("p", (A, B, WON, PAID, LOST, GONE))
        assert pipeline.stage("b") is B
        assert pipeline.open_stages == (A, B)
        assert (pipeline.won_stage, pipeline.lost_stage) == (WON, LOST)
        assert pipeline.moves_from("won") == ("paid",)

    def test_the_entry_stage(self) -> None:
        """Deals start in the first open stage, or in the one that is named."""
        assert Pipeline("p", (WON, A, B, LOST)).entry_stage is A
        assert Pipeline("p", (A, B, WON, LOST), entry="b").entry_stage is B

    def test_order(self) -> None:
        """Later and earlier go by the order of the stages, not by their probabilities."""
        assert SIMPLE.position("proposal") == 1
        assert SIMPLE.is_later("proposal", than="qualified")
        assert not SIMPLE.is_later("proposal", "proposal")
        assert not SIMPLE.is_later("qualified", "proposal")

    @pytest.mark.parametrize(
        "ask",
        [
            lambda p, code: p.stage(code),
            lambda p, code: p.position(code),
            lambda p, code: p.moves_from(code),
            lambda p, code: p.can_move("proposal", code),
            lambda p, code: p.can_move(code, "proposal"),
            lambda p, code: p.is_later("proposal", code),
        ],
    )
    def test_an_unknown_stage_is_an_error_that_helps(self, ask) -> None:
        """A typing mistake names the nearest stage and the pipeline."""
        with pytest.raises(
            UnknownStageError, match=r"unknown stage 'propsal' in pipeline 'simple' .did you mean 'proposal'"
        ):
            ask(SIMPLE, "propsal")

    @pytest.mark.parametrize("code", [None, 3, ["won"]])
    def test_what_is_no_code_is_unknown(self, code: object) -> None:
        """Even what cannot be looked up is answered with the same error, which is also a LookupError."""
        with pytest.raises(LookupError, match=r"unknown stage .* in pipeline 'simple'"):
            SIMPLE.stage(code)

    def test_the_error_survives_pickling(self) -> None:
        """UnknownStageError keeps its class and text."""
        with pytest.raises(UnknownStageError) as caught:
            SIMPLE.stage("x")
        again = pickle.loads(pickle.dumps(caught.value))
        assert type(again) is UnknownStageError
        assert str(again) == str(caught.value)
        assert isinstance(again, UnknownNameError)
        assert isinstance(again, LeadflowError)


class TestRefusals:
    """A pipeline that makes no sense is not built, and every problem is named with its stage."""

    def test_everything_at_once(self) -> None:
        """Fields, stages, entry, moves and paths are judged together."""
        found = problems(
            "",
            (A, B, B, WON),
            version=0,
            label="",
            allow_back=None,
            entry="won",
            moves=[("a", "b"), ("a", "wno"), ("a", "a"), ("won", "a"), ("a", "won")],
        )
        assert found == [
            "id must be 1 to 191 printable characters without white space around them, got ''",
            "version must be at least 1, got 0",
            "label must be text with something in it, got ''",
            "allow_back must be True or False, got None",
            "stages must not repeat a code, got 'b' twice",
            "stages must include at least one lost stage, got none",
            "entry must be an open stage, got 'won'",
            "moves must lead to another stage, got ('a', 'a')",
            "moves must join known stages, got 'wno' (did you mean 'won'?) in ('a', 'wno')",
            "moves must not leave closed stage 'won' for 'a'; reopening needs no move",
            "stages must have a way to a closed stage, got none from 'b'",
        ]

    def test_unreachable_stages_and_dead_ends(self) -> None:
        """A stage no deal gets to, and an open stage no deal gets out of, are refused by name."""
        assert problems("p", (A, B, C, WON, LOST), moves=[("a", "won"), ("a", "b"), ("c", "lost")]) == [
            "stages must have a way to a closed stage, got none from 'b'",
            "stages must be reachable from 'a', where deals start; no moves lead to 'c'",
            "stages must be reachable from 'a', where deals start; no moves lead to 'lost'",
        ]

    def test_going_round_for_ever(self) -> None:
        """Two open stages that lead only to each other are a dead end too."""
        found = problems(
            "p", (A, B, C, WON, LOST), moves=[("a", "won"), ("a", "lost"), ("a", "b"), ("b", "c"), ("c", "b")]
        )
        assert [problem[-3:] for problem in found] == ["'b'", "'c'"]

    def test_no_way_back_to_what_lies_before_the_entry(self) -> None:
        """The general rule can leave a stage unreachable as well."""
        assert problems("p", (A, B, WON, LOST), allow_back=False, entry="b") == [
            "stages must be reachable from 'b', where deals start; no moves lead to 'a'"
        ]

    def test_moves_that_break_the_rules(self) -> None:
        """Going back against allow_back, and changing sides without reopening, are refused."""
        every = {("a", "b"), ("a", "won"), ("a", "lost"), ("b", "won")}
        assert problems("p", (A, B, WON, LOST), allow_back=False, moves=every | {("b", "a"), ("lost", "won")}) == [
            "moves must not go back as long as allow_back is False, got ('b', 'a')",
            "moves must not leave closed stage 'lost' for 'won'; reopen first",
        ]

    def test_each_category_must_be_there(self) -> None:
        """At least one open, one won and one lost stage."""
        assert problems("p", ()) == [
            f"stages must include at least one {category} stage, got none" for category in ("open", "won", "lost")
        ]
        assert problems("p", (WON, LOST)) == ["stages must include at least one open stage, got none"]

    def test_an_unknown_entry(self) -> None:
        """The entry is one of the stages."""
        assert problems("p", (A, WON, LOST), entry="A") == ["entry is unknown: 'A' (known: a, lost, won)"]
        assert problems("p", (A, WON, LOST), entry=3) == ["entry must be a code (str), got 3"]

    @pytest.mark.parametrize("stages", ["abc", 3, None, [A, "won"]])
    def test_strangers_among_the_stages(self, stages: object) -> None:
        """Stages are `Stage` values; what else comes is quoted."""
        with pytest.raises(InvalidTypeError, match=r"stages must"):
            Pipeline("p", stages)
        assert len(problems("p", stages, version="1", moves=3)) == 3

    @pytest.mark.parametrize("moves", ["ab", [("a",)], ["ab"], [("a", "b", "c")], [(1, 2)], [3]])
    def test_moves_that_are_no_pairs(self, moves: object) -> None:
        """A move is a pair of codes; the letters of a string are not."""
        found = problems("p", (A, WON, LOST), moves=moves)
        assert any(problem.startswith("moves must be pairs of stage codes, got") for problem in found)

    @pytest.mark.parametrize("moves", [3, [{}], [["a", {}]]])
    def test_moves_that_are_no_set(self, moves: object) -> None:
        """What cannot be a set of pairs is refused as a whole."""
        [problem] = problems("p", (A, WON, LOST), moves=moves)
        assert problem.startswith("moves must be a set of pairs of stage codes, got")


class TestTheEngineAgrees:
    """For every stage and every move, python-statemachine goes where the pipeline says; reopening included."""

    @pytest.mark.parametrize("pipeline", PRESETS.values(), ids=PRESETS)
    def test_every_pair_of_the_presets(self, pipeline: Pipeline) -> None:
        """Exhaustive over the presets."""
        agree(pipeline)
        assert pipeline.check() == ()

    @settings(max_examples=30)  # each draws up to 700 pairs, and the engine builds a machine for each
    @given(pipelines())
    def test_every_pair_of_any(self, pipeline: Pipeline) -> None:
        """Exhaustive over drawn pipelines, with codes that would break a class."""
        agree(pipeline)

    @given(pipelines())
    def test_a_closed_deal_goes_back_to_where_it_can_have_come_from(self, pipeline: Pipeline) -> None:
        """Each closed stage reopens to the open stages that lead to it, if need be through its own category."""
        for closed in (stage for stage in pipeline.stages if not stage.is_open):
            names = [name for name in pipeline.lifecycle.moves_from(closed.code) if name.startswith("reopen ")]
            backs = {pipeline.lifecycle.target(closed.code, name) for name in names}
            closing = {closed.code}
            for _ in pipeline.stages:
                closing |= {
                    one.code
                    for one in pipeline.stages
                    if not one.is_open and closing & set(pipeline.moves_from(one.code))
                }
            assert backs == {one.code for one in pipeline.open_stages if closing & set(pipeline.moves_from(one.code))}
            assert backs

    def test_the_names_of_the_moves(self) -> None:
        """Moves are named by the command that makes them and the stage they lead to."""
        lifecycle = Pipeline("p", (A, WON, PAID, LOST)).lifecycle
        assert lifecycle.moves_from("a") == ("win won", "win paid", "lose lost")
        assert lifecycle.moves_from("won") == ("move_to paid", "reopen a")
        assert SIMPLE.lifecycle.moves_from("proposal") == (
            "move_to qualified",
            "move_to negotiation",
            "win won",
            "lose lost",
        )

    def test_a_live_chart(self) -> None:
        """A host drives a machine from the stage its deal is in."""
        machine = SIMPLE.chart("proposal")
        machine.send(SIMPLE.lifecycle.event_id("win won"))
        assert machine.configuration_values == {("won",)}
        assert SIMPLE.chart().configuration_values == {("qualified",)}

    def test_diagrams(self) -> None:
        """Mermaid and Markdown show labels and moves."""
        assert 'state "Negotiation" as s2' in SIMPLE.to_mermaid()
        assert "s0 --> s3 : win won" in SIMPLE.to_mermaid()
        assert "| Won         | reopen qualified    |" in SIMPLE.to_markdown()

    def test_the_engine_is_not_needed_to_build_or_ask(self) -> None:
        """Building a pipeline at run time imports no engine."""
        code = (
            "import sys; from leadflow.pipelines import SIMPLE; import attrs; p = attrs.evolve(SIMPLE, version=2); "
            "p.can_move('proposal', 'won'); p.to_rows(); sys.exit('statemachine' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def agree(pipeline: Pipeline) -> None:
    lifecycle = pipeline.lifecycle
    names = {name for stage in pipeline.stages for name in lifecycle.moves_from(stage.code)}
    for source in pipeline.stages:
        for name in names:
            machine = lifecycle.chart(source.code)
            verb, _, target = name.partition(" ")
            try:
                machine.send(lifecycle.event_id(name))
            except TransitionNotAllowed:
                assert not lifecycle.can(source.code, name)
                category = {"win": "won", "lose": "lost", "move_to": source.category}.get(verb)
                crossing = source.is_open or verb == "move_to"
                if crossing and pipeline.stage(target).category == category:
                    assert not pipeline.can_move(source.code, target)
            else:
                assert machine.configuration_values == {(target,)}
                assert lifecycle.target(source.code, name) == target
                assert pipeline.can_move(source.code, target) is (verb != "reopen")


class TestValue:
    """A pipeline is a plain frozen value; its tables are neither pickled nor compared."""

    @given(pipelines())
    def test_the_tables_stay_out(self, pipeline: Pipeline) -> None:
        """A used pipeline pickles to the same bytes as before, and comes back equal, with equal hash and answers."""
        unused = pickle.dumps(pipeline)
        rows, name = pipeline.to_rows(), pipeline.lifecycle.id
        assert name == "drawn"
        assert pickle.dumps(pipeline) == unused
        again = pickle.loads(unused)
        assert again == pipeline == copy.deepcopy(pipeline) == attrs.evolve(pipeline)
        assert hash(again) == hash(pipeline)
        assert again.to_rows() == rows

    def test_every_field_counts(self) -> None:
        """Two pipelines that differ in anything differ."""
        for change in ({"id": "x"}, {"version": 2}, {"label": "x"}, {"allow_back": False}, {"entry": "qualified"}):
            assert attrs.evolve(SIMPLE, **change) != SIMPLE
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            SIMPLE.version = 2

    def test_rows(self) -> None:
        """One row per stage, with plain values."""
        stage = Stage(code="a", probability=0.1, requires={"next_step", "amount"}, rots_after=timedelta(days=30))
        [row, *_] = Pipeline("p", (stage, WON, LOST)).to_rows()
        assert row == {
            "code": "a",
            "label": "A",
            "category": "open",
            "probability": 0.1,
            "forecast_category": "pipeline",
            "requires": ["amount", "next_step"],
            "rots_after": timedelta(days=30),
            "review_every": None,
            "moves_to": ["won", "lost"],
        }

    def test_html(self) -> None:
        """In a notebook a pipeline is a table of its stages, readable and escaped."""
        stage = Stage(
            code="a", label="<script>", probability=0.005, forecast_category="best_case", requires={"next_step"}
        )
        shown = Pipeline("my_deals", (stage, open_("b", 1.0), WON, LOST), version=3)._repr_html_()
        assert "My deals (version 3)" in shown
        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown
        for words in ("0.5 %", "100 %", "best case", "next step"):
            assert words in shown


class TestPresets:
    """The presets are what they are said to be."""

    def test_simple(self) -> None:
        """qualified 20 %, proposal 40 %, negotiation 70 %, won, lost."""
        assert chances(SIMPLE) == {"qualified": 20, "proposal": 40, "negotiation": 70, "won": 100, "lost": 0}
        assert SIMPLE.id == "simple"

    def test_salesforce(self) -> None:
        """The ten stages and probabilities that a new Salesforce organisation is widely published to start with."""
        assert {stage.label: round(stage.probability * 100) for stage in SALESFORCE.stages} == {
            "Prospecting": 10,
            "Qualification": 10,
            "Needs Analysis": 20,
            "Value Proposition": 50,
            "Id. Decision Makers": 60,
            "Perception Analysis": 70,
            "Proposal/Price Quote": 75,
            "Negotiation/Review": 90,
            "Closed Won": 100,
            "Closed Lost": 0,
        }

    def test_hubspot(self) -> None:
        """The seven stages and probabilities that a new HubSpot account is widely published to start with."""
        assert {stage.label: round(stage.probability * 100) for stage in HUBSPOT.stages} == {
            "Appointment scheduled": 20,
            "Qualified to buy": 40,
            "Presentation scheduled": 60,
            "Decision maker bought-in": 80,
            "Contract sent": 90,
            "Closed won": 100,
            "Closed lost": 0,
        }

    def test_by_id(self) -> None:
        """PRESETS finds each by its id and cannot be changed."""
        assert PRESETS == {"simple": SIMPLE, "salesforce": SALESFORCE, "hubspot": HUBSPOT}
        with pytest.raises(TypeError):
            PRESETS["x"] = SIMPLE

    @pytest.mark.parametrize("pipeline", PRESETS.values(), ids=PRESETS)
    def test_forecast_categories_follow_one_rule(self, pipeline: Pipeline) -> None:
        """Pipeline below 50 %, best case from there, most likely from 75 %, commit from 90 %."""
        steps = {0.9: "commit", 0.75: "most_likely", 0.5: "best_case", 0.0: "pipeline"}
        for stage in pipeline.open_stages:
            assert stage.forecast_category == next(name for least, name in steps.items() if stage.probability >= least)

    @pytest.mark.parametrize("pipeline", PRESETS.values(), ids=PRESETS)
    def test_codes_are_plain(self, pipeline: Pipeline) -> None:
        """Codes are lower-case identifiers; the wording may change, they do not."""
        assert all(stage.code.isidentifier() and stage.code.islower() for stage in pipeline.stages)


def chances(pipeline: Pipeline) -> dict[str, int]:
    return {stage.code: round(stage.probability * 100) for stage in pipeline.stages}
