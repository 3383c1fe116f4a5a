"""
The worklist: who to work on next, and why, ranked by what is at stake.

Theory. Every record is taken as it was known at the time of the list, and listed once, with all the reasons that hold.
What is at stake is money: the expected revenue of a deal, or the estimated value of a lead or prospect times the chance
that such value is ever won. Records are ranked by that, then by what is overdue, by score, by date and by id, so the
order is always the same. Reaching out to somebody obeys what they said: where every way is refused, the reasons that
mean reaching out are withheld, and listed as such. What has no price is listed too, never put at nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any, Final

from attrs import frozen

from leadflow.contact import Contact
from leadflow.currencies import currency_problem
from leadflow.errors import Problem
from leadflow.forecasting.layout import figure, text_table
from leadflow.forecasting.omissions import Omission, in_order, priced, summary
from leadflow.lead import Lead
from leadflow.markup import section, table
from leadflow.money import ExchangeRates, Money
from leadflow.opportunity import Opportunity
from leadflow.party import Channel, Consent, may_contact
from leadflow.prospect import Prospect
from leadflow.validation import aware, check, coded, instance, optional, to_tuple, unique
from leadflow.worklist.reasons import REACHING_OUT, WorkCode, WorkReason, is_workable, reasons_of
from leadflow.worklist.rules import STANDARD_RULES, Workable, WorkRules
from leadflow.worklist.tracks import TrackEnded

__all__ = ["Withheld", "WorkItem", "Worklist", "worklist"]

_TYPES: Final = (Lead, Prospect, Opportunity)
_CHANNELS: Final = tuple(Channel)
_URGENCY: Final = {code: place for place, code in enumerate(WorkCode)}
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


@frozen(kw_only=True)
class WorkItem:
    """
    One record to work on.

    Attributes:
        kind: ``lead``, ``prospect`` or ``opportunity``.
        id: The record.
        owner: Whose it is; None: nobody's.
        level: Its level, as the rules have it.
        reasons: Why, the most pressing first.
        stake: What is at stake, rounded to the currency's smallest unit; None: it has no price.
        channels: The ways to reach them that they have not refused.
    """

    kind: str
    id: str
    owner: str | None
    level: str
    reasons: tuple[WorkReason, ...]
    stake: Money | None
    channels: tuple[Channel, ...]

    @property
    def codes(self) -> frozenset[WorkCode]:
        """The codes of its reasons."""
        return frozenset(reason.code for reason in self.reasons)

    @property
    def is_overdue(self) -> bool:
        """Whether any of its dates has gone by."""
        return any(reason.is_overdue for reason in self.reasons)

    @property
    def score(self) -> int | None:
        """Its points that are certain, in milli-points; None: it was not scored."""
        return next((reason.score for reason in self.reasons if reason.score is not None), None)


@frozen
class Withheld:
    """
    A reason that is left out because they do not want to be contacted.

    Attributes:
        kind: The kind of record.
        id: The record.
        words: What was left out and why.
    """

    kind: str
    id: str
    words: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id!r}: {self.words}"


@frozen(kw_only=True, slots=False)
class Worklist:
    """
    Who to work on next, and why. Made by `worklist`.

    Attributes:
        at: As of when.
        currency: Of every stake.
        items: The records, the one with most at stake first.
        withheld: What was left out because of what people said about being contacted.
        unpriced: Which records have no stake, and why.
    """

    at: datetime
    currency: str
    items: tuple[WorkItem, ...]
    withheld: tuple[Withheld, ...] = ()
    unpriced: tuple[Omission, ...] = ()

    def of(self, owner: str | None) -> "Worklist":
        """Return the part of one owner; None: what nobody owns."""
        return self._part(item for item in self.items if item.owner == owner)

    def because(self, *codes: WorkCode | str) -> "Worklist":
        """
        Return the records that have one of these reasons, with all their reasons.

        Raises:
            InvalidError: Naming every code that is none.
        """
        check("Worklist.because", *(coded(f"codes[{place}]", one, WorkCode) for place, one in enumerate(codes)))
        wanted = frozenset(map(WorkCode, codes))
        return self._part(item for item in self.items if wanted & item.codes)

    def _part(self, items: Iterable[WorkItem]) -> "Worklist":
        listed = tuple(items)
        ids = {item.id for item in listed}
        return Worklist(
            at=self.at,
            currency=self.currency,
            items=listed,
            withheld=tuple(each for each in self.withheld if each.id in ids),
            unpriced=tuple(each for each in self.unpriced if each.id in ids),
        )

    @cached_property
    def counts(self) -> Mapping[WorkCode, int]:
        """How many records have each reason, in the order of `WorkCode`."""
        found = [reason.code for item in self.items for reason in item.reasons]
        return {code: count for code in WorkCode if (count := found.count(code))}

    def __len__(self) -> int:
        return len(self.items)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per record and reason, in order of rank."""
        return [
            {
                "rank": rank,
                "kind": item.kind,
                "id": item.id,
                "owner": item.owner,
                "stake": item.stake,
                "reason": reason.code.value,
                "due": None if reason.due is None else reason.due.isoformat(),
                "overdue": reason.is_overdue,
                "why": reason.words,
            }
            for rank, item in enumerate(self.items, 1)
            for reason in item.reasons
        ]

    def __str__(self) -> str:
        if not self.items:
            return f"nothing to do as of {self.at:%Y-%m-%d}"
        rows = [
            {
                "rank": rank,
                "record": f"{item.kind} {item.id}",
                "owner": item.owner,
                f"stake {self.currency}": None if item.stake is None else figure(item.stake),
                "why": "; ".join(map(str, item.reasons)),
            }
            for rank, item in enumerate(self.items, 1)
        ]
        lines = text_table(rows, figures=["rank", f"stake {self.currency}"])
        return "\n".join([*lines, *self._remarks()])

    def _remarks(self) -> list[str]:
        return [
            *(f"withheld: {each}" for each in self.withheld),
            *(f"no stake: {line}" for line in summary(self.unpriced)),
        ]

    def _repr_html_(self) -> str:
        return section(f"worklist as of {self.at:%Y-%m-%d %H:%M %Z}", table(self.to_rows()))


