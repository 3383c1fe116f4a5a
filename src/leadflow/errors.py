"""
Every error that leadflow raises, and the shape they share.

Theory. An expected "no" is a value (an `Assessment`, a `Refusal`); an error is a broken promise. Each error is a
`LeadflowError` and also the standard exception that a caller would expect, so that ``except ValueError`` keeps working.
Errors carry their facts as fields and are picklable; the text is made from the fields and is not part of the interface.
One input is judged whole: `InvalidError` carries every `Problem` found, each with the path to it.
"""

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ConformanceError",
    "CurrencyMismatchError",
    "HistoryError",
    "InvalidError",
    "InvalidTypeError",
    "KeyConflictError",
    "LeadflowError",
    "LookAheadError",
    "MissingRateError",
    "NotAllowedError",
    "Problem",
    "UnknownNameError",
    "UnknownStageError",
]

# A table with a wrong column is wrong in every row: a log gets the first rows, whoever needs all of them the field.
_TOLD = 20


@frozen
class Problem:
    """
    One thing wrong with an input.

    Attributes:
        path: Where, from the input's root (``person.email``); empty when it is the input as a whole.
        message: What the rule is and what was got, as the rest of a sentence that starts with the path.
        is_type: True when the value is of the wrong type rather than out of range.
    """

    path: str
    message: str
    is_type: bool = False

    def __str__(self) -> str:
        return f"{self.path} {self.message}" if self.path else self.message

    def under(self, path: str) -> "Problem":
        """
        Return the same problem seen from one level further out.

        >>> str(Problem("email", "must not be blank").under("person"))
        'person.email must not be blank'
        """
        if not self.path:
            return Problem(path, self.message, self.is_type)
        separator = "" if self.path.startswith("[") else "."
        return Problem(f"{path}{separator}{self.path}", self.message, self.is_type)


class LeadflowError(Exception):
    """The base of every error that leadflow raises on purpose."""


class InvalidError(LeadflowError, ValueError):
    """
    An input broke one or more rules; nothing was built and nothing changed.

    Attributes:
        subject: What was being built or called, e.g. ``Person``.
        problems: Every `Problem` of this input, in the order of its fields. The text tells the first twenty.
    """

    def __init__(self, subject: str, problems: "Iterable[Problem]") -> None:
        self.subject = subject
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(subject, self.problems)

    def __str__(self) -> str:
        told = "; ".join(map(str, self.problems[:_TOLD]))
        more = len(self.problems) - _TOLD
        return f"{self.subject}: {told}" + (f"; and {more:,} more (see problems)" if more > 0 else "")


class InvalidTypeError(InvalidError, TypeError):
    """An `InvalidError` in which at least one value was of the wrong type."""


class CurrencyMismatchError(LeadflowError, ValueError):
    """
    Amounts in two currencies met where only one is possible.

    >>> print(CurrencyMismatchError("add", "EUR", "USD"))
    cannot add USD to EUR; convert one of them first
    >>> print(CurrencyMismatchError("compare", "EUR", "USD"))
    cannot compare USD with EUR; convert one of them first

    Attributes:
        action: What was tried: ``add``, ``subtract``, ``compare``, ...
        left: The one currency.
        right: The other.
    """

    def __init__(self, action: str, left: str, right: str) -> None:
        self.action = action
        self.left = left
        self.right = right
        super().__init__(action, left, right)

    def __str__(self) -> str:
        link = {"add": "to", "subtract": "from"}.get(self.action, "with")
        return f"cannot {self.action} {self.right} {link} {self.left}; convert one of them first"


class MissingRateError(LeadflowError, LookupError):
    """
    No exchange rate is known for a pair of currencies on a day.

    Attributes:
        source: The currency converted from.
        target: The currency converted to.
        day: The day asked for, ISO 8601.
    """

    def __init__(self, source: str, target: str, day: str) -> None:
        self.source = source
        self.target = target
        self.day = day
        super().__init__(source, target, day)

    def __str__(self) -> str:
        return (
            f"no exchange rate from {self.source} to {self.target} on {self.day}; "
            f"add one dated {self.day} or earlier to the ExchangeRates"
        )


