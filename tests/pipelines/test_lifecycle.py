"""Lifecycles as data: what is refused, what the table says, and that python-statemachine says the same."""

import copy
import gc
import pickle
import re
import subprocess
import sys
from types import MappingProxyType

import attrs
import pytest
import statemachine
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statemachine import registry
from statemachine.exceptions import InvalidDefinition, TransitionNotAllowed

from leadflow.errors import InvalidError, InvalidTypeError, UnknownNameError
from leadflow.lifecycle import LEAD, PROSPECT, LeadStatus, Lifecycle, Move, ProspectStatus, State, reached

# Codes that would break a naive class of the engine: its attributes, its generated ids, things that are no identifiers.
NASTY = [
    "model",
    "send",
    "states",
    "name",
    "s0",
    "s1",
    "m0",
    "2-QUAL",
    "Id. Decision",
    "größe",
    "段階",
    "None",
    "class",
    "*",
    "a.b",
]
LABELS = st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(
    str.strip
) | st.sampled_from(
    [
        'say "hi"; now: #1',
        "a --> b",
        "[*]",
        "x | y",
        "%% not a comment",
        "<b>&amp;</b>",
        "tail\\",
        "_em_ *strong* `code`",
        "s0",
    ]
)

SIGNAL = Lifecycle(
    "signal",
    (State("red", "Stop"), State("green", "Go"), State("off")),
    (Move("go", "red", "green"), Move("stop", "green", "red"), Move("cut", "red", "off"), Move("cut", "green", "off")),
)


def codes() -> st.SearchStrategy[str]:
    printable = st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf", "Co", "Cn"))
    return st.sampled_from(NASTY) | st.text(printable, min_size=1, max_size=6)


@st.composite
def definitions(draw: st.DrawFn) -> tuple[tuple[State[str], ...], tuple[Move[str], ...]]:
    """States and moves whose codes are in order, but whose paths may lead anywhere or nowhere."""
    names = draw(st.lists(codes(), min_size=1, max_size=5, unique=True))
    one = st.sampled_from(names)
    tree = [(draw(codes()), names[draw(st.integers(0, at - 1))], names[at]) for at in range(1, len(names))]
    found = draw(st.lists(st.tuples(codes(), one, one), max_size=8))
    moves = {(name, source): target for name, source, target in (tree if draw(st.booleans()) else []) + found}
    states = tuple(State(name, draw(LABELS)) for name in names)
    return states, tuple(Move(name, source, target) for (name, source), target in moves.items())


@st.composite
def lifecycles(draw: st.DrawFn) -> Lifecycle[str]:
    states, moves = draw(definitions())
    try:
        return Lifecycle("drawn", states, moves)
    except InvalidError:
        assume(False)
        raise


def problems(*args: object, **more: object) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        Lifecycle(*args, **more)
    return [str(problem) for problem in caught.value.problems]


def agree(lifecycle: Lifecycle[str]) -> None:
    """Drive the engine through every state and move, and hold each answer against the table's."""
    names = dict.fromkeys(move.name for move in lifecycle.moves)
    for state in lifecycle.states:
        for name in names:
            machine = lifecycle.chart(state.code)
            try:
                machine.send(lifecycle.event_id(name))
                [(reached_state,)] = machine.configuration_values
            except TransitionNotAllowed:
                reached_state = None
            assert lifecycle.target(state.code, name) == reached_state
            assert lifecycle.can(state.code, name) is (reached_state is not None)
            assert (name in lifecycle.moves_from(state.code)) is (reached_state is not None)


class TestTheTable:
    """What is legal is what the definition lists, and nothing else."""

    @given(lifecycles())
    def test_targets_are_the_moves(self, lifecycle: Lifecycle[str]) -> None:
        """Each move of the definition leads from its source to its target; each other pair is refused with None."""
        legal = {(move.source, move.name): move.target for move in lifecycle.moves}
        for state in lifecycle.states:
            for name in {move.name for move in lifecycle.moves}:
                assert lifecycle.target(state.code, name) == legal.get((state.code, name))

    @given(lifecycles())
    def test_final_states_have_no_moves(self, lifecycle: Lifecycle[str]) -> None:
        """A state is final exactly if no move leaves it."""
        assert lifecycle.final == {state.code for state in lifecycle.states if not lifecycle.moves_from(state.code)}

    def test_moves_keep_the_order_of_the_definition(self) -> None:
        """moves_from lists the moves as they were written."""
        assert SIGNAL.moves_from("red") == ("go", "cut")
        assert SIGNAL.moves_from("off") == ()

    def test_starts_in_the_first_state_unless_told(self) -> None:
        """The initial state defaults to the first one."""
        assert SIGNAL.initial == "red"
        assert Lifecycle("x", SIGNAL.states, SIGNAL.moves, initial="green").initial == "green"

    @pytest.mark.parametrize("ask", [SIGNAL.target, SIGNAL.can])
    def test_an_unknown_name_is_an_error_not_a_no(self, ask) -> None:
        """A typing mistake in a state or a move is told apart from an illegal move."""
        with pytest.raises(
            UnknownNameError, match=r"unknown state 'gren' in lifecycle 'signal' .did you mean 'green'"
        ) as caught:
            ask("gren", "go")
        assert isinstance(caught.value, LookupError)
        with pytest.raises(UnknownNameError, match=r"unknown move 'fly' in lifecycle 'signal' .known: cut, go, stop"):
            ask("red", "fly")
        with pytest.raises(UnknownNameError):
            SIGNAL.chart("gren")

    def test_the_error_survives_pickling(self) -> None:
        """UnknownNameError keeps its fields and its text through pickle."""
        with pytest.raises(UnknownNameError) as caught:
            SIGNAL.moves_from("blue")
        again = pickle.loads(pickle.dumps(caught.value))
        assert (again.owner, again.kind, again.name, again.known) == (
            "lifecycle 'signal'",
            "state",
            "blue",
            ("red", "green", "off"),
        )
        assert str(again) == str(caught.value)


