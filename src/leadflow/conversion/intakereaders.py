"""
Readers: how a cell of a form or a CSV file becomes a value, as data.

Theory. Whoever declares a form says how each column is written: where the decimal mark is, which way round a date goes,
which words mean yes. Nothing is guessed. A cell that does not fit is refused with what would; a value that is of the
right type already (a form sent as JSON) is taken as it is. White space around a cell does not count; what is inside is
kept as it was written.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any, ClassVar, Final, TypeAlias

from attrs import field, frozen

from leadflow.conversion.mappingpaths import FieldKind, kind_of
from leadflow.errors import Problem, did_you_mean
from leadflow.fields import Fields, fields_problems, to_fields
from leadflow.validation import check, each, instance, optional, prose, shown, text, to_tuple, unique, when

__all__ = [
    "Codes",
    "Day",
    "Instant",
    "Integer",
    "Number",
    "Reader",
    "Text",
    "Unreadable",
    "Words",
    "YesNo",
    "read_cell",
    "reader_for",
]

# Longer runs of digits are no count and no amount, and take long to read.
_LONGEST_NUMBER: Final = 60
# Every part of it is told from every other.
_SAMPLE: Final = datetime(2031, 11, 27, 13, 47, 58, tzinfo=UTC)
# Directives that read the same on every machine; names of months and days depend on its language.
_DIRECTIVES: Final = frozenset("YymdHMSfzj%")


class Unreadable(Exception):  # noqa: N818 - no error of the library: a form turns it into a problem of a column
    """A cell cannot be read; says what would be."""


@frozen
class Text:
    """The cell as it is, without the white space around it."""

    kind: ClassVar[FieldKind] = FieldKind.TEXT

    def read(self, cell: str) -> str:
        """Return what a cell says."""
        return cell


@frozen(kw_only=True)
class Integer:
    """
    A whole number.

    >>> Integer(thousands=".").read("1.250")
    1250

    Attributes:
        thousands: What stands between groups of three digits; empty: nothing may.
    """

    kind: ClassVar[FieldKind] = FieldKind.INTEGER
    thousands: str = ""

    def __attrs_post_init__(self) -> None:
        check("Integer", _mark("thousands", self.thousands, empty=True))

    def read(self, cell: str) -> int:
        """Return what a cell says."""
        return int(_digits(cell, "", self.thousands, "a whole number"))


@frozen(kw_only=True)
class Number:
    """
    A number with decimals, read exactly.

    >>> Number(decimal=",", thousands=".").read("1.250,50")
    Decimal('1250.50')

    Attributes:
        decimal: What stands before the decimals.
        thousands: What stands between groups of three digits; empty: nothing may.
    """

    kind: ClassVar[FieldKind] = FieldKind.DECIMAL
    decimal: str = "."
    thousands: str = ""

    def __attrs_post_init__(self) -> None:
        check(
            "Number",
            _mark("decimal", self.decimal),
            _mark("thousands", self.thousands, empty=True)
            or when(self.thousands == self.decimal, "thousands", f"must differ from decimal, got {self.thousands!r}"),
        )

    def read(self, cell: str) -> Decimal:
        """Return what a cell says."""
        return Decimal(_digits(cell, self.decimal, self.thousands, "a number"))


def _mark(path: str, value: object, *, empty: bool = False) -> Problem | None:
    wrong = instance(path, value, str, "text (str)")
    mark = str(value)
    if wrong is None and not (empty and not mark) and (len(mark) != 1 or mark in "+-0123456789"):
        return Problem(path, f"must be one character that is no digit and no sign, got {shown(value)}")
    return wrong


def _digits(cell: str, decimal: str, thousands: str, what: str) -> str:
    """Return a number as Python writes it."""
    whole = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+" if thousands else "[0-9]+"
    part = rf"(?:{re.escape(decimal)}[0-9]+)?" if decimal else ""
    if len(cell) > _LONGEST_NUMBER or not re.fullmatch(rf"[+-]?(?:{whole}){part}", cell):
        marks = [f"{mark!r} before decimals" for mark in (decimal,) if mark]
        marks += [f"{mark!r} between thousands" for mark in (thousands,) if mark]
        raise Unreadable(f"must be {what}{' with ' if marks else ''}{' and '.join(marks)}")
    plain = cell.replace(thousands, "") if thousands else cell
    return plain.replace(decimal, ".") if decimal else plain


@frozen
class Day:
    """
    A day.

    >>> Day("%d.%m.%Y").read("02.03.2026")
    datetime.date(2026, 3, 2)

    Attributes:
        format: How it is written, as `datetime.strptime` reads it; of numbers only, since names depend on the machine.
    """

    kind: ClassVar[FieldKind] = FieldKind.DATE
    format: str = "%Y-%m-%d"

    def __attrs_post_init__(self) -> None:
        check("Day", _format_problem("format", self.format))

    def read(self, cell: str) -> date:
        """Return what a cell says."""
        return _parsed(cell, self.format, "a day").date()


@frozen
class Instant:
    """
    A moment; aware.

    >>> from datetime import UTC
    >>> Instant("%d.%m.%Y %H:%M", zone=UTC).read("02.03.2026 09:30").isoformat()
    '2026-03-02T09:30:00+00:00'

    Attributes:
        format: How it is written; None: ISO 8601.
        zone: Where it was written; needed where the cell has no offset from UTC. A time that the clocks there left out,
            or showed twice, is refused.
    """

    kind: ClassVar[FieldKind] = FieldKind.DATETIME
    format: str | None = None
    zone: tzinfo | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "Instant",
            optional(_format_problem, "format", self.format),
            optional(instance, "zone", self.zone, tzinfo, "a tzinfo such as ZoneInfo('Europe/Berlin') or UTC"),
        )

    def read(self, cell: str) -> datetime:
        """Return what a cell says."""
        try:
            moment = datetime.fromisoformat(cell) if self.format is None else _parsed(cell, self.format, "a time")
        except ValueError:
            raise Unreadable("must be a time such as 2026-03-02T09:30:00+01:00") from None
        if moment.utcoffset() is not None:
            return moment
        if self.zone is None:
            raise Unreadable("must say its offset from UTC; or declare Instant(zone=...)")
        first, second = (moment.replace(tzinfo=self.zone, fold=fold).utcoffset() for fold in (0, 1))
        if first is not None and second is not None and first != second:
            # Where clocks are put forward an hour is left out; where they are put back, one comes twice.
            what = "a time that there is" if first < second else "a time that there is once"
            raise Unreadable(f"must be {what} in {self.zone}; or say its offset from UTC")
        return moment.replace(tzinfo=self.zone)


def _format_problem(path: str, value: object) -> Problem | None:
    wrong = text(path, value)
    if wrong is not None:
        return wrong
    used = re.findall(r"%(.?)", str(value))
    foreign = sorted(set(used) - _DIRECTIVES)
    if foreign:
        return Problem(path, f"must use directives of numbers only, got %{foreign[0]} in {shown(value)}")
    try:
        same = datetime.strptime(_SAMPLE.strftime(str(value)), str(value)).date() == _SAMPLE.date()  # noqa: DTZ007
    except (ValueError, re.error):
        same = False
    rule = f"must have day, month and year, such as '%d.%m.%Y', got {shown(value)}"
    return None if same else Problem(path, rule)


def _parsed(cell: str, pattern: str, what: str) -> datetime:
    try:
        return datetime.strptime(cell, pattern)  # noqa: DTZ007 - the zone comes from the reader
    except ValueError:
        raise Unreadable(f"must be {what} written as {_SAMPLE.strftime(pattern)}") from None


@frozen(kw_only=True)
class YesNo:
    """
    Yes or no, in words; case does not count.

    >>> YesNo(yes=["ja"], no=["nein"]).read("Ja")
    True

    Attributes:
        yes: What means yes.
        no: What means no; an empty cell means neither.
    """

    kind: ClassVar[FieldKind] = FieldKind.YES_NO
    yes: tuple[str, ...] = field(default=("yes", "true", "1", "on"), converter=to_tuple)
    no: tuple[str, ...] = field(default=("no", "false", "0", "off"), converter=to_tuple)

    def __attrs_post_init__(self) -> None:
        strange = [*each("yes", self.yes, text), *each("no", self.no, text)]
        if not any(strange):
            words = [word.casefold() for word in (*self.yes, *self.no)]
            strange = [when(not self.yes, "yes", "must hold a word, got ()"), unique("no", words)]
        check("YesNo", *strange)

    def read(self, cell: str) -> bool:
        """Return what a cell says."""
        word = cell.casefold()
        if word in {known.casefold() for known in self.yes}:
            return True
        if word in {known.casefold() for known in self.no}:
            return False
        raise Unreadable(f"must be one of {', '.join((*self.yes, *self.no))}")


@frozen
class Codes:
    """
    One of some words, each of which stands for a code; case does not count.

    >>> Codes({"Vorführung": "demo_request", "Sonstiges": "form"}).read("vorführung")
    'demo_request'

    Attributes:
        words: What may stand there, and what it means.
    """

    kind: ClassVar[FieldKind] = FieldKind.TEXT
    words: Fields = field(converter=to_fields)

    def __attrs_post_init__(self) -> None:
        strange: list[Problem | None] = [*fields_problems("words", self.words)]
        if not strange:
            strange = [
                when(not self.words, "words", "must hold a word, got {}"),
                *(text(f"words[{word!r}]", meant) for word, meant in self.words.items()),
                unique("words", [word.casefold() for word in self.words]),
            ]
        check("Codes", *strange)

    def read(self, cell: str) -> str:
        """Return what a cell says."""
        known = {word.casefold(): str(meant) for word, meant in self.words.items()}
        if cell.casefold() not in known:
            raise Unreadable(f"is none of the words declared{did_you_mean(cell, self.words)}")
        return known[cell.casefold()]


@frozen(kw_only=True)
class Words:
    """
    Several texts in one cell; empty ones are left out.

    >>> Words(separator=";").read("router; switch;")
    ('router', 'switch')

    Attributes:
        separator: What stands between them.
    """

    kind: ClassVar[FieldKind] = FieldKind.TEXTS
    separator: str = ","

    def __attrs_post_init__(self) -> None:
        wrong = prose("separator", self.separator)
        check("Words", wrong or when(not self.separator, "separator", "must not be empty, got ''"))

    def read(self, cell: str) -> tuple[str, ...]:
        """Return what a cell says."""
        return tuple(dict.fromkeys(word.strip() for word in cell.split(self.separator) if word.strip()))


Reader: TypeAlias = Text | Integer | Number | Day | Instant | YesNo | Codes | Words
"""How a cell is read."""

_STANDARD: Final[Mapping[FieldKind, Reader]] = {
    reader.kind: reader for reader in (Text(), Integer(), Number(), Day(), Instant(), YesNo(), Words())
}


def reader_for(kind: FieldKind | None) -> Reader:
    """Return how a column is read of which nothing is said: as its path's kind, or as text."""
    return _STANDARD.get(kind or FieldKind.TEXT, Text())


def read_cell(reader: Reader, cell: Any) -> Any:  # noqa: ANN401 - whatever stands in the cell, and what it means
    """
    Return what a cell means; None for an empty one.

    Raises:
        Unreadable: Saying what it must be.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, str):
        return reader.read(cell.strip())
    if reader.kind is FieldKind.TEXTS and isinstance(cell, Iterable) and all(isinstance(one, str) for one in cell):
        return tuple(cell)
    if reader.kind is FieldKind.DECIMAL and kind_of(cell) is FieldKind.INTEGER:
        return Decimal(cell)
    if kind_of(cell) is reader.kind and not isinstance(reader, Codes):
        return cell
    raise Unreadable("must be text, as forms and CSV files hold it")
