"""
What a row comes to: a person, a company, what they did and said, built from the values that a form read.

Theory. Every value goes through the type that will hold it, so nothing is cut off and nothing enters unchecked;
whatever a type refuses is told of the column it stands in, all of it at once. What cannot be kept although nothing is
wrong with it (the size of a company that nobody named) is listed rather than dropped.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve, frozen

from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.conversion.requests import Moment
from leadflow.conversion.terms import Default
from leadflow.currencies import currency_problem
from leadflow.dealparts import ProductInterest, to_products
from leadflow.discovery import learn
from leadflow.engagement import Engagement
from leadflow.errors import InvalidError, Problem
from leadflow.events import Discovered
from leadflow.fields import NO_FIELDS, Fields, field_problem
from leadflow.money import Money
from leadflow.party import Basis, Company, Consent, Person
from leadflow.validation import code, each, text

__all__ = ["MONEY", "Facts", "Reading", "facts_of", "unreadable"]

MONEY: Final = ("company.revenue", "engagement.value", "estimated_value", "discovery.budget")
"""The paths of amounts; each may have a currency of its own, ``<path>.currency``."""


@frozen(kw_only=True)
class Reading:
    """
    What a row says.

    Attributes:
        form: The form's name.
        basis: Why contacting somebody who said yes there is lawful.
        values: By path; what is empty is left out.
        columns: By path, the column that said so.
        unread: The paths whose columns cannot be read.
        unmapped: What stands in the row and means nothing.
        problems: What cannot be read, each with its column.
    """

    form: str
    basis: Basis
    values: Mapping[str, Any]
    columns: Mapping[str, str]
    unread: frozenset[str] = frozenset()
    unmapped: tuple[Unmapped, ...] = ()
    problems: tuple[RefusalReason, ...] = ()


def unreadable(column: str, message: str) -> RefusalReason:
    """Return the reason that a column's cell is to blame."""
    return RefusalReason(RefusalCode.INVALID_VALUE, message, path=column)


