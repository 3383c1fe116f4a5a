"""
Paths: the attributes that a mapping may read and write, each with the kind of value it holds.

Theory. A mapping is checked when it is built, long before there is a record; so what there is to read and to write is
written down here as data, by path and kind. Custom fields (``fields.<name>``) may hold anything; their kind is known
where the host declares it. Attributes of one group only make sense together and move together. A test keeps the tables
equal to the classes they describe.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from leadflow.fields import FieldValue
from leadflow.money import Money
from leadflow.party import Company, EmailAddress, Person
from leadflow.prospect import Prospect

__all__ = [
    "COMPANY",
    "GROUPS",
    "PERSON",
    "SOURCES",
    "TARGETS",
    "FieldKind",
    "custom",
    "group_of",
    "kind_of",
    "values_of",
]


class FieldKind(StrEnum):
    """What kind of value a field holds; values of two kinds are never mixed up."""

    YES_NO = "yes_no"
    INTEGER = "integer"
    FLOAT = "float"
    TEXT = "text"
    DECIMAL = "decimal"
    DATETIME = "datetime"
    DATE = "date"
    DURATION = "duration"
    MONEY = "money"
    TEXTS = "texts"


# A subclass comes before what it derives from: True is an int to Python, and a datetime a date.
_TYPES: Final[tuple[tuple[FieldKind, tuple[type, ...]], ...]] = (
    (FieldKind.YES_NO, (bool,)),
    (FieldKind.INTEGER, (int,)),
    (FieldKind.FLOAT, (float,)),
    (FieldKind.TEXT, (str,)),
    (FieldKind.DECIMAL, (Decimal,)),
    (FieldKind.DATETIME, (datetime,)),
    (FieldKind.DATE, (date,)),
    (FieldKind.DURATION, (timedelta,)),
    (FieldKind.MONEY, (Money,)),
    (FieldKind.TEXTS, (tuple, frozenset)),
)


def kind_of(value: object) -> FieldKind | None:
    """Return what kind of value a custom field holds; None where it can be no custom field's."""
    return next((kind for kind, types in _TYPES if isinstance(value, types)), None)


_TEXT: Final = FieldKind.TEXT
PERSON: Final[Mapping[str, FieldKind]] = MappingProxyType(
    dict.fromkeys(
        ("name", "email", "phone", "handle", "job_title", "seniority", "department", "country", "language"), _TEXT
    )
)
COMPANY: Final[Mapping[str, FieldKind]] = MappingProxyType(
    {
        **dict.fromkeys(("name", "domain", "industry", "country", "region", "city", "email", "phone"), _TEXT),
        "employees": FieldKind.INTEGER,
        "revenue": FieldKind.MONEY,
        "technologies": FieldKind.TEXTS,
    }
)
_LEARNT: Final[Mapping[str, FieldKind]] = {
    "budget": FieldKind.MONEY,
    "need": _TEXT,
    "timeline": FieldKind.DATE,
    "next_step": _TEXT,
    "catalyst": _TEXT,
}
_ORIGIN: Final = {"source": _TEXT, "campaign": _TEXT}


def _under(path: str, kinds: Mapping[str, FieldKind]) -> dict[str, FieldKind]:
    return {f"{path}.{name}": kind for name, kind in kinds.items()}


SOURCES: Final[Mapping[str, FieldKind]] = MappingProxyType(
    {
        **_under("person", PERSON),
        **_under("company", COMPANY),
        **_ORIGIN,
        "owner": _TEXT,
        "estimated_value": FieldKind.MONEY,
        "tags": FieldKind.TEXTS,
        "revisit_on": FieldKind.DATE,
        **_under("discovery", _LEARNT),
    }
)
"""What can be read of a prospect (or lead), beside ``fields.<name>``; of what was learnt, the value."""

TARGETS: Final[Mapping[str, FieldKind]] = MappingProxyType(
    {
        **_under("account", {"name": _TEXT, **_ORIGIN, **_under("company", COMPANY)}),
        **_under("contact", {**_ORIGIN, **_under("person", PERSON)}),
        **_under(
            "opportunity",
            {"name": _TEXT, **_ORIGIN, "amount": FieldKind.MONEY, "expected_close": FieldKind.DATE},
        ),
    }
)
"""What can be written of an account, contact and opportunity, beside ``<record>.fields.<name>``."""

GROUPS: Final[Mapping[type, tuple[tuple[str, ...], ...]]] = MappingProxyType(
    {Person: (("phone", "country"),), Company: (("country", "region", "city", "phone"),)}
)
"""
Attributes that move together or not at all.

Amount and currency are one value (`Money`), and so are a recurring amount and its plan (`Recurring`).
"""


def group_of(target: str) -> tuple[str, ...]:
    """Return the target paths that a target path moves with; none where it moves alone."""
    for kind, record in ((Person, "contact.person"), (Company, "account.company")):
        for group in GROUPS[kind]:
            paths = tuple(f"{record}.{name}" for name in group)
            if target in paths:
                return paths
    return ()


def custom(path: str, *owners: str) -> str | None:
    """
    Return the name of the custom field that a path means; None where it means an attribute.

    Args:
        path: E.g. ``fields.seats`` or, with owners, ``account.fields.seats``.
        *owners: What may stand before it.
    """
    for prefix in (f"{owner}.fields." for owner in owners) if owners else ("fields.",):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return None


def values_of(prospect: Prospect) -> dict[str, FieldValue]:
    """Return every value that a mapping can read of a prospect, by path; what is unknown is left out."""
    found: dict[str, Any] = {f"fields.{name}": value for name, value in prospect.fields.items()}
    for path in SOURCES:
        owner, _, name = path.partition(".")
        value: Any = getattr(prospect, owner)
        if name and value is not None:
            value = getattr(value, name)
            value = value.value if owner == "discovery" and value is not None else value
        if isinstance(value, EmailAddress):
            value = str(value)
        if value is not None and value != frozenset() and kind_of(value) is SOURCES[path]:
            found[path] = value
    return found
