"""
The compiled evaluator: one generated straight-line function per policy and class of subject.

Theory. Walking a tree of nodes costs more than the comparisons in it. So the tree is walked once and written out as
plain Python: read every value into a variable, test each, add up, decide. It must give what the interpreter gives; a
property test holds the two together. Nothing from a policy's text ever becomes code: constants enter through the
function's globals under generated names, and attribute names come from the catalogue, checked once more here. A value
is None when unknown, and a truth is True, False or None.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import Any, Final, Protocol

from leadflow.assessment import FindingKind, Verdict
from leadflow.errors import Problem
from leadflow.fields import FieldValue
from leadflow.qualification.comparisons import Between, Compare, Includes, IsIn, IsKnown, Operand, TextMatch
from leadflow.qualification.engaged import Engaged
from leadflow.qualification.facts import Age, Coalesce, Fact, Read
from leadflow.qualification.gates import Gate
from leadflow.qualification.interpreter import Criterion
from leadflow.qualification.kinds import Kind
from leadflow.qualification.logic import AtLeast, Not, Predicate, Several
from leadflow.qualification.scores import Bands, Cap, Points, Score, milli
from leadflow.qualification.sheet import FactSheet
from leadflow.validation import invalid

__all__ = ["Core", "compile_policy"]

# Subject and time of the judgement in; verdict, low, high, passed, unknown, the values read out.
Core = Callable[[Any, datetime], tuple[Verdict, int, int, int, int, tuple[FieldValue | None, ...]]]

_TEXT_TESTS: Final = {"contains": "{c} in {v}", "startswith": "{v}.startswith({c})", "endswith": "{v}.endswith({c})"}


class Compilable(Protocol):
    """What is needed of a policy."""

    @property
    def criteria(self) -> tuple[Criterion, ...]: ...
    @property
    def reads(self) -> tuple[Read, ...]: ...
    @property
    def score(self) -> Score | None: ...
    @property
    def needed(self) -> int | None: ...


def compile_policy(policy: Compilable, subject: type, refuse: Callable[[Any, datetime], None]) -> Core:
    """
    Return the function that judges subjects of one class.

    Args:
        policy: What to compile.
        subject: Class of the subjects; `tuple` for the values themselves, as an assessment holds them.
        refuse: Raises what is wrong with a subject or time; called when the time is naive or before the last record.
    """
    writer = _Writer()
    writer.constants["refuse"] = refuse
    _reading(writer, policy.reads, subject)
    values = {read.name: f"v{position}" for position, read in enumerate(policy.reads)}
    body = _Body(writer, values)
    body.policy(policy)
    names = "".join(f"{name}, " for name in values.values())
    writer.line(f"return verdict, low, high, passed, unknown, ({names})")
    return writer.function()


class _Writer:
    """Lines of one function, and the constants they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {f"V_{verdict.name}": verdict for verdict in Verdict}
        self.numbers = count()

    def line(self, text: str) -> None:
        self.lines.append(f"    {text}")

    def new(self, letter: str) -> str:
        return f"{letter}_{next(self.numbers)}"

    def constant(self, value: object) -> str:
        name = self.new("c")
        self.constants[name] = value
        return name

    def function(self) -> Core:
        source = "\n".join(["def core(s, at):", *self.lines, ""])
        scope: dict[str, Any] = {**self.constants, "__builtins__": {}}
        # Made of the fixed pieces in this file and generated names only.
        exec(compile(source, "<leadflow policy>", "exec"), scope)  # noqa: S102
        core: Core = scope["core"]
        return core


def _reading(writer: _Writer, reads: Sequence[Read], subject: type) -> None:
    """Write the lines that put what is read into v0, v1, ..."""
    if subject is tuple:
        writer.line("".join(f"v{position}, " for position in range(len(reads))) + "= s" if reads else "pass")
        return
    last = "known_at" if issubclass(subject, FactSheet) else "updated_at"
    writer.line("if at.utcoffset() is None: refuse(s, at)")
    writer.line(f"if s.{last} is not None and s.{last} > at: refuse(s, at)")
    if issubclass(subject, FactSheet):
        writer.line("held = s.values.get")
    steps: dict[tuple[str, ...], str] = {}
    for position, read in enumerate(reads):
        if not isinstance(read, Fact) or read.declared is not None or read.spec.derive is not None:
            writer.line(f"v{position} = {writer.constant(read.read)}(s, at)")
        elif issubclass(subject, FactSheet):
            writer.line(f"v{position} = held({writer.constant(read.name)})")
        elif not read.spec.on or not hasattr(subject, read.spec.on):
            writer.line(f"v{position} = None")
        else:
            writer.line(f"v{position} = {_step(writer, steps, read.spec.path)}")


