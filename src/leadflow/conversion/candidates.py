"""
Candidates: which records may be the same person or company as somebody, and why.

Theory. Both sides are reduced to the same normalised values (`leadflow.stores.matchkeys`), compared criterion by
criterion, and weighed (`Matching`). Nothing is guessed: a value is equal or it is not. The planners use what comes out
(`Matches.deciding`), and hosts show it to whoever looks at duplicates; one code path for both, for one record and for
an import.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from attrs import frozen

from leadflow import markup
from leadflow.account import Account
from leadflow.contact import Contact
from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.conversion.settings import STANDARD_SETTINGS, ConversionSettings
from leadflow.conversion.weighing import WEIGHED, Matching
from leadflow.errors import Problem
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.opportunity import Opportunity
from leadflow.party import Company, Person
from leadflow.prospect import Prospect
from leadflow.stores import Compares, MatchKey, Record, match_keys
from leadflow.stores.matchkeys import account_keys, party_keys
from leadflow.stores.records import RECORD_TYPES
from leadflow.validation import check, coded, each, instance, to_tuple, unique

__all__ = [
    "Criterion",
    "Known",
    "MatchCandidate",
    "Matches",
    "Subject",
    "candidate_keys",
    "keys_by",
    "known_problems",
    "match_candidates",
    "matches_of",
    "similar",
]

Subject: TypeAlias = Lead | Prospect | ListEntry | Contact | Account | Person | Company
"""Somebody for whom records are looked up."""

_SUBJECTS: Final = (Lead, Prospect, ListEntry, Contact, Account, Person, Company)
_MATCHED: Final = (Account, Contact, Prospect, Lead, ListEntry)
_KINDS: Final = tuple(kind.kind for kind in _MATCHED)

_Kind = TypeVar("_Kind", Account, Contact, Opportunity)


class Known:
    """Records that a planner was given, with their match keys."""

    def __init__(self, records: Iterable[Record] = (), *, than: "Known | None" = None) -> None:
        """Take records, beside those of another."""
        new: dict[str, Record] = {record.id: record for record in records}
        keys = {id_: match_keys(record) for id_, record in new.items()}
        self.by_id: Final[Mapping[str, Record]] = new if than is None else {**than.by_id, **new}
        self.keys: Final[Mapping[str, tuple[MatchKey, ...]]] = keys if than is None else {**than.keys, **keys}
        self._by_key: dict[MatchKey, list[str]] = {}
        for id_ in sorted(self.keys):
            for key in self.keys[id_]:
                self._by_key.setdefault(key, []).append(id_)

    def holders(self, key: MatchKey) -> list[str]:
        """Return the ids of the records that have a key, sorted."""
        return self._by_key.get(key, [])

    def having(self, kind: type[_Kind], keys: Iterable[MatchKey]) -> list[_Kind]:
        """Return the records of a kind that have one of these keys, sorted by id."""
        found = [self.by_id[id_] for id_ in sorted({id_ for key in keys for id_ in self.holders(key)})]
        return [record for record in found if isinstance(record, kind)]


def known_problems(records: Any) -> list[Problem | None]:  # noqa: ANN401 - whatever was handed over
    """Return what is wrong with the records that a caller handed over as known."""
    strange = each("known", records, instance, RECORD_TYPES, "a record")
    return strange if any(strange) else [unique("known", [record.id for record in records])]


@frozen
class Criterion:
    """
    One thing in which two records were compared.

    Attributes:
        by: What was compared: email, domain, phone or name.
        ours: The value looked for, normalised; None: unknown.
        theirs: The candidate's, normalised; None: unknown.
        weight: What it counts: 0 where they differ, or where too many records agree.
    """

    by: Compares
    ours: str | None
    theirs: str | None
    weight: int

    @property
    def agrees(self) -> bool:
        """Whether both are known and equal."""
        return self.ours is not None and self.ours == self.theirs

    def __str__(self) -> str:
        said = "is unknown" if self.theirs is None else f"is {self.theirs!r}"
        asked = "" if self.ours is None else f", not {self.ours!r}"
        return f"same {self.by} ({self.weight})" if self.agrees else f"{self.by} {said}{asked}"


@frozen
class MatchCandidate:
    """
    A record that may be the same.

    Attributes:
        record: Which.
        criteria: In what it agrees and differs, the most telling first.
        decides: Whether its weight reaches the threshold.
    """

    record: Record
    criteria: tuple[Criterion, ...]
    decides: bool

    @property
    def id(self) -> str:
        """The record."""
        return self.record.id

    @property
    def weight(self) -> int:
        """What all criteria count together."""
        return sum(criterion.weight for criterion in self.criteria)

    @property
    def agreeing(self) -> tuple[Compares, ...]:
        """What it has in common and counts, the most telling first."""
        return tuple(criterion.by for criterion in self.criteria if criterion.weight)

    def __str__(self) -> str:
        return f"{self.record}, weight {self.weight}: {', '.join(map(str, self.criteria))}"


@frozen
class Matches:
    """
    The candidates for somebody, and what was left out of the comparison.

    Attributes:
        candidates: Heaviest first, then by id.
        ignored: Keys that too many records have.
        rules: By which they were weighed.
    """

    candidates: tuple[MatchCandidate, ...]
    ignored: tuple[MatchKey, ...]
    rules: Matching

    @property
    def deciding(self) -> tuple[MatchCandidate, ...]:
        """Those whose weight reaches the threshold."""
        return tuple(candidate for candidate in self.candidates if candidate.decides)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per candidate and criterion."""
        return [
            {
                "record": candidate.record.kind,
                "id": candidate.id,
                "weight": candidate.weight,
                "decides": candidate.decides,
                "criterion": criterion.by.value,
                "ours": criterion.ours,
                "theirs": criterion.theirs,
                "counts": criterion.weight,
            }
            for candidate in self.candidates
            for criterion in candidate.criteria
        ]

    def _lines(self) -> Iterator[str]:
        found = len(self.candidates)
        yield f"{found} {'candidate' if found == 1 else 'candidates'} ({self.rules.threshold} decides)"
        for key in self.ignored:
            yield f"{key.by} of {key.finds} is ignored: more than {self.rules.max_hits} have {key.value!r}"

    def __str__(self) -> str:
        head, *ignored = self._lines()
        return "\n".join([head, *(f"  {line}" for line in (*map(str, self.candidates), *ignored))])

    def _repr_html_(self) -> str:
        head, *ignored = self._lines()
        return markup.section(head, markup.table(self.to_rows()), *map(markup.paragraph, ignored))


