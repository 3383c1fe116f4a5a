"""
Pipelines: the stages a deal goes through, and which moves between them are legal.

Theory. A `Pipeline` is data: a host defines its own at run time, compares and stores it. Rules hang on a stage's code
and category, never on its label or probability. Without explicit `moves` a deal goes from an open stage to any later
open one (to an earlier one too unless `allow_back` is False) and to any won or lost stage; between two won stages it
may move as well. Leaving a closed stage for an open one is no move but a reopening, which a deal's history shows as
such. A pipeline is judged whole when it is built: every stage must be reachable from where deals start, and every open
stage must have a way to a closed one. The table behind `can_move` is made once, and neither pickled nor compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from leadflow import markup
from leadflow.errors import Problem, UnknownStageError, did_you_mean
from leadflow.lifecycle import Lifecycle, Move, State, reached, repeated, strangers
from leadflow.stage import ForecastCategory, Requirement, Stage, StageCategory, label_from
from leadflow.validation import check, code, coded, instance, optional, text, when, whole

if TYPE_CHECKING:
    from statemachine import StateMachine

__all__ = ["ForecastCategory", "Pipeline", "Requirement", "Stage", "StageCategory"]


def _stages(values: Iterable[Stage]) -> tuple[Stage, ...]:
    try:
        return tuple(values)
    except TypeError:
        return values  # type: ignore[return-value]  # the check reports it


def _pair(value: Any) -> Any:  # noqa: ANN401  # whatever it is, the check judges it
    # A list from a JSON file will do; a str will not, although tuple() would make a pair of "ab".
    return tuple(value) if isinstance(value, list) else value


def _pairs(values: Iterable[tuple[str, str]] | None) -> frozenset[tuple[str, str]] | None:
    try:
        return None if values is None else frozenset(map(_pair, values))
    except TypeError:
        return values  # type: ignore[return-value]  # the check reports it


@frozen
class Pipeline:
    """
    A sequence of stages and the moves between them; a host may define any number, at any time.

    >>> from datetime import timedelta
    >>> trade = Pipeline(
    ...     "trade",
    ...     [
    ...         Stage(code="quoted", probability=0.3, review_every=timedelta(days=7)),
    ...         Stage(code="ordered", probability=0.9, requires={"amount"}),
    ...         Stage(code="paid", category="won"),
    ...         Stage(code="gone", category="lost"),
    ...     ],
    ...     allow_back=False,
    ... )
    >>> trade.moves_from("ordered"), trade.can_move("ordered", "quoted")
    (('paid', 'gone'), False)

    Attributes:
        id: Names the pipeline together with `version`, in events and in storage.
        stages: In order; codes are unique; at least one open, one won and one lost.
        version: Which edition of the pipeline this is, from 1.
        label: What people read. Default: made from the id.
        moves: The legal moves as pairs of stage codes (from, to), and no others; None: by the general rule above.
        allow_back: Whether a deal may go back to an earlier open stage.
        entry: Code of the open stage where deals start; None: the first open one.

    Raises:
        InvalidError: With every problem found, each naming its stage.
    """

    id: str
    stages: tuple[Stage, ...] = field(converter=_stages)
    version: int = field(default=1, kw_only=True)
    label: str = field(kw_only=True)
    moves: frozenset[tuple[str, str]] | None = field(default=None, converter=_pairs, kw_only=True)
    allow_back: bool = field(default=True, kw_only=True)
    entry: str | None = field(default=None, kw_only=True)

    @label.default
    def _label_from_id(self) -> str:
        return label_from(self.id)

    def __attrs_post_init__(self) -> None:
        strange = instance("stages", self.stages, tuple, "Stages") or strangers("stages", self.stages, Stage)
        problems = [
            code("id", self.id),
            strange,
            whole("version", self.version, 1),
            text("label", self.label),
            optional(instance, "moves", self.moves, frozenset, "a set of pairs of stage codes"),
            instance("allow_back", self.allow_back, bool, "True or False"),
        ]
        if strange is None:
            problems.extend(self._stage_problems())
        check(f"Pipeline {self.id!r}", *problems)

    def _stage_problems(self) -> Iterator[Problem | None]:
        for twice in repeated([stage.code for stage in self.stages]):
            yield Problem("stages", f"must not repeat a code, got {twice!r} twice")
        present = {stage.category for stage in self.stages}
        for category in StageCategory:
            yield when(category not in present, "stages", f"must include at least one {category} stage, got none")
        entry = self._by_code.get(self.entry) if isinstance(self.entry, str) else None
        if self.entry is not None:
            yield coded("entry", self.entry, self._by_code)
            yield when(entry and not entry.is_open, "entry", f"must be an open stage, got {self.entry!r}")
        moves: Any = self.moves
        if not isinstance(moves, frozenset | None):
            return
        for pair in sorted(moves or (), key=repr):
            yield self._move_problem(pair)
        if self.open_stages:
            yield from self._path_problems(entry if entry and entry.is_open else self.open_stages[0])

    def _move_problem(self, pair: object) -> Problem | None:
        match pair:
            case (str(source), str(target)) if source in self._by_code and target in self._by_code:
                start, end = self._by_code[source], self._by_code[target]
            case (str(), str()):
                unknown = [name for name in pair if name not in self._by_code]
                hints = ", ".join(f"{name!r}{did_you_mean(name, self._by_code)}" for name in unknown)
                return Problem("moves", f"must join known stages, got {hints} in {pair!r}")
            case _:
                return Problem("moves", f"must be pairs of stage codes, got {pair!r}", is_type=True)
        if source == target:
            return Problem("moves", f"must lead to another stage, got {pair!r}")
        if not start.is_open and start.category is not end.category:
            way_out = "reopening needs no move" if end.is_open else "reopen first"
            return Problem("moves", f"must not leave closed stage {source!r} for {target!r}; {way_out}")
        back = start.is_open and end.is_open and self._positions[target] < self._positions[source]
        rule = f"must not go back as long as allow_back is False, got {pair!r}"
        return when(back and not self.allow_back, "moves", rule)

    def _path_problems(self, entry: Stage) -> Iterator[Problem]:
        steps = [(source, target) for source, targets in self._targets.items() for target in targets]
        on_the_way = reached(entry.code, steps)
        for name, stage in self._by_code.items():
            if name not in on_the_way:
                rule = f"must be reachable from {entry.code!r}, where deals start"
                yield Problem("stages", f"{rule}; no moves lead to {name!r}")
            if stage.is_open and all(self._by_code[end].is_open for end in reached(name, steps)):
                yield Problem("stages", f"must have a way to a closed stage, got none from {name!r}")

    @cached_property
    def _by_code(self) -> Mapping[str, Stage]:
        return MappingProxyType({stage.code: stage for stage in self.stages})

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return MappingProxyType({stage.code: position for position, stage in enumerate(self.stages)})

    @cached_property
    def _targets(self) -> Mapping[str, tuple[str, ...]]:
        return MappingProxyType(
            {
                source: tuple(target for target in self._by_code if self._allows(source, target))
                for source in self._by_code
            }
        )

    def _allows(self, source: str, target: str) -> bool:
        if source == target:
            return False
        if self.moves is not None:
            return (source, target) in self.moves
        start, end = self._by_code[source], self._by_code[target]
        if start.is_open and end.is_open:
            return self.allow_back or self._positions[source] < self._positions[target]
        return start.is_open or (start.is_won and end.is_won)

    def stage(self, code: str) -> Stage:
        """
        Return the stage with this code.

        Raises:
            UnknownStageError: If the pipeline has none; names the nearest.
        """
        try:
            return self._by_code[code]
        except (KeyError, TypeError):
            raise UnknownStageError(f"pipeline {self.id!r}", "stage", code, self._by_code) from None

    @property
    def open_stages(self) -> tuple[Stage, ...]:
        """The open stages, in order."""
        return tuple(stage for stage in self.stages if stage.is_open)

    @property
    def entry_stage(self) -> Stage:
        """Where deals start."""
        return self.open_stages[0] if self.entry is None else self.stage(self.entry)

    @property
    def won_stage(self) -> Stage:
        """The first won stage: where a deal goes that is won without saying where."""
        return next(stage for stage in self.stages if stage.is_won)

    @property
    def lost_stage(self) -> Stage:
        """The first lost stage: where a deal goes that is lost without saying where."""
        return next(stage for stage in self.stages if stage.is_lost)

    def position(self, code: str) -> int:
        """Return a stage's place in the order, from 0; raises as `stage` does."""
        return self._positions[self.stage(code).code]

    def is_later(self, code: str, than: str) -> bool:
        """Say whether the first stage comes after the second in the order; raises as `stage` does."""
        return self.position(code) > self.position(than)

    def moves_from(self, code: str) -> tuple[str, ...]:
        """Return the codes of the stages a deal may move to, in order; raises as `stage` does."""
        return self._targets[self.stage(code).code]

    def can_move(self, source: str, target: str) -> bool:
        """Say whether a deal may move from one stage to the other; staying is no move. Raises as `stage` does."""
        return self.stage(target).code in self.moves_from(source)

    @cached_property
    def lifecycle(self) -> Lifecycle[str]:
        """
        The same as a lifecycle, reopenings included: a closed deal goes back to an open stage it can have come from.

        >>> from leadflow.pipelines import SIMPLE
        >>> SIMPLE.lifecycle.moves_from("lost")
        ('reopen qualified', 'reopen proposal', 'reopen negotiation')
        """
        moves = [
            Move(f"{self._verb(source, target)} {target}", source, target)
            for source, targets in self._targets.items()
            for target in targets
        ]
        steps = [(move.source, move.target) for move in moves]
        for stage in self.stages:
            if not stage.is_open:
                before = reached(stage.code, [(end, start) for start, end in steps if not self._by_code[end].is_open])
                moves += [
                    Move(f"reopen {opened.code}", stage.code, opened.code)
                    for opened in self.open_stages
                    if opened.code in before
                ]
        states = tuple(State(stage.code, stage.label) for stage in self.stages)
        return Lifecycle(self.id, states, tuple(moves), initial=self.entry_stage.code)

    def _verb(self, source: str, target: str) -> str:
        category = self._by_code[target].category
        if category is self._by_code[source].category:
            return "move_to"
        return "win" if category is StageCategory.WON else "lose"

    def chart(self, stage: str | None = None) -> "StateMachine":
        """Return a live machine for hosts; see `Lifecycle.chart`."""
        return self.lifecycle.chart(stage)

    def check(self) -> tuple[Problem, ...]:
        """Return where python-statemachine disagrees with our table; see `Lifecycle.check`."""
        return self.lifecycle.check()

    def to_mermaid(self) -> str:
        """Return a Mermaid state diagram with every move; see `Lifecycle.to_mermaid`."""
        return self.lifecycle.to_mermaid()

    def to_markdown(self) -> str:
        """Return a Markdown table of every move; see `Lifecycle.to_markdown`."""
        return self.lifecycle.to_markdown()

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per stage, in order; sets are sorted lists, periods are timedeltas."""
        return [
            {
                "code": stage.code,
                "label": stage.label,
                "category": stage.category.value,
                "probability": stage.probability,
                "forecast_category": stage.forecast_category.value,
                "requires": sorted(requirement.value for requirement in stage.requires),
                "rots_after": stage.rots_after,
                "review_every": stage.review_every,
                "moves_to": list(self.moves_from(stage.code)),
            }
            for stage in self.stages
        ]

    def _repr_html_(self) -> str:
        shown = (
            {
                "stage": stage.label,
                "category": stage.category.value,
                "probability": f"{stage.probability * 100:.3g} %",
                "forecast_category": stage.forecast_category.value.replace("_", " "),
                "requires": ", ".join(sorted(stage.requires)).replace("_", " "),
                "rots_after": stage.rots_after,
                "review_every": stage.review_every,
                "moves_to": ", ".join(self._by_code[target].label for target in self.moves_from(stage.code)),
            }
            for stage in self.stages
        )
        return markup.section(f"{self.label} (version {self.version})", markup.table(shown))