class TestRefusals:
    """A lifecycle that makes no sense is not built, and every problem is named."""

    def test_everything_at_once(self) -> None:
        """Repeated, unknown and ambiguous names, and states without a way, come in one error."""
        found = problems(
            " x",
            (State("a"), State("b"), State("b"), State("island")),
            (Move("go", "a", "b"), Move("go", "a", "a"), Move("go", "b", "c"), Move("go", "z", "b")),
        )
        assert found == [
            "id must be 1 to 191 printable characters without white space around them, got ' x'",
            "states must not repeat a code, got 'b' twice",
            "moves[2].target is unknown: 'c' (known: a, b, island)",
            "moves[3].source is unknown: 'z' (known: a, b, island)",
            "moves must lead to one state, got 'go' from 'a' twice",
            "states must be reachable from 'a', got 'island' without a way there",
        ]

    def test_a_round_without_end_where_there_is_an_end(self) -> None:
        """Where some state is final, a state that never gets to one is refused."""
        moves = (Move("go", "a", "end"), Move("slip", "a", "b"), Move("turn", "b", "b"))
        assert problems("x", (State("a"), State("b"), State("end")), moves) == [
            "states must be able to end in a final state, got 'b' without a way to one"
        ]

    def test_rounds_are_fine_where_nothing_is_final(self) -> None:
        """A lifecycle may go on for ever."""
        assert Lifecycle("x", (State("a"),), (Move("turn", "a", "a"),)).final == frozenset()

    def test_an_unknown_start(self) -> None:
        """The initial state must be one of the states."""
        assert problems("x", SIGNAL.states, SIGNAL.moves, initial="rde") == [
            "initial is unknown: 'rde' (did you mean 'red'?)"
        ]

    def test_no_state_at_all(self) -> None:
        """There is at least one state."""
        assert problems("x", (), ()) == ["states must have at least one state, got none"]

    @pytest.mark.parametrize("states", [["a"], "ab", None, ("a", 3)])
    def test_strangers_among_the_states(self, states: object) -> None:
        """States and moves come in tuples of `State` and `Move`; what else comes is quoted."""
        with pytest.raises(InvalidTypeError, match=r"states must"):
            Lifecycle("x", states, ("go",))
        assert len(problems("x", states, ("go",))) == 2

    def test_strangers_are_named_with_their_place(self) -> None:
        """The message says what was found where."""
        assert problems("x", (State("a"), 3), {}) == [
            "states must hold States only, got 3 at 1",
            "moves must be a tuple of Moves, got {}",
        ]

    def test_a_state_and_a_move_are_checked_too(self) -> None:
        """Codes and names are text."""
        with pytest.raises(InvalidError, match=r"code must be a str, got 3; label must be"):
            State(3, "")
        with pytest.raises(InvalidError, match=r"name must be text with something in it, got ' '; source .*; target"):
            Move(" ", "", None)

    @given(definitions())
    def test_refused_exactly_when_the_engine_refuses(self, definition) -> None:
        """Our own check of the paths, without an engine, accepts what python-statemachine accepts, and no more."""
        states, moves = definition
        try:
            Lifecycle("drawn", states, moves)
        except InvalidError:
            ours = False
        else:
            ours = True
        assert ours is accepted_by_engine(states, moves)

    @given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))))
    def test_reached_is_closed_and_minimal(self, steps: set[tuple[int, int]]) -> None:
        """What is reached is the least set that holds the start and every step out of it."""
        named = [(str(source), str(target)) for source, target in steps]
        found = reached("0", named)
        least = {"0"}
        for _ in range(6):
            least |= {target for source, target in named if source in least}
        assert found == least