def candidate_keys(
    subject: Subject,
    /,
    *,
    kinds: Iterable[str] = _KINDS,
    settings: ConversionSettings = STANDARD_SETTINGS,
) -> tuple[MatchKey, ...]:
    """
    Return what to ask a store for, before `match_candidates` compares what it has.

    >>> print(*candidate_keys(Person("Ada Obi", email="ada@obi.example"), kinds=["contact"]))
    contact:email:ada@obi.example contact:name:ada obi

    Args:
        subject: Somebody: a lead, prospect, list entry, contact, account, person or company.
        kinds: Among which records: ``account``, ``contact``, ``prospect``, ``lead``, ``list entry``.
        settings: Which criteria count, and what stands for no company.

    Raises:
        InvalidError: Naming everything that is wrong with the arguments.
    """
    wanted = to_tuple(kinds)
    check("candidate_keys", *_problems(subject, settings), *each("kinds", wanted, coded, _KINDS))
    weight = settings.matching.weight
    return tuple(sorted(key for kind in wanted for by, key in _ours(subject, kind, settings).items() if weight(by)))


def match_candidates(
    subject: Subject, known: Iterable[Record], /, *, settings: ConversionSettings = STANDARD_SETTINGS
) -> Matches:
    """
    Return which records may be the same person or company as somebody, and why.

    >>> from datetime import UTC, datetime
    >>> ada = Contact.add("C-1", Person("Ada Obi", email="Ada@Obi.example"), at=datetime(2026, 3, 2, tzinfo=UTC))
    >>> print(match_candidates(Person("A. Obi", email="ada@obi.example"), [ada]))
    1 candidate (100 decides)
      contact 'C-1', weight 100: same email (100), name is 'ada obi', not 'a. obi'

    Args:
        subject: Somebody: a lead, prospect, list entry, contact, account, person or company.
        known: Records to compare with, such as ``store.candidates(candidate_keys(subject), max_hits + 1)`` returns.
            Deals are passed over, and so are the subject itself and the lead or prospect that it is linked with.
        settings: What each criterion counts, and what stands for no company.

    Raises:
        InvalidError: Naming everything that is wrong with the arguments.
    """
    records = to_tuple(known)
    check("match_candidates", *_problems(subject, settings), *known_problems(records))
    itself = {getattr(subject, name, None) for name in ("id", "lead_id", "prospect_id")}
    others = Known(record for record in records if record.id not in itself)
    found = [matches_of(kind.kind, _ours(subject, kind.kind, settings), others, settings.matching) for kind in _MATCHED]
    return Matches(
        tuple(sorted((candidate for each_ in found for candidate in each_.candidates), key=_heaviest)),
        tuple(key for each_ in found for key in each_.ignored),
        settings.matching,
    )


