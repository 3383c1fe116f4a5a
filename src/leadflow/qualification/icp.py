"""
The ideal customer profile: which companies, and whom there, we are for.

It is a function that returns a `Policy` made of ordinary nodes; print it, change it with ``replace``, store it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from leadflow.money import Money
from leadflow.qualification.facts import fact
from leadflow.qualification.gates import KnockOut, Requirement
from leadflow.qualification.logic import AnyOf, Criterion, Predicate
from leadflow.qualification.milli import Number
from leadflow.qualification.nodes import pair_problem, tuples
from leadflow.qualification.policy import Policy
from leadflow.qualification.scores import Score
from leadflow.validation import check

__all__ = ["IdealCustomerProfile"]


def IdealCustomerProfile(  # noqa: N802 - reads as what it is; what it returns is a Policy
    id: str = "icp",  # noqa: A002 - the policy's id
    *,
    version: int = 1,
    require: Iterable[Criterion | Requirement] = (),
    knock_out: Iterable[Criterion | KnockOut] = (),
    points: Iterable[Score] = (),
    threshold: Number | None = None,
    industries: Iterable[str] = (),
    employees: tuple[int | None, int | None] | None = None,
    revenue: tuple[Money | None, Money | None] | None = None,
    countries: Iterable[str] = (),
    technologies: Iterable[str] = (),
    job_titles: Iterable[str] = (),
    seniority: str | None = None,
    excluded_industries: Iterable[str] = (),
    excluded_countries: Iterable[str] = (),
    valid_for: timedelta | None = None,
    questions: Mapping[str, str] | Iterable[tuple[str, str]] = (),
) -> Policy:
    """
    Return a policy that says whether somebody is the kind of customer we are for.

    >>> icp = IdealCustomerProfile(employees=(50, 5_000), countries=["DE", "AT"], excluded_industries=["gambling"])
    >>> [gate.text for gate in icp.require]
    ["company.country is in 'AT', 'DE'", 'company.employees between 50 and 5000']

    Args:
        id: The policy's id.
        version: Its version, from 1.
        require: Criteria that have to hold, besides those below.
        knock_out: Criteria that rule out (negative fit), besides those below.
        points: What gives points, for a profile by degree.
        threshold: The points needed.
        industries: Codes, one of which is required.
        employees: Least and most head count, either of them None.
        revenue: Least and most yearly revenue, either of them None.
        countries: ISO 3166 codes, one of which is required.
        technologies: Of which at least one must be in use.
        job_titles: Parts of job titles, one of which is required; upper and lower case are the same.
        seniority: The least seniority of the person.
        excluded_industries: Codes that rule out.
        excluded_countries: ISO 3166 codes that rule out.
        valid_for: How long its assessments may be relied on.
        questions: Per fact the question to ask, where the catalogue's does not suit.

    Raises:
        InvalidError: Naming everything that is wrong.
    """
    subject = "IdealCustomerProfile"
    extra, ruled_out = tuples(subject, "criteria", require=require, knock_out=knock_out)
    (given,) = tuples(subject, "what gives points", points=points)
    industries, countries, technologies, job_titles, excluded_industries, excluded_countries = tuples(
        subject,
        "texts",
        industries=industries,
        countries=countries,
        technologies=technologies,
        job_titles=job_titles,
        excluded_industries=excluded_industries,
        excluded_countries=excluded_countries,
    )
    check(subject, pair_problem("employees", employees), pair_problem("revenue", revenue))
    wanted: list[Criterion] = []
    for name, options in (("company.industry", industries), ("company.country", countries)):
        wanted += _one_of(name, options)
    wanted += _within("company.employees", employees)
    wanted += _within("company.revenue", revenue)
    wanted += _any([fact("company.technologies").includes(name) for name in technologies])
    wanted += _any([fact("person.job_title").contains(part) for part in job_titles])
    if seniority is not None:
        wanted.append(fact("person.seniority").at_least(seniority))
    unwanted = [*_one_of("company.industry", excluded_industries), *_one_of("company.country", excluded_countries)]
    return Policy(
        id,
        version=version,
        knock_out=[*ruled_out, *unwanted],
        require=[*extra, *wanted],
        score=given,
        threshold=threshold,
        valid_for=valid_for,
        questions=questions,
    )


def _one_of(name: str, options: Iterable[str]) -> Iterator[Predicate]:
    if options:
        yield fact(name).is_in(options)


def _within(name: str, limits: tuple[Any, Any] | None) -> Iterator[Predicate]:
    low, high = limits or (None, None)
    if low is not None and high is not None:
        yield fact(name).between(low, high)
    elif low is not None:
        yield fact(name) >= low
    elif high is not None:
        yield fact(name) <= high


def _any(predicates: list[Predicate]) -> Iterator[Predicate]:
    if predicates:
        yield predicates[0] if len(predicates) == 1 else AnyOf(tuple(predicates))