def accepted_by_engine(states: tuple[State[str], ...], moves: tuple[Move[str], ...]) -> bool:
    leaving = {move.source for move in moves}
    made = {
        state.code: statemachine.State(f"n{at}", value=(at,), initial=at == 0, final=state.code not in leaving)
        for at, state in enumerate(states)
    }
    for at, move in enumerate(moves):
        made[move.source].to(made[move.target], event=f"e{at}")
    try:
        type(statemachine.StateMachine)(
            "Oracle", (statemachine.StateMachine,), {f"x{at}": state for at, state in enumerate(made.values())}
        )
    except InvalidDefinition:
        return False
    return True


class TestTheEngineAgrees:
    """For every state and every move, python-statemachine goes where the table says."""

    @pytest.mark.parametrize("lifecycle", [LEAD, PROSPECT, SIGNAL], ids=lambda one: one.id)
    def test_every_pair_of_ours(self, lifecycle: Lifecycle[str]) -> None:
        """Exhaustive over our own lifecycles."""
        agree(lifecycle)
        assert lifecycle.check() == ()

    @settings(max_examples=60)  # the engine builds two machines for each pair
    @given(lifecycles())
    def test_every_pair_of_any(self, lifecycle: Lifecycle[str]) -> None:
        """Exhaustive over drawn lifecycles, with codes that would break a class."""
        agree(lifecycle)
        assert lifecycle.check() == ()

    def test_check_finds_a_wrong_table(self) -> None:
        """Were the table wrong, check would say where."""
        broken = copy.copy(SIGNAL)
        table = {("red", "go"): "green", ("green", "go"): "off", ("green", "stop"): "red", ("red", "cut"): "red"}
        object.__setattr__(broken, "_table", MappingProxyType(table))
        assert [str(problem) for problem in broken.check()] == [
            "move 'cut' from 'red' leads to 'red' by the table and to 'off' by the engine",
            "move 'go' from 'green' leads to 'off' by the table and to None by the engine",
            "move 'cut' from 'green' leads to None by the table and to 'off' by the engine",
        ]

    def test_check_finds_what_the_engine_refuses(self) -> None:
        """Were a definition let through that the engine refuses, check would say so."""
        broken = copy.copy(SIGNAL)
        object.__setattr__(broken, "states", (*SIGNAL.states, State("island")))
        [problem] = broken.check()
        assert "engine refuses the definition" in str(problem)

    def test_a_chart_starts_where_it_is_told(self) -> None:
        """The live machine starts in the initial state or in the one given, and knows the labels."""
        assert SIGNAL.chart().configuration_values == {("red",)}
        machine = SIGNAL.chart("green")
        assert [state.name for state in machine.configuration] == ["Go"]
        machine.send(SIGNAL.event_id("cut"))
        assert machine.is_terminated

    def test_charts_do_not_pile_up(self) -> None:
        """The engine's global registry does not grow with the number of machines made."""
        SIGNAL.chart()
        before = len(registry._REGISTRY)
        for lifecycle in (LEAD, PROSPECT, SIGNAL):
            lifecycle.chart()
            lifecycle.to_mermaid()
        gc.collect()
        assert len(registry._REGISTRY) == before

    def test_the_engine_is_imported_late(self) -> None:
        """Importing, building and asking need no engine."""
        code = (
            "import sys; from leadflow.pipelines import PRESETS; from leadflow.lifecycle import LEAD; "
            "LEAD.can('new', 'qualify'); [p.lifecycle for p in PRESETS.values()]; "
            "sys.exit('statemachine' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestDiagrams:
    """Diagrams come from the engine, with labels that cannot break them."""

    @given(lifecycles())
    def test_mermaid_is_well_formed_and_keeps_every_label(self, lifecycle: Lifecycle[str]) -> None:
        """Each line is one known statement; decoding its labels gives ours back."""
        first, direction, *lines = lifecycle.to_mermaid().rstrip("\n").split("\n")
        assert (first, direction) == ("stateDiagram-v2", "    direction LR")
        ids = {state.code: f"s{at}" for at, state in enumerate(lifecycle.states)}
        states, arrows = set(), set()
        for line in lines:
            if found := re.fullmatch(r' {4}state "([^"]*)" as (s\d+)', line):
                states.add((found[2], decoded(found[1])))
            elif found := re.fullmatch(r" {4}(s\d+) --> (s\d+) : ([^:\n]+?)", line):
                arrows.add((found[1], decoded(found[3]), found[2]))
            else:
                assert re.fullmatch(r" {4}(\[\*\] --> s\d+|s\d+ --> \[\*\])", line)
        assert states == {(ids[one.code], one.label) for one in lifecycle.states if one.label != ids[one.code]}
        assert arrows == {(ids[one.source], one.name, ids[one.target]) for one in lifecycle.moves}

    @given(lifecycles())
    def test_markdown_has_one_row_per_move(self, lifecycle: Lifecycle[str]) -> None:
        """Each row has four cells whatever the labels hold; unescaping gives ours back."""
        _, _, *rows = lifecycle.to_markdown().rstrip("\n").split("\n")
        labels = {state.code: state.label for state in lifecycle.states}
        found = []
        for row in rows:
            _, source, name, guard, target, _ = re.split(r"(?<!\\)(?:\\\\)*\|", row)
            assert not guard.strip()
            found.append([re.sub(r"\\(.)", r"\1", cell).strip() for cell in (source, name, target)])
        wanted = [[labels[one.source], one.name, labels[one.target]] for one in lifecycle.moves]
        assert sorted(found) == sorted([cell.strip() for cell in row] for row in wanted)

    def test_words_stay_readable(self) -> None:
        """Names as they come in practice are not littered with escapes."""
        assert "| New          | qualify    |" in LEAD.to_markdown()
        assert "s0 --> s3 : qualify" in LEAD.to_mermaid()

    def test_rows_and_html(self) -> None:
        """A lifecycle is a table in a notebook, escaped."""
        assert SIGNAL.to_rows()[0] == {"state": "red", "move": "go", "target": "green"}
        one = Lifecycle("<x>", (State("<b>"),), (Move("turn", "<b>", "<b>"),))
        assert "<b>" not in one._repr_html_()
        assert "&lt;b&gt;" in one._repr_html_()


def decoded(label: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label)


class TestValues:
    """A lifecycle is a plain value; its tables are neither pickled nor compared."""

    @pytest.mark.parametrize("lifecycle", [LEAD, PROSPECT, SIGNAL], ids=lambda one: one.id)
    def test_the_table_stays_out(self, lifecycle: Lifecycle[str]) -> None:
        """A used lifecycle pickles to the same bytes as a fresh one, equals it and hashes like it."""
        fresh = attrs.evolve(lifecycle)
        unused = pickle.dumps(fresh)
        assert fresh.can(fresh.initial, fresh.moves[0].name) is True
        assert fresh.event_id(fresh.moves[0].name) == "m0"
        assert pickle.dumps(fresh) == unused
        again = pickle.loads(unused)
        assert again == fresh == copy.deepcopy(fresh)
        assert hash(again) == hash(fresh)
        assert again.moves_from(again.initial) == lifecycle.moves_from(lifecycle.initial)

    def test_tables_are_read_only(self) -> None:
        """Nobody can change what is legal."""
        with pytest.raises(TypeError):
            SIGNAL._table["red", "fly"] = "off"
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            SIGNAL.id = "x"


class TestLeadsAndProspects:
    """The lifecycles of leads and prospects, as the design has them."""

    def test_a_lead_starts_new_and_knows_its_statuses(self) -> None:
        """Every status is a state, in order, and targets are members of the enumeration."""
        assert [state.code for state in LEAD.states] == list(LeadStatus)
        assert LEAD.initial is LeadStatus.NEW
        assert LEAD.target("new", "work") is LeadStatus.WORKING
        assert LEAD.target(LeadStatus.WORKING, "disqualify") is LeadStatus.DISQUALIFIED

    def test_a_qualified_lead_may_only_be_merged(self) -> None:
        """Nothing but a merge moves a qualified lead; taking its qualification back is no move."""
        assert LEAD.moves_from("qualified") == ("merge",)

    def test_what_is_merged_is_final(self) -> None:
        """Un-merging is no move: it leads back to wherever the record was."""
        assert LEAD.final == {LeadStatus.MERGED}
        assert not PROSPECT.moves_from("merged")

    @pytest.mark.parametrize("status", ["nurturing", "disqualified"])
    def test_reopening_a_lead(self, status: str) -> None:
        """A nurtured or disqualified lead is worked again."""
        assert LEAD.target(status, "reopen") is LeadStatus.WORKING

    def test_a_disqualified_lead_does_not_qualify(self) -> None:
        """It is reopened first."""
        assert not LEAD.can("disqualified", "qualify")

    def test_a_prospect_starts_active_and_ends_withdrawn(self) -> None:
        """Only a withdrawn or merged prospect is final."""
        assert [state.code for state in PROSPECT.states] == list(ProspectStatus)
        assert PROSPECT.initial is ProspectStatus.ACTIVE
        assert PROSPECT.final == {ProspectStatus.MERGED, ProspectStatus.WITHDRAWN}
        assert PROSPECT.target("nurturing", "reopen") is ProspectStatus.ACTIVE
        assert not PROSPECT.can("disqualified", "withdraw")