def matches_of(kind: str, ours: Mapping[Compares, MatchKey], known: Known, rules: Matching) -> Matches:
    """Return the known records of a kind that share a key, weighed."""
    hits = {by: known.holders(key) for by, key in ours.items() if rules.weight(by)}
    crowded = {by for by, ids in hits.items() if len(ids) > rules.max_hits}
    ids = sorted({id_ for by, held in hits.items() if by not in crowded for id_ in held})
    candidates: list[MatchCandidate] = []
    for id_ in ids:
        theirs = {key.by: key.value for key in known.keys[id_] if key.finds == kind}
        criteria = tuple(
            Criterion(by, mine, their, rules.weight(by) if mine == their and by not in crowded else 0)
            for by in WEIGHED
            for mine, their in [(ours[by].value if by in ours else None, theirs.get(by))]
            if mine is not None or their is not None
        )
        decides = sum(criterion.weight for criterion in criteria) >= rules.threshold
        candidates.append(MatchCandidate(known.by_id[id_], criteria, decides))
    return Matches(tuple(sorted(candidates, key=_heaviest)), tuple(ours[by] for by in WEIGHED if by in crowded), rules)


def similar(path: str, matches: Matches) -> Iterator[RefusalReason]:
    """Yield a warning about who may be the same but shares too little to tell; those who share the same, together."""
    alike: dict[str, list[Record]] = {}
    for candidate in matches.candidates:
        if not candidate.decides:
            same = " and ".join(str(by) for by in candidate.agreeing)
            alike.setdefault(same, []).append(candidate.record)
    for same, records in alike.items():
        who = f"{records[0]} has" if len(records) == 1 else f"{records[0]} and {len(records) - 1} more have"
        message = f"{who} the same {same}; look whether it is the same"
        yield RefusalReason(RefusalCode.DUPLICATE, message, path=path, ids=[record.id for record in records])


def _heaviest(candidate: MatchCandidate) -> tuple[int, str]:
    return -candidate.weight, candidate.id


def keys_by(keys: Iterable[MatchKey]) -> dict[Compares, MatchKey]:
    """Return keys of one kind by what they compare."""
    return {key.by: key for key in keys}


def _problems(subject: object, settings: object) -> list[Problem | None]:
    return [
        instance("subject", subject, _SUBJECTS, "a lead, prospect, list entry, contact, account, person or company"),
        instance("settings", settings, ConversionSettings, "ConversionSettings"),
    ]


def _ours(subject: Subject, kind: str, settings: ConversionSettings) -> dict[Compares, MatchKey]:
    """Return the keys that somebody would have as a record of a kind."""
    person: Person | None = subject if isinstance(subject, Person) else getattr(subject, "person", None)
    company: Company | None = subject if isinstance(subject, Company) else getattr(subject, "company", None)
    if kind != Account.kind:
        # A contact is a person; the others may be a company's office.
        party = person if kind == Contact.kind else person or company
        return keys_by(party_keys(kind, party))
    if isinstance(subject, Account):
        return keys_by(account_keys(subject.name, company))
    company = settings.company_of(person, company)
    email = person.email if person else None
    return {} if company is None else keys_by(account_keys(company.name, company, email))
