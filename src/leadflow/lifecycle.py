"""
Lifecycles: states and the moves between them, as data; and the lifecycles of leads and prospects.

Theory. A `Lifecycle` is a frozen value that is judged whole when it is built: codes are known and unique, a move's name
leads from one state to one other, every state can be reached, and where some state is final every other can get to one.
A state is final if no move leaves it. What is legal is answered from a table made once from the definition; the engine
of python-statemachine is never in the way of a move (building one costs about 200 moves, and one shared between threads
answers wrongly). It is the second opinion: `check` compares its answers with the table's, pair by pair, `chart` hands a
host a live machine, and the diagrams are drawn by it. It is imported when one of these is called, not before.

Taking a step back is no move: it leads to wherever the record was before, which its history says (`events.Undone`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType, new_class
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

from leadflow import markup
from leadflow.errors import Problem, UnknownNameError, did_you_mean
from leadflow.validation import check, code, instance, text

if TYPE_CHECKING:
    from statemachine import StateMachine

__all__ = ["LEAD", "PROSPECT", "LeadStatus", "Lifecycle", "Move", "ProspectStatus", "State"]

_Code = TypeVar("_Code", bound=str)
_Item = TypeVar("_Item")

# Mermaid ends a label at these or reads them as syntax; what remains may stay readable.
_MERMAID = r"""["#;:<>&%{}\[\]\\`|\u2028\u2029]"""
# Markdown's own signs; an underscore counts only where it is not inside a word (move_to may stay as it is).
_MARKDOWN = r"[\\`*\[\]<>|~$&#]|(?<![^\W_])_|_(?![^\W_])"


@frozen
class State(Generic[_Code]):
    """
    One state of a `Lifecycle`.

    Attributes:
        code: What rules and storage use; never changes.
        label: What people read; may change freely. Default: the code.
    """

    code: _Code
    label: str = field()

    @label.default
    def _same_as_code(self) -> str:
        return str(self.code)

    def __attrs_post_init__(self) -> None:
        check(f"State {self.code!r}", code("code", self.code), text("label", self.label))


@frozen
class Move(Generic[_Code]):
    """
    One legal step of a `Lifecycle`: in the state `source`, the move `name` leads to the state `target`.

    Several moves may share a name, as long as they leave different states.
    """

    name: str
    source: _Code
    target: _Code

    def __attrs_post_init__(self) -> None:
        check(
            f"Move {self.name!r}",
            text("name", self.name),
            code("source", self.source),
            code("target", self.target),
        )


def reached(start: str, steps: Iterable[tuple[str, str]]) -> frozenset[str]:
    """
    Return every place that can be reached from the start, the start included.

    >>> sorted(reached("a", [("a", "b"), ("b", "a"), ("c", "a")]))
    ['a', 'b']
    """
    onward: dict[str, list[str]] = {}
    for source, target in steps:
        onward.setdefault(source, []).append(target)
    found = {start}
    waiting = [start]
    while waiting:
        for target in onward.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return frozenset(found)


@frozen
class Lifecycle(Generic[_Code]):
    """
    The states something can be in and the moves between them.

    >>> door = Lifecycle(
    ...     "door",
    ...     (State("open"), State("shut")),
    ...     (Move("close", "open", "shut"), Move("open", "shut", "open")),
    ... )
    >>> door.target("open", "close"), door.can("open", "open"), door.moves_from("shut")
    ('shut', False, ('open',))

    Attributes:
        id: Names the lifecycle.
        states: In the order in which diagrams show them; at least one.
        moves: What is legal; everything else is not.
        initial: Where things start. Default: the first state.

    Raises:
        InvalidError: With every problem found: codes that repeat or are unknown, a move that leads to two places,
            states that cannot be reached, states that never get to a final one although there is one.
    """

    id: str
    states: tuple[State[_Code], ...]
    moves: tuple[Move[_Code], ...]
    initial: _Code = field(kw_only=True)

    @initial.default
    def _first_state(self) -> Any:  # noqa: ANN401  # of bad input there is no first state; the check says so
        states: Any = self.states
        return getattr(states[0], "code", None) if isinstance(states, tuple) and states else None

    def __attrs_post_init__(self) -> None:
        problems = [
            code("id", self.id),
            instance("states", self.states, tuple, "a tuple of States") or strangers("states", self.states, State),
            instance("moves", self.moves, tuple, "a tuple of Moves") or strangers("moves", self.moves, Move),
        ]
        if not any(problems[1:]):
            problems.extend(self._rule_problems())
        check(f"Lifecycle {self.id!r}", *problems)

    def _rule_problems(self) -> Iterable[Problem]:
        codes = [state.code for state in self.states]
        if not codes:
            yield Problem("states", "must have at least one state, got none")
            return
        for twice in repeated(codes):
            yield Problem("states", f"must not repeat a code, got {str(twice)!r} twice")
        codes = list(dict.fromkeys(codes))
        for position, move in enumerate(self.moves):
            for end, at in (("source", move.source), ("target", move.target)):
                if at not in codes:
                    yield Problem(f"moves[{position}].{end}", f"is unknown: {str(at)!r}{did_you_mean(at, codes)}")
        for name, source in repeated([(move.name, move.source) for move in self.moves]):
            yield Problem("moves", f"must lead to one state, got {name!r} from {str(source)!r} twice")
        if self.initial not in codes:
            yield Problem("initial", f"is unknown: {str(self.initial)!r}{did_you_mean(str(self.initial), codes)}")
            return
        yield from self._path_problems(codes)

    def _path_problems(self, codes: list[_Code]) -> Iterable[Problem]:
        steps = [(move.source, move.target) for move in self.moves]
        on_the_way = reached(self.initial, steps)
        for lost in (at for at in codes if at not in on_the_way):
            rule = f"must be reachable from {str(self.initial)!r}"
            yield Problem("states", f"{rule}, got {str(lost)!r} without a way there")
        final = self.final & on_the_way
        backwards = [(target, source) for source, target in steps]
        ending = frozenset[str]().union(*(reached(end, backwards) for end in final))
        for stuck in (at for at in codes if final and at not in ending):
            yield Problem("states", f"must be able to end in a final state, got {str(stuck)!r} without a way to one")

    @cached_property
    def _table(self) -> Mapping[tuple[str, str], _Code]:
        return MappingProxyType({(move.source, move.name): move.target for move in self.moves})

    @cached_property
    def _names(self) -> Mapping[str, tuple[str, ...]]:
        return MappingProxyType(
            {state.code: tuple(move.name for move in self.moves if move.source == state.code) for state in self.states}
        )

    @cached_property
    def _event_ids(self) -> Mapping[str, str]:
        names = dict.fromkeys(move.name for move in self.moves)
        return MappingProxyType({name: f"m{position}" for position, name in enumerate(names)})

    @property
    def final(self) -> frozenset[_Code]:
        """The states that no move leaves."""
        return frozenset(state.code for state in self.states) - {move.source for move in self.moves}

    def target(self, state: str, move: str) -> _Code | None:
        """
        Return where a move leads from a state, or None where it is not legal.

        Raises:
            UnknownNameError: If the lifecycle has no such state, or no such move anywhere.
        """
        found = self._table.get((state, move))
        if found is None:
            self.moves_from(state)
            self.event_id(move)
        return found

    def can(self, state: str, move: str) -> bool:
        """Say whether a move is legal in a state; raises as `target` does."""
        return self.target(state, move) is not None

    def moves_from(self, state: str) -> tuple[str, ...]:
        """
        Return the names of the moves that are legal in a state, in the order of the definition.

        Raises:
            UnknownNameError: If the lifecycle has no such state.
        """
        try:
            return self._names[state]
        except KeyError:
            raise UnknownNameError(f"lifecycle {self.id!r}", "state", str(state), self._names) from None

    def event_id(self, move: str) -> str:
        """
        Return the id under which the machine of `chart` knows a move: names may be anything, its ids may not.

        Raises:
            UnknownNameError: If the lifecycle has no such move.
        """
        try:
            return self._event_ids[move]
        except KeyError:
            raise UnknownNameError(f"lifecycle {self.id!r}", "move", str(move), self._event_ids) from None

    def chart(self, state: str | None = None) -> "StateMachine":
        """
        Return a live python-statemachine machine for a host to drive, listen to or draw.

        Send it `event_id(move)`; a state's value is ``(code,)``. An illegal move raises its ``TransitionNotAllowed``.
        One machine belongs to one thread; it cannot be pickled.

        >>> machine = LEAD.chart("new")
        >>> machine.send(LEAD.event_id("qualify"))
        >>> [state.value for state in machine.configuration]
        [(<LeadStatus.QUALIFIED: 'qualified'>,)]

        Args:
            state: Where the machine starts; default: the initial state.
        """
        if state is not None:
            self.moves_from(state)
        return self._engine()(start_value=None if state is None else (state,))

    def check(self) -> tuple[Problem, ...]:
        """Build the engine and return every point where it and the table disagree: none, as long as all is well."""
        from statemachine.exceptions import InvalidDefinition, TransitionNotAllowed  # noqa: PLC0415

        try:
            engine = self._engine()
        except InvalidDefinition as error:
            return (Problem("engine", f"refuses the definition: {error}"),)
        found = []
        for state in self._names:
            for name, event in self._event_ids.items():
                machine = engine(start_value=(state,))
                try:
                    machine.send(event)
                except TransitionNotAllowed:
                    theirs = None
                else:
                    ((theirs,),) = machine.configuration_values
                ours = self._table.get((state, name))
                if ours != theirs:
                    path = f"move {name!r} from {str(state)!r}"
                    found.append(Problem(path, f"leads to {ours!r} by the table and to {theirs!r} by the engine"))
        return tuple(found)

    def to_mermaid(self) -> str:
        """Return a Mermaid state diagram, labels escaped."""
        return format(self._engine(_for_mermaid), "mermaid")

    def to_markdown(self) -> str:
        """Return a Markdown table of the moves, labels escaped."""
        return format(self._engine(_for_markdown), "md")

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per move, with state, move and target."""
        return [{"state": str(move.source), "move": move.name, "target": str(move.target)} for move in self.moves]

    def _repr_html_(self) -> str:
        return markup.section(self.id, markup.table(self.to_rows(), columns=("state", "move", "target")))

    def _engine(self, shown: Callable[[str], str] = str) -> "type[StateMachine]":
        import statemachine  # noqa: PLC0415  # lazy: see the theory above

        # The engine makes attributes of ids and keys of values: a code such as "model" or "send" would break its class,
        # and a value could collide with an id. So ids are numbers, and values are wrapped.
        states = {
            state.code: statemachine.State(
                shown(state.label),
                value=(state.code,),
                initial=state.code == self.initial,
                final=state.code in self.final,
            )
            for state in self.states
        }
        events = {name: statemachine.Event(id=event, name=shown(name)) for name, event in self._event_ids.items()}
        for move in self.moves:
            states[move.source].to(states[move.target], event=events[move.name])
        # One class name for all: each new one would stay in the engine's global registry for good.
        body = {"__module__": __name__} | {f"s{position}": state for position, state in enumerate(states.values())}
        return new_class("LifecycleChart", (statemachine.StateMachine,), exec_body=lambda space: space.update(body))


def strangers(path: str, values: tuple[object, ...], kind: type) -> Problem | None:
    strange = [f"{value!r} at {position}" for position, value in enumerate(values) if not isinstance(value, kind)]
    rule = f"must hold {kind.__name__}s only, got {', '.join(strange)}"
    return Problem(path, rule, is_type=True) if strange else None


def repeated(keys: Iterable[_Item]) -> list[_Item]:
    seen: set[_Item] = set()
    return list(dict.fromkeys(key for key in keys if key in seen or seen.add(key)))  # type: ignore[func-returns-value]  # add says nothing: exactly


def _for_mermaid(label: str) -> str:
    return re.sub(_MERMAID, lambda found: f"#{ord(found[0])};", label)


def _for_markdown(label: str) -> str:
    return re.sub(_MARKDOWN, lambda found: f"\\{found[0]}", label)


class LeadStatus(StrEnum):
    """Where a lead stands. Working: we have touched it; nurturing: not now; merged: another lead goes on for it."""

    NEW = "new"
    WORKING = "working"
    NURTURING = "nurturing"
    QUALIFIED = "qualified"
    DISQUALIFIED = "disqualified"
    MERGED = "merged"


class ProspectStatus(StrEnum):
    """Where a prospect stands. Withdrawn: its conversion was undone; whether it is converted, its opportunities say."""

    ACTIVE = "active"
    NURTURING = "nurturing"
    DISQUALIFIED = "disqualified"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


def _moves(name: str, sources: Iterable[_Code], target: _Code) -> list[Move[_Code]]:
    return [Move(name, source, target) for source in sources]


_OPEN_LEAD = (LeadStatus.NEW, LeadStatus.WORKING, LeadStatus.NURTURING)
_LIVE_PROSPECT = (ProspectStatus.ACTIVE, ProspectStatus.NURTURING)

LEAD: Lifecycle[LeadStatus] = Lifecycle(
    "lead",
    tuple(State(status, status.value.capitalize()) for status in LeadStatus),
    (
        *_moves("work", [LeadStatus.NEW], LeadStatus.WORKING),
        *_moves("nurture", [LeadStatus.NEW, LeadStatus.WORKING], LeadStatus.NURTURING),
        *_moves("disqualify", _OPEN_LEAD, LeadStatus.DISQUALIFIED),
        *_moves("reopen", [LeadStatus.NURTURING, LeadStatus.DISQUALIFIED], LeadStatus.WORKING),
        *_moves("qualify", _OPEN_LEAD, LeadStatus.QUALIFIED),
        *_moves("merge", [*_OPEN_LEAD, LeadStatus.QUALIFIED, LeadStatus.DISQUALIFIED], LeadStatus.MERGED),
    ),
)

PROSPECT: Lifecycle[ProspectStatus] = Lifecycle(
    "prospect",
    tuple(State(status, status.value.capitalize()) for status in ProspectStatus),
    (
        *_moves("nurture", [ProspectStatus.ACTIVE], ProspectStatus.NURTURING),
        *_moves("disqualify", _LIVE_PROSPECT, ProspectStatus.DISQUALIFIED),
        *_moves("reopen", [ProspectStatus.NURTURING, ProspectStatus.DISQUALIFIED], ProspectStatus.ACTIVE),
        *_moves("merge", [*_LIVE_PROSPECT, ProspectStatus.DISQUALIFIED], ProspectStatus.MERGED),
        *_moves("withdraw", _LIVE_PROSPECT, ProspectStatus.WITHDRAWN),
    ),
)
