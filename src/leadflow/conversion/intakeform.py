"""
Forms: which column of a form or CSV file means what, declared once and checked when declared.

Theory. A form is data: columns, each with a path in leadflow's words and a reader; what holds where a column is empty
or missing; columns that are known and left alone. Reading a row gives values by path, everything that cannot be read
with its column, and every cell that no column declares. Whether the row becomes a lead is not decided here.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen

from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.intakefacts import MONEY, Reading, facts_of, unreadable
from leadflow.conversion.intakereaders import Reader, Text, Unreadable, read_cell, reader_for
from leadflow.conversion.mappingpaths import COMPANY, PERSON, FieldKind, custom, kind_of
from leadflow.conversion.refusals import RefusalReason
from leadflow.conversion.requests import Moment
from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.fields import Fields, field_problem, fields_problems, to_fields
from leadflow.party import Basis, Channel
from leadflow.validation import (
    check,
    code,
    coded,
    each,
    instance,
    invalid,
    member,
    shown,
    text,
    to_set,
    to_tuple,
    unique,
    when,
)

__all__ = ["FORM_PATHS", "Column", "IntakeForm", "form_kind"]

_TEXT: Final = FieldKind.TEXT
FORM_PATHS: Final[Mapping[str, FieldKind]] = MappingProxyType(
    {
        **{f"person.{name}": kind for name, kind in PERSON.items()},
        **dict.fromkeys(("person.given_name", "person.family_name"), _TEXT),
        **{f"company.{name}": kind for name, kind in COMPANY.items()},
        **{f"engagement.{name}": _TEXT for name in ("kind", "channel", "campaign", "subject", "note")},
        "engagement.at": FieldKind.DATETIME,
        **dict.fromkeys(("source", "campaign", "owner"), _TEXT),
        **dict.fromkeys(("tags", "product_interest"), FieldKind.TEXTS),
        **{f"discovery.{name}": _TEXT for name in ("need", "authority", "next_step", "catalyst")},
        "discovery.timeline": FieldKind.DATE,
        # An amount is a number in one column and its currency in another, or declared for the whole form.
        **dict.fromkeys(MONEY, FieldKind.DECIMAL),
        **{f"{path}.currency": _TEXT for path in MONEY},
        "currency": _TEXT,
    }
)
"""
What a column may mean, beside ``fields.<name>``, ``engagement.fields.<name>`` and ``consent.<channel>.<purpose>``.