def worklist(
    records: Iterable[Workable | Contact],
    *,
    at: datetime,
    currency: str,
    rules: WorkRules = STANDARD_RULES,
    rates: ExchangeRates | None = None,
) -> Worklist:
    """
    Return who to work on next, and why.

    >>> from leadflow import Engagement, Person
    >>> at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> ada = Person("Ada Obi", email="ada@obi.example")
    >>> lead = Lead.capture("L-1", person=ada, engagement=Engagement("form", at=at), owner="bo", at=at)
    >>> print(worklist([lead], at=at.replace(hour=11), currency="EUR"))
    rank  record    owner  stake EUR  why
       1  lead L-1  bo             -  waits for a first answer since 2026-03-02 09:00 UTC
    no stake: 1 without an amount: L-1

    Args:
        records: Leads, prospects and opportunities; contacts among them say how a deal's primary contact may be
            reached. Each is taken as it was known at `at`; what was not known yet, is closed or is out is passed over.
        at: As of when; aware.
        currency: Of the stakes.
        rules: What is expected.
        rates: For amounts in other currencies, at the rate of the day of `at`; a deal that closes earlier, of that day.

    Raises:
        InvalidError: Naming everything that is wrong, a record twice included.
    """
    listed = to_tuple(records)
    strange = _record_problems(listed)
    check(
        "worklist",
        *strange,
        None if any(strange) else unique("records", [record.id for record in listed]),
        aware("at", at),
        currency_problem("currency", currency),
        instance("rules", rules, WorkRules, "WorkRules"),
        optional(instance, "rates", rates, ExchangeRates, "ExchangeRates"),
    )
    known = [record if record.updated_at <= at else record.as_of(at) for record in listed]
    people = {str(record.id): record for record in known if isinstance(record, Contact)}
    found: list[WorkItem] = []
    withheld: list[Withheld] = []
    unpriced: list[Omission] = []
    today = rules.hours.day_of(at)
    kin = _kin(known)
    for record in known:
        if record is None or isinstance(record, Contact) or not is_workable(record):
            continue
        reasons = reasons_of(record, rules, at=at, today=today, kin=kin.get(record.id, ()))
        if not reasons:
            continue
        channels = _channels(record, people, rules.purpose)
        held, left = _obeying(record, reasons, channels, rules.purpose)
        withheld += held
        if left:
            stake = _stake(record, rules, currency, rates, today)
            if isinstance(stake, Omission):
                unpriced.append(stake)
            found.append(
                WorkItem(
                    kind=record.kind,
                    id=record.id,
                    owner=record.owner,
                    level=rules.level_of(record),
                    reasons=left,
                    stake=None if isinstance(stake, Omission) else stake,
                    channels=channels,
                )
            )
    found.sort(key=_rank)
    return Worklist(
        at=at,
        currency=currency,
        items=tuple(found),
        withheld=tuple(sorted(withheld, key=lambda each: (each.kind, each.id, each.words))),
        unpriced=in_order(unpriced),
    )