@frozen(kw_only=True)
class Facts:
    """
    What a row says, in leadflow's types.

    Attributes:
        person: Who.
        company: For which company.
        engagement: What they did; None: nothing.
        consents: What they said about being contacted.
        source: Where they came from.
        campaign: What we ran that led to it.
        owner: Who is to be responsible.
        estimated_value: What a deal might be worth.
        product_interest: What they are interested in.
        tags: The host's labels.
        fields: The host's own values.
        discovery: What they told of a purchase, by dimension.
        defaults: What nobody gave and was filled in.
        unmapped: What stands in the row and is kept nowhere.
        problems: What is wrong, each with its column.
    """

    person: Person | None = None
    company: Company | None = None
    engagement: Engagement | None = None
    consents: tuple[Consent, ...] = ()
    source: str | None = None
    campaign: str | None = None
    owner: str | None = None
    estimated_value: Money | None = None
    product_interest: tuple[ProductInterest, ...] = ()
    tags: frozenset[str] = frozenset()
    fields: Fields = NO_FIELDS
    discovery: Mapping[str, Any]
    defaults: tuple[Default, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    problems: tuple[RefusalReason, ...] = ()


# What a text may be in an attribute that is one.
_RULES: Final = {"source": text, "campaign": text, "owner": code}


def facts_of(reading: Reading, moment: Moment) -> Facts:
    """Return what a row says, and everything that is wrong with it."""
    return _Builder(reading, moment).facts()


class _Builder:
    def __init__(self, reading: Reading, moment: Moment) -> None:
        self.reading, self.moment = reading, moment
        self.values: dict[str, Any] = dict(reading.values)
        self.columns: dict[str, str] = dict(reading.columns)
        self.problems: list[RefusalReason] = list(reading.problems)
        self.defaults: list[Default] = []
        self.unmapped: list[Unmapped] = list(reading.unmapped)

    def facts(self) -> Facts:
        self._currencies()
        person, company = self._person(), self._company()
        engagement = self._engagement()
        plain = {name: self._checked(name, self.values.get(name)) for name in _RULES}
        tags = tuple(self.values.get("tags", ()))
        self._blame("tags", *each("", tags, text))
        products = to_products(self.values.get("product_interest", ())) if self._products_fit() else ()
        facts = Facts(
            person=person,
            company=company,
            engagement=engagement,
            consents=self._consents(engagement),
            estimated_value=self._money("estimated_value"),
            product_interest=products,
            tags=frozenset(tags),
            fields=self._fields("fields."),
            discovery=self._discovery(),
            **plain,
        )
        return evolve(
            facts,
            defaults=tuple(self.defaults),
            unmapped=tuple(self.unmapped),
            # A column that cannot be read may be missed by more than one; it is told once.
            problems=tuple({(reason.path, reason.message): reason for reason in self.problems}.values()),
        )

    def _under(self, owner: str) -> dict[str, Any]:
        prefix = f"{owner}."
        return {
            path.removeprefix(prefix): value
            for path, value in self.values.items()
            if path.startswith(prefix) and not path.endswith(".currency")
        }

    def at(self, path: str) -> str:
        """Return where a path stands: its column, or, where none says it, the path itself."""
        return self.columns.get(path, path)

    def _unread(self, *paths: str) -> bool:
        """Whether one of these stands in a column that could not be read."""
        return not self.reading.unread.isdisjoint(paths)

    def _blame(self, path: str, *problems: Problem | None) -> None:
        where = self.at(path)
        self.problems += [unreadable(where, problem.message) for problem in problems if problem is not None]

    def _checked(self, path: str, value: Any) -> Any:  # noqa: ANN401 - of the path's own type
        wrong = None if value is None else _RULES[path]("", value)
        self._blame(path, wrong)
        return None if wrong else value

    def _built(self, owner: str, make: Any, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what make makes
        try:
            return make(**given)
        except InvalidError as error:
            for problem in error.problems:
                name = problem.path.partition("[")[0].partition(".")[0]
                column = self.at(f"{owner}.{name}" if name in given else owner)
                self.problems.append(unreadable(column, problem.message))
            return None

    def _person(self) -> Person | None:
        given = self._under("person")
        parts = [given.pop("given_name", None), given.pop("family_name", None)]
        name = " ".join(part for part in parts if part)
        if not given and not name:
            return None
        if "name" in given and name:
            self.unmapped.append(Unmapped("person.given_name", name, "the whole name was given, too"))
        elif name:
            given["name"] = name
            parts_at = [path for path in ("person.given_name", "person.family_name") if path in self.values]
            self.columns["person.name"] = self.at(parts_at[0])
        elif "name" not in given and "email" in given:
            # Nobody is called "Not provided": who gave an address only is called by it, until they say more.
            given["name"] = given["email"]
            self.defaults.append(Default("person.name", given["email"], "the address: no name was given"))
        elif "name" not in given:
            if not self._unread("person.name", "person.email", "person.given_name", "person.family_name"):
                self._nameless("person", given, "no name and no address was given")
            return None
        made: Person | None = self._built("person", Person, given)
        return made

    def _company(self) -> Company | None:
        given = self._under("company")
        if given.pop("revenue", None) is not None and (money := self._money("company.revenue")) is not None:
            given["revenue"] = money
        if not given:
            return None
        if "name" not in given:
            if not self._unread("company.name"):
                self._nameless("company", given, "no name of a company was given")
            return None
        made: Company | None = self._built("company", Company, given)
        return made

    def _nameless(self, owner: str, given: Mapping[str, Any], why: str) -> None:
        said = [name for name in given if f"{owner}.{name}" in self.columns]
        self.unmapped += [Unmapped(self.at(f"{owner}.{name}"), given[name], why) for name in said]

    def _engagement(self) -> Engagement | None:
        given = {name: value for name, value in self._under("engagement").items() if not name.startswith("fields.")}
        money, fields = self._money("engagement.value"), self._fields("engagement.fields.")
        if "kind" not in given:
            if not self._unread("engagement.kind"):
                self._nameless("engagement", given, "no kind of engagement was given")
            return None
        given.setdefault("at", self.moment.at)
        given.setdefault("campaign", self._checked("campaign", self.values.get("campaign")))
        at = given["at"]
        if isinstance(at, datetime) and at > self.moment.recorded_at:
            late = self.moment.recorded_at.isoformat()
            self._blame("engagement.at", Problem("", f"must not be after {late}, got {at.isoformat()}"))
        given["value"] = money
        made: Engagement | None = self._built("engagement", Engagement, {**given, "fields": fields})
        return made

    def _consents(self, engagement: Engagement | None) -> tuple[Consent, ...]:
        at = self.moment.at if engagement is None else engagement.at
        consents: list[Consent] = []
        for path, granted in self.values.items():
            word, _, rest = path.partition(".")
            if word == "consent":
                channel, _, purpose = rest.partition(".")
                said = {"granted": granted, "at": at, "source": self.reading.form, "basis": self.reading.basis}
                consents.append(Consent(channel, purpose=purpose, **said))
        return tuple(consents)

    def _products_fit(self) -> bool:
        wrong = each("", tuple(self.values.get("product_interest", ())), code)
        self._blame("product_interest", *wrong)
        return not any(wrong)

    def _currency_at(self, path: str) -> str:
        """Return where the currency of an amount stands."""
        own = f"{path}.currency"
        return own if own in self.values else "currency"

    def _currencies(self) -> None:
        """Check every currency, also one that no amount is in, and list those that a column says for nothing."""
        used = {self._currency_at(path) for path in MONEY if path in self.values or self._unread(path)}
        for at in ("currency", *(f"{path}.currency" for path in MONEY)):
            wrong = currency_problem("", self.values[at]) if at in self.values else None
            self._blame(at, wrong)
            if at in self.columns and at not in used and not wrong:
                self.unmapped.append(Unmapped(self.at(at), self.values[at], "no amount was given"))

    def _money(self, path: str) -> Money | None:
        amount = self.values.get(path)
        if amount is None:
            return None
        at = self._currency_at(path)
        currency = self.values.get(at)
        if currency is None:
            if not self._unread(at):
                self._blame(path, Problem("", f"must have a currency, got {amount} without one"))
            return None
        try:
            return Money(amount, currency)
        except InvalidError as error:
            for problem in error.problems:
                self._blame(at if "currency" in problem.path else path, problem)
            return None

    def _fields(self, prefix: str) -> Fields:
        found: dict[str, Any] = {}
        for path, value in self.values.items():
            if path.startswith(prefix):
                wrong = field_problem("", value)
                self._blame(path, wrong)
                if wrong is None:
                    found[path.removeprefix(prefix)] = value
        return Fields(found)

    def _discovery(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in self._under("discovery").items():
            path = f"discovery.{name}"
            said = self._money(path) if name == "budget" else value
            for problem in () if said is None else _learnt_problems(name, said, self.moment):
                self._blame(path, problem)
            if said is not None:
                found[name] = said
        return found


def _learnt_problems(name: str, said: Any, moment: Moment) -> Iterator[Problem]:  # noqa: ANN401 - of the dimension's type
    try:
        Discovered(changes=learn({name: said}, None, at=moment.at), **moment.when())
    except InvalidError as error:
        yield from error.problems