def _step(writer: _Writer, steps: dict[tuple[str, ...], str], path: tuple[str, ...]) -> str:
    """Return an expression for the end of a path; every step on the way is looked up once and may be None."""
    if not all(name.isidentifier() and not name.startswith("_") for name in path):
        raise invalid("Policy", Problem(".".join(path), "is no path of plain attribute names"))
    if len(path) == 1:
        return f"s.{path[0]}"
    before = path[:-1]
    if before not in steps:
        found = _step(writer, steps, before)
        steps[before] = writer.new("p")
        writer.line(f"{steps[before]} = {found}")
    return f"None if {steps[before]} is None else {steps[before]}.{path[-1]}"


class _Body:
    """Writes what follows the reading."""

    def __init__(self, writer: _Writer, values: dict[str, str]) -> None:
        self.writer = writer
        self.values = values
        # Criteria are written in the order of the masks' bits.
        self.bits = (1 << bit for bit in count())

    def policy(self, policy: Compilable) -> None:
        write = self.writer.line
        write("passed = unknown = low = high = 0")
        write("knocked = failed = is_open = False")
        for criterion in policy.criteria:
            if isinstance(criterion.node, Gate):
                self.gate(criterion.node, "knocked" if criterion.kind is FindingKind.KNOCK_OUT else "failed")
        if policy.score is not None:
            self.score(policy.score, "low", "high")
        needed = policy.needed
        write("if knocked: verdict = V_DISQUALIFIED")
        write(f"elif failed{'' if needed is None else f' or high < {needed:d}'}: verdict = V_NOT_QUALIFIED")
        write(f"elif is_open{'' if needed is None else f' or low < {needed:d}'}: verdict = V_UNDECIDED")
        write("else: verdict = V_QUALIFIED")

    def gate(self, gate: Gate, flag: str) -> None:
        bit = next(self.bits)
        closed = {"range": None, "yes": True, "no": False}[gate.unknown]
        holds, fails = [f"passed |= {bit:d}"], [f"{flag} = True"]
        if flag == "knocked":
            holds, fails = [*holds, *fails], []
        unknown = [f"unknown |= {bit:d}", "is_open = True"] if closed is None else holds if closed else fails
        self.branch(gate.when, unknown, holds, fails)

    def branch(self, when: Predicate, unknown: list[str], holds: list[str], fails: list[str]) -> None:
        """Write what to do in each of the three cases; a plain test of one value needs no truth in between."""
        if isinstance(when, Compare | Between | IsIn | TextMatch | Includes):
            value = self.tested(when)
            tests = [f"if {value} is None", f"elif {self.test(when, value)}"]
        else:
            truth = self.truth(when)
            tests = [f"if {truth} is None", f"elif {truth}"]
        for test, lines in zip([*tests, "else"], (unknown, holds, fails), strict=True):
            self.writer.line(f"{test}: {'; '.join(lines) or 'pass'}")

    def score(self, score: Score, low: str, high: str) -> None:
        """Write what adds a score's range to two variables."""
        write = self.writer.line
        match score:
            case Points():
                bit, most = next(self.bits), milli(score.points)
                least, top = score.taken
                self.branch(
                    score.when,
                    [f"unknown |= {bit:d}", *_added(low, least), *_added(high, top)],
                    [f"passed |= {bit:d}", *_added(low, most), *_added(high, most)],
                    [],
                )
            case Bands():
                self.bands(score, low, high)
            case Engaged():
                bit, value = next(self.bits), self.values[score.figure.name]
                least, top = score.taken
                write(
                    f"if {value} is None: {'; '.join([f'unknown |= {bit:d}', *_added(low, least), *_added(high, top)])}"
                )
                write(f"elif {value}: passed |= {bit:d}; {low} += {value}; {high} += {value}")
            case Cap():
                least_name, most_name = self.writer.new("low"), self.writer.new("high")
                write(f"{least_name} = {most_name} = 0")
                self.score(score.item, least_name, most_name)
                for limit, sign in ((score.low, "<"), (score.high, ">")):
                    if limit is not None:
                        for name in (least_name, most_name):
                            write(f"if {name} {sign} {milli(limit):d}: {name} = {milli(limit):d}")
                write(f"{low} += {least_name}; {high} += {most_name}")
            case _:
                for _, part in score.parts:
                    self.score(part, low, high)

    def bands(self, score: Bands, low: str, high: str) -> None:
        bit, value = next(self.bits), self.operand(score.operand)
        least, top = score.taken
        lines = [f"if {value} is None: {'; '.join([f'unknown |= {bit:d}', *_added(low, least), *_added(high, top)])}"]
        tests = [self.test(score.operand >= cut, value) for cut in reversed(score.cuts)]
        for test, number in zip([*tests, ""], reversed(score.points), strict=True):
            given = milli(number)
            does = "; ".join([f"passed |= {bit:d}", *_added(low, given), *_added(high, given)]) if given else "pass"
            lines.append(f"elif {test}: {does}" if test else f"else: {does}")
        for line in lines:
            self.writer.line(line)

    def truth(self, when: Predicate) -> str:
        """Write what works out a truth, and return the variable that holds it."""
        name = self.writer.new("t")
        write = self.writer.line
        match when:
            case IsKnown():
                write(f"{name} = {self.operand(when.operand)} is not None")
            case Not():
                inner = self.truth(when.item)
                write(f"{name} = None if {inner} is None else not {inner}")
            case Several():
                parts = [self.truth(item) for item in when.items]
                sure = " + ".join(f"({part} is True)" for part in parts)
                possible = " + ".join(f"({part} is not False)" for part in parts)
                needed = when.count if isinstance(when, AtLeast) else when.needed
                write(f"{name} = True if {sure} >= {needed:d} else None if {possible} >= {needed:d} else False")
            case Compare() | Between() | IsIn() | TextMatch() | Includes():
                value = self.tested(when)
                write(f"{name} = None if {value} is None else {self.test(when, value)}")
            case _:
                raise invalid("Policy", Problem("", f"holds a {type(when).__name__}, which is no part of leadflow"))
        return name

    def tested(self, when: Compare | Between | IsIn | TextMatch | Includes) -> str:
        """Return the variable that a test looks at; of an amount its number, None in another currency."""
        value = self.operand(when.operand)
        if when.currency is None:
            return value
        name = self.writer.new("m")
        currency = self.writer.constant(when.currency)
        self.writer.line(f"{name} = {value}.amount if {value} is not None and {value}.currency == {currency} else None")
        return name

    def test(self, when: Compare | Between | IsIn | TextMatch | Includes, value: str) -> str:
        """Return the expression that tests a known value."""
        constant = self.writer.constant
        match when:
            case Compare() | Between() if when.operand.kind is Kind.LEVEL:
                return f"{value} in {constant(frozenset(filter(when.test, when.operand.levels)))}"
            case Compare():
                return f"{value} {'==' if when.op == '=' else when.op} {constant(_number(when.constant))}"
            case Between():
                return f"{constant(_number(when.low))} <= {value} <= {constant(_number(when.high))}"
            case IsIn():
                return f"{value} in {constant(frozenset(when.options))}"
            case TextMatch():
                looked = f"{value}.lower()" if when.ignore_case else value
                part = when.part.lower() if when.ignore_case else when.part
                return _TEXT_TESTS[when.op].format(v=looked, c=constant(part))
            case _:
                return f"{constant(when.item)} in {value}"

    def operand(self, operand: Operand) -> str:
        """Return the variable that holds a value, after writing what works it out."""
        match operand:
            case Age():
                since, name = self.operand(operand.operand), self.writer.new("a")
                until = "at" if operand.operand.kind is Kind.INSTANT else "at.date()"
                self.writer.line(f"{name} = None if {since} is None else ({until} - {since}).days")
                return name
            case Coalesce():
                value, name = self.operand(operand.operand), self.writer.new("d")
                self.writer.line(f"{name} = {self.writer.constant(operand.default)} if {value} is None else {value}")
                return name
            case _:
                return self.values[operand.text]


def _added(name: str, number: int) -> Iterable[str]:
    return [f"{name} += {number:d}"] if number else []


def _number(constant: Any) -> Any:  # noqa: ANN401 - a constant of any kind
    return getattr(constant, "amount", constant)