``person.given_name`` and ``person.family_name`` make a name where there is no ``person.name``. ``currency`` holds for
every amount that has none of its own (``company.revenue.currency``).
"""

# What a row needs beside its defaults for each of them to be held by something, and a time that nothing is after.
_LEAST: Final[Mapping[str, Any]] = {
    "person.email": "x@x.example",
    "company.name": "x",
    "engagement.kind": "form",
    "currency": "EUR",
}
_LAST: Final = Moment(datetime.max.replace(tzinfo=UTC))
_OPEN: Final = ("fields.<name>", "engagement.fields.<name>", "consent.<channel>.<purpose>")
_to_basis = member(Basis)


def form_kind(path: str) -> FieldKind | None:
    """
    Return what kind of value a path of a form holds; None: any (a custom field).

    Raises:
        InvalidError: If there is no such path.
    """
    if path in FORM_PATHS:
        return FORM_PATHS[path]
    for name in (custom(path), custom(path, "engagement")):
        if name is not None:
            check("form_kind", code("", name))
            return None
    word, _, rest = path.partition(".")
    if word == "consent":
        channel, _, purpose = rest.partition(".")
        check("form_kind", coded("", channel, Channel), code("", purpose))
        return FieldKind.YES_NO
    raise invalid("form_kind", Problem("", f"is unknown: {shown(path)}{did_you_mean(path, [*FORM_PATHS, *_OPEN])}"))


def _path_problem(at: str, path: object) -> Problem | None:
    wrong = code(at, path)
    if wrong is None:
        try:
            form_kind(str(path))
        except InvalidError as error:
            return error.problems[0].under(at)
    return wrong


@frozen
class Column:
    """
    One column of a form.

    Attributes:
        name: What the form or file calls it.
        path: What it means, see `FORM_PATHS`.
        reader: How it is written. Default: the plainest way for what it means.
    """

    name: str
    path: str
    reader: Reader = field(default=Text())

    def __attrs_post_init__(self) -> None:
        wrong = _path_problem("path", self.path)
        strange = instance("reader", self.reader, Reader.__args__, "a reader such as Number(decimal=',')")
        check("Column", text("name", self.name), wrong, strange, None if wrong or strange else self._misfit())

    def _misfit(self) -> Problem | None:
        kind = form_kind(self.path)
        if kind in (None, self.reader.kind):
            return None
        rule = f"must read {kind.value if kind else ''} for {self.path!r}, got {self.reader!r}"
        return Problem("reader", rule)

    @classmethod
    def of(cls, name: str, meaning: Any) -> "Column":  # noqa: ANN401 - a path, or a path and a reader
        """Return a column from how a mapping declares it: a path, or a pair of path and reader."""
        if isinstance(meaning, tuple) and len(meaning) == 2:  # noqa: PLR2004 - a pair is two
            return cls(name, *meaning)
        wrong = _path_problem("path", meaning)
        return cls(name, meaning, Text() if wrong else reader_for(form_kind(meaning)))


def _columns(values: Any) -> tuple[Column, ...]:  # noqa: ANN401 - a mapping, or columns
    if not isinstance(values, Mapping):
        return to_tuple(values)
    columns: list[Column] = []
    problems: list[Problem] = []
    for name, meaning in values.items():
        try:
            columns.append(Column.of(name, meaning))
        except InvalidError as error:
            problems += [problem.under(f"columns[{name!r}]") for problem in error.problems]
    if problems:
        raise invalid("IntakeForm", *problems)
    return tuple(columns)


def _basis(value: Basis | str) -> Basis:
    return _to_basis(value)


@frozen
class IntakeForm:
    """
    A form, or a kind of CSV file: what its columns mean.

    >>> form = IntakeForm("newsletter", {"E-Mail": "person.email"}, defaults={"engagement.kind": "subscription"})
    >>> form.read({"E-Mail": "ada@obi.example", "utm": "x"}).values["person.email"]
    'ada@obi.example'

    Attributes:
        name: What it is called; the source of consents, and of list entries without another.
        columns: `Column` values, or a mapping from a column's name to its path, or to a pair of path and reader.
        defaults: What holds where a column is empty or missing, by path: the ``engagement.kind`` that filling in this
            form is, the ``source``, the ``currency``. Without a kind of engagement, nobody engaged.
        ignored: Columns that are known and mean nothing here, such as a token against forgery.
        basis: Why contacting somebody who said yes is lawful: a `Basis` or its value.

    Raises:
        InvalidError: Naming every unknown path, every reader that does not fit, every column or path that comes twice,
            and every amount without a currency.
    """

    name: str
    columns: tuple[Column, ...] = field(converter=_columns)
    defaults: Fields = field(factory=Fields, kw_only=True, converter=to_fields)
    ignored: frozenset[str] = field(default=frozenset(), kw_only=True, converter=to_set)
    basis: Basis = field(default=Basis.CONSENT, kw_only=True, converter=_basis)

    def __attrs_post_init__(self) -> None:
        strange = [
            code("name", self.name),
            *each("columns", self.columns, instance, Column, "a Column"),
            *(
                self._default_problems()
                if isinstance(self.defaults, Mapping)
                else fields_problems("defaults", self.defaults)
            ),
            *each("ignored", self.ignored, text),
            coded("basis", self.basis, Basis),
        ]
        check("IntakeForm", *strange, *(() if any(strange) else self._problems()))

    def _default_problems(self) -> Iterator[Problem | None]:
        """Yield what is wrong with the defaults: what would be, in a row that says no more than it must."""
        good: dict[str, Any] = {}
        for path, value in self.defaults.items():
            at = f"defaults[{path!r}]"
            wrong = _path_problem(at, path) or field_problem(at, value)
            kind = None if wrong else form_kind(path)
            if wrong is None and kind is not None and kind_of(value) is not kind:
                wrong = Problem(at, f"must be {kind.value}, got {shown(value)}")
            yield wrong
            if wrong is None:
                good[path] = value
        row = Reading(form="form", basis=Basis.CONSENT, values={**_LEAST, **good}, columns={})
        for reason in facts_of(row, _LAST).problems:
            yield Problem(f"defaults[{reason.path!r}]", reason.message)

    def _problems(self) -> Iterable[Problem | None]:
        paths = [column.path for column in self.columns]
        yield unique("columns", [*(column.name for column in self.columns), *self.ignored])
        yield unique("columns", paths)
        said = {*paths, *self.defaults}
        about = [path for path in said if path.startswith(("person.", "company."))]
        yield when(not about, "columns", "must say something of a person or a company (person.email, company.name)")
        for path in sorted(said.intersection(MONEY)):
            if not said.intersection({"currency", f"{path}.currency"}):
                rule = (
                    f"is a number without a currency; declare a column or default for 'currency' or '{path}.currency'"
                )
                yield Problem("columns", f"{path} {rule}")

    def read(self, row: Mapping[str, object]) -> Reading:
        """
        Return what a row says: cells by column, as `csv.DictReader` or a web framework hands them over.

        Raises:
            InvalidTypeError: If it is no mapping.
        """
        check("IntakeForm.read", instance("row", row, Mapping, "a mapping from columns to cells"))
        values: dict[str, Any] = dict(self.defaults)
        columns: dict[str, str] = {}
        problems: list[RefusalReason] = []
        unread: set[str] = set()
        for column in self.columns:
            cell = row.get(column.name)
            try:
                value = read_cell(column.reader, cell)
            except Unreadable as why:
                problems.append(unreadable(column.name, f"{why}, got {shown(cell)}"))
                unread.add(column.path)
                continue
            if value is not None and value != ():
                values[column.path] = value
                columns[column.path] = column.name
        names = {column.name for column in self.columns}
        return Reading(
            form=self.name,
            basis=self.basis,
            values=values,
            columns=columns,
            unread=frozenset(unread),
            unmapped=tuple(self._unknown(row, names)),
            problems=tuple(problems),
        )

    def _unknown(self, row: Mapping[Any, object], names: set[str]) -> Iterable[Unmapped]:
        for name, cell in row.items():
            empty = cell is None or cell == [] or (isinstance(cell, str) and not cell.strip())
            if name in names or name in self.ignored or empty:
                continue
            if not isinstance(name, str):
                # None is what csv.DictReader makes of a line with too many cells.
                why = f"the name of a column must be text, got {shown(name)}"
                yield Unmapped("", cell, "the row has more cells than columns" if name is None else why)
                continue
            yield Unmapped(name, cell, f"form {self.name!r} declares no such column{_near(name, names)}")


def _near(name: str, names: Iterable[str]) -> str:
    """Return the hint which declared column may be meant; case is what differs most often."""
    if len(name) >= _LONG:
        return ""
    folded = {known.casefold(): known for known in names}
    hint = did_you_mean(folded.get(name.casefold(), name), names)
    return hint if "did you mean" in hint else ""


_LONG: Final = 100