def _kin(known: Iterable[Workable | Contact | None]) -> Mapping[str, list[Workable]]:
    """Return for prospects their deals, and for deals their prospect, as far as both are among the records."""
    records = [record for record in known if record is not None]
    deals = {str(record.id): record for record in records if isinstance(record, Opportunity)}
    found: dict[str, list[Workable]] = {}
    for record in records:
        if isinstance(record, Prospect):
            for deal in (deals[name] for name in record.opportunity_ids if name in deals):
                found.setdefault(record.id, []).append(deal)
                found.setdefault(deal.id, []).append(record)
    return found


def _record_problems(listed: object) -> list[Problem | None]:
    if not isinstance(listed, tuple):
        return [instance("records", listed, tuple, "several records")]
    rule = "a Lead, Prospect, Opportunity or Contact"
    return [
        instance(f"records[{place}]", record, (*_TYPES, Contact), rule)
        for place, record in enumerate(listed)
        if type(record) not in _TYPES
    ]


def _channels(record: Workable, people: Mapping[str, Contact], purpose: str) -> tuple[Channel, ...]:
    """Return the ways to reach them that are not refused; where addresses are known, those that have one."""
    contact = people.get(record.primary_contact_id or "") if people and isinstance(record, Opportunity) else None
    if contact is None and isinstance(record, Opportunity) and not record.consents:
        return _CHANNELS  # nothing is known of them: the way of most deals
    consents: tuple[Consent, ...] = (*record.consents, *(() if contact is None else contact.consents))
    parties = (
        [contact.person] if contact else [] if isinstance(record, Opportunity) else [record.person, record.company]
    )
    addressed = {
        channel
        for party in parties
        if party is not None
        for channel, address in (
            (Channel.EMAIL, party.email),
            (Channel.PHONE, party.phone),
            (Channel.MESSAGE, party.phone),
            (Channel.MESSAGE, getattr(party, "handle", None)),
            (Channel.SOCIAL, getattr(party, "handle", None)),
        )
        if address is not None
    }
    ways = [channel for channel in _CHANNELS if channel in addressed] if addressed else _CHANNELS
    if not consents:
        return tuple(ways)
    return tuple(channel for channel in ways if may_contact(consents, channel, purpose) is not False)


def _obeying(
    record: Workable, reasons: list[WorkReason | TrackEnded], channels: tuple[Channel, ...], purpose: str
) -> tuple[list[Withheld], tuple[WorkReason, ...]]:
    """Return what their consents forbid, and what is left."""
    held: list[Withheld] = []
    left: list[WorkReason] = []
    for reason in reasons:
        if isinstance(reason, TrackEnded):
            held.append(Withheld(record.kind, record.id, "next nurture touch: no consent to its channel and purpose"))
        elif reason.code in REACHING_OUT - {WorkCode.NURTURE} and not channels:  # of a track's touch it has said so
            held.append(
                Withheld(record.kind, record.id, f"{reason.words}: every way to reach them for {purpose} is refused")
            )
        else:
            left.append(reason)
    return held, tuple(left)


def _stake(
    record: Workable, rules: WorkRules, currency: str, rates: ExchangeRates | None, today: date
) -> Money | Omission:
    if isinstance(record, Opportunity):
        worth, chance = record.amount, record.probability
        on = today if record.expected_close is None else min(record.expected_close, today)
    else:
        worth, chance, on = record.estimated_value, rules.chance.get(record.kind, 1.0), today
    if worth is None and (typical := rules.typical.get(record.kind)) is not None:
        worth, chance = typical, 1.0
    price = priced(record.id, worth, to=currency, on=on, rates=rates)
    return price if isinstance(price, Omission) else price.times(chance).round()


def _rank(item: WorkItem) -> tuple[Any, ...]:
    first = item.reasons[0]
    score = item.score
    return (
        item.stake is None,
        0 if item.stake is None else -item.stake.amount,
        not item.is_overdue,
        0 if score is None else -score,
        _URGENCY[first.code],
        _instant(first.due),
        item.kind,
        item.id,
    )


def _instant(due: datetime | date | None) -> datetime:
    if due is None:
        return _LAST
    return due if isinstance(due, datetime) else datetime.combine(due, time(), UTC)