class HistoryError(LeadflowError, ValueError):
    """
    A history cannot be the history of this entity: wrong opening, wrong kind of event, or wrong order.

    Attributes:
        entity: The entity, e.g. ``lead 'L-1'``.
        position: Index of the offending event.
        rule: What was broken and the way out.
    """

    def __init__(self, entity: str, position: int, rule: str) -> None:
        self.entity = entity
        self.position = position
        self.rule = rule
        super().__init__(entity, position, rule)

    def __str__(self) -> str:
        return f"{self.entity}, event {self.position}: {self.rule}"


class NotAllowedError(LeadflowError, RuntimeError):
    """
    The rules forbid this command in the entity's present state; the entity is as it was.

    Attributes:
        action: What was tried, e.g. ``win``.
        entity: On what and in which state, e.g. ``'O-17' in stage 'discovery'``.
        reasons: Why not, and what is possible instead.
    """

    def __init__(self, action: str, entity: str, reasons: "Iterable[str]") -> None:
        self.action = action
        self.entity = entity
        self.reasons: tuple[str, ...] = tuple(reasons)
        super().__init__(action, entity, self.reasons)

    def __str__(self) -> str:
        return f"cannot {self.action} {self.entity} ({'; '.join(self.reasons)})"


class LookAheadError(LeadflowError, ValueError):
    """
    Something was asked as of a time before the entity's last record, which would use what nobody knew then.

    Attributes:
        entity: The entity, e.g. ``lead 'L-1'``.
        at: The time asked for, ISO 8601.
        last: The time of the last record, ISO 8601.
    """

    def __init__(self, entity: str, at: str, last: str) -> None:
        self.entity = entity
        self.at = at
        self.last = last
        super().__init__(entity, at, last)

    def __str__(self) -> str:
        return (
            f"{self.entity} was last recorded at {self.last}, after {self.at}; "
            "ask for what was known by then (as_of, Deal.of_all)"
        )


class KeyConflictError(LeadflowError, ValueError):
    """
    An idempotency key was used again for another request; nothing was written.

    Attributes:
        key: The key as the caller gave it.
        item: Of a batch, the item; else None.
    """

    def __init__(self, key: str, item: "str | None" = None) -> None:
        self.key = key
        self.item = item
        super().__init__(key, item)

    def __str__(self) -> str:
        about = "" if self.item is None else f" about item {self.item!r}"
        way_out = "take a new key, or repeat the first request as it was"
        return f"key {self.key!r} was used for another request{about}; {way_out}"


class ConformanceError(LeadflowError, AssertionError):
    """
    A host's store does not do what the port owes; see `leadflow.testing`.

    Attributes:
        faults: Each in words: where, what was expected, what came.
    """

    def __init__(self, faults: "Iterable[str]") -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "; ".join(self.faults)


class UnknownNameError(LeadflowError, LookupError):
    """
    Something was asked for by a code that its owner does not know.

    Attributes:
        owner: Who was asked, e.g. ``lifecycle 'lead'``.
        kind: What was asked for, e.g. ``move``.
        name: The code that is unknown.
        known: The codes that are known.
    """

    def __init__(self, owner: str, kind: str, name: object, known: "Iterable[str]") -> None:
        self.owner = owner
        self.kind = kind
        self.name = name
        self.known: tuple[str, ...] = tuple(map(str, known))
        super().__init__(owner, kind, name, self.known)

    def __str__(self) -> str:
        return f"unknown {self.kind} {self.name!r} in {self.owner}{did_you_mean(str(self.name), self.known)}"


class UnknownStageError(UnknownNameError):
    """A stage was asked for by a code that the pipeline does not have."""


def did_you_mean(name: str, known: "Iterable[str]") -> str:
    """
    Return the hint that ends a message about an unknown name.

    >>> did_you_mean("proposl", ["proposal", "won"])
    " (did you mean 'proposal'?)"
    >>> did_you_mean("zzz", ["proposal", "won"])
    ' (known: proposal, won)'
    """
    from difflib import get_close_matches  # noqa: PLC0415  # 2 ms of every import, for a hint that few runs need

    choices = sorted(map(str, known))
    close = get_close_matches(name, choices, n=1)
    if close:
        return f" (did you mean {close[0]!r}?)"
    return f" (known: {', '.join(choices)})" if choices else " (none is known)"
