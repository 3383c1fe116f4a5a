"""
What judging a lead costs, against a function written by hand that knows neither "unknown" nor "why".

Twelve criteria over real leads, of which each has up to a fifth, then six tenths, of its facts unknown; the pieces of
work take turns over the same leads. "First time" explains with a policy that has explained nothing before. Peers are
measured where they are installed, with that policy and the same leads; leadflow itself needs none of them: ``pip
install zen-engine rule-engine business-rules``.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from json import dumps
from random import Random
from time import process_time

from timing import Row, in_turn, paired, resting_collector

from leadflow import Company, Engagement, Lead, Money, Person
from leadflow.qualification import Policy, fact, knock_out, points, require
from leadflow.qualification.compiled import compile_policy
from leadflow.qualification.policy import _check_time

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROUNDS = 5
TIMES = 20
SIZES = (20_000,)
# The least and the most share of a lead that is unknown.
SHARES = ((0.0, 0.2), (0.6, 0.6))

POLICY = Policy(
    "twelve",
    knock_out=[knock_out(fact("company.country").is_in("KP", "IR"), "embargo")],
    require=[
        require(fact("company.employees").between(50, 5_000), "smaller ones need no such thing"),
        require(fact("person.country").is_in("DE", "AT", "CH", "FR"), "where we sell"),
        require(fact("company.industry").is_in("software", "logistics", "retail"), "who we know"),
    ],
    score=[
        points(10, when=fact("source").equals("website")),
        points(5, when=fact("campaign").equals("spring")),
        points(5, when=fact("company.employees") >= 500),
        points(8, when=fact("person.job_title").contains("vp")),
        points(4, when=fact("person.department").equals("operations")),
        points(3, when=fact("company.city").equals("Berlin")),
        points(6, when=fact("estimated_value") >= Money("10000", "EUR")),
        points(-8, when=fact("person.language").equals("xx")),
    ],
    threshold=15,
)


def by_hand(lead: Lead) -> tuple[bool, int]:
    """Judge as one would by hand: two-valued, what is missing is a no."""
    person, company = lead.person, lead.company
    employees = company.employees if company is not None else None
    country = company.country if company is not None else None
    industry = company.industry if company is not None else None
    score = 0
    if lead.source == "website":
        score += 10
    if lead.campaign == "spring":
        score += 5
    if employees is not None and employees >= 500:
        score += 5
    if person is not None:
        if person.job_title is not None and "vp" in person.job_title.lower():
            score += 8
        if person.department == "operations":
            score += 4
        if person.language == "xx":
            score -= 8
    if company is not None and company.city == "Berlin":
        score += 3
    value = lead.estimated_value
    if value is not None and value.currency == "EUR" and value.amount >= 10_000:
        score += 6
    qualified = (
        country not in ("KP", "IR")
        and employees is not None
        and 50 <= employees <= 5_000
        and person is not None
        and person.country in ("DE", "AT", "CH", "FR")
        and industry in ("software", "logistics", "retail")
        and score >= 15
    )
    return qualified, score


def leads(number: int, least: float, most: float) -> list[Lead]:
    """Return leads, each of which has a share of its facts unknown, between these two."""
    random = Random(7)  # the same leads every time
    share = least

    def one(*values: object) -> object:
        return None if random.random() < share else random.choice(values)

    def lead(position: int) -> Lead:
        nonlocal share
        share = random.uniform(least, most)
        return Lead.capture(
            f"L-{position}",
            person=Person(
                "Mara",
                email="mara@northwind.example",
                job_title=one("VP Operations", "Intern", "CTO"),
                department=one("operations", "sales"),
                country=one("DE", "US", "FR"),
                language=one("de", "xx"),
            ),
            company=Company(
                "Northwind",
                employees=one(5, 120, 900, 7_000),
                country=one("DE", "KP", "FR"),
                industry=one("software", "gambling", "retail"),
                city=one("Berlin", "Bonn"),
            ),
            engagement=Engagement("form", at=AT),
            source=one("website", "fair"),
            campaign=one("spring", "autumn"),
            estimated_value=one(Money("5000", "EUR"), Money("20000", "EUR")),
            at=AT,
        )

    return [lead(position) for position in range(number)]


def over(work: Callable[[Lead], object], subjects: list[Lead]) -> Callable[[], float]:
    """Return what times a piece of work over all leads, in seconds per lead."""

    def timed() -> float:
        start = process_time()
        for subject in subjects:
            work(subject)
        return (process_time() - start) / len(subjects)

    return timed


def rows() -> list[Row]:
    """Measure and return the table."""
    found: list[Row] = []
    core = compile_policy(POLICY, Lead, _check_time)
    for least, most in SHARES:
        subjects = leads(SIZES[-1], least, most)
        share = f"{least:.0%} unknown" if least == most else f"{least:.0%} to {most:.0%} unknown"
        pieces: list[tuple[str, Callable[[Lead], object], float | None]] = [
            ("compiled core", lambda lead: core(lead, AT), 2.0),
            ("assess", lambda lead: POLICY.assess(lead, at=AT), 5.0),
            ("assess and explain", explained_by(POLICY), 15.0),
        ]
        with resting_collector():
            for name, work, bound in pieces:
                pair = in_turn(over(work, subjects), over(by_hand, subjects), ROUNDS)
                found.append(pair.row(f"{name}, {share}", "by hand", bound))
            pair = in_turn(first_time(subjects), over(by_hand, subjects), ROUNDS)
            found.append(pair.row(f"the same for the first time, {share}", "by hand", 15.0))
            for name, peer, bound in peers(subjects[0]):
                some = subjects[: max(1, len(subjects) // 20)]
                pair = in_turn(over(lambda lead: POLICY.assess(lead, at=AT), some), over(peer, some), ROUNDS)
                # Two digits would round a ratio of 0.044 down to the bound.
                found.append(pair.row(f"assess, {share}", name, bound) | {"ratio": round(pair.ratio, 4)})
    return found + compiling()


def first_time(subjects: list[Lead]) -> Callable[[], float]:
    """Return what times judging and explaining with a policy that has shared nothing yet, each time with a new one."""

    def timed() -> float:
        return over(explained_by(POLICY.replace(version=POLICY.version)), subjects)()

    return timed


def explained_by(policy: Policy) -> Callable[[Lead], object]:
    """Return what judges by a policy and explains."""
    return lambda lead: policy.assess(lead, at=AT).explanation


def many(number: int) -> Policy:
    """Return a policy of many criteria."""
    return Policy("many", score=[points(1, when=fact(f"custom.f{n}", int) >= n) for n in range(number)])


def compiling() -> list[Row]:
    """Return what compiling costs: twelve criteria in all, and 200 against 20, where linear is a ratio of 10."""
    twelve = paired(lambda: compile_policy(POLICY, Lead, _check_time), lambda: None, rounds=ROUNDS, times=TIMES)
    small, large = many(20), many(200)
    pair = paired(
        lambda: compile_policy(large, Lead, _check_time),
        lambda: compile_policy(small, Lead, _check_time),
        rounds=ROUNDS,
        times=max(1, TIMES // 4),
    )
    limit = twelve.first / 0.010
    return [
        {
            "work": "compile 12 criteria",
            "us": round(1e6 * twelve.first),
            "against": "10 ms",
            "ratio": round(limit, 2),
            "bound": 1.0,
        },
        pair.row("compile 200 criteria", "compile 20", 15.0, digits=0),
    ]


def flat(lead: Lead) -> dict[str, object]:
    """Return the facts of a lead as the peers want them: a flat dict, with None where nothing is known."""
    person, company, value = lead.person, lead.company, lead.estimated_value
    assert person is not None
    assert company is not None
    return {
        "source": lead.source,
        "campaign": lead.campaign,
        "employees": company.employees,
        "country": company.country,
        "industry": company.industry,
        "city": company.city,
        "title": person.job_title.lower() if person.job_title is not None else None,
        "department": person.department,
        "person_country": person.country,
        "language": person.language,
        "value": float(value.amount) if value is not None else None,
    }


# Each as peers can say it: a condition that is true or not, and its points (None: a gate).
CONDITIONS = (
    ("country", "not in", ("KP", "IR"), None),
    ("employees", "between", (50, 5_000), None),
    ("person_country", "in", ("DE", "AT", "CH", "FR"), None),
    ("industry", "in", ("software", "logistics", "retail"), None),
    ("source", "==", "website", 10),
    ("campaign", "==", "spring", 5),
    ("employees", ">=", 500, 5),
    ("title", "contains", "vp", 8),
    ("department", "==", "operations", 4),
    ("city", "==", "Berlin", 3),
    ("value", ">=", 10_000, 6),
    ("language", "==", "xx", -8),
)


def peers(example: Lead) -> list[tuple[str, Callable[[Lead], object], float]]:
    """Return the peers that are installed: name, judge, and how much slower than `assess` they must be."""
    found: list[tuple[str, Callable[[Lead], object], float]] = []
    for package, name, build, bound in (
        ("zen", "zen-engine expressions", zen_peer, 1 / 2),
        ("rule_engine", "rule-engine", rule_engine_peer, 1 / 25),
        ("business_rules", "business-rules", business_rules_peer, 1 / 25),
    ):
        if find_spec(package) is None:
            print(f"{name} is left out: it is not installed")  # noqa: T201 - the benchmark is a command
            continue
        peer = build()
        peer(example)
        found.append((name, peer, bound))
    return found


def zen_peer() -> Callable[[Lead], object]:
    """Return the policy in zen's compiled expressions, one per criterion."""
    import zen  # noqa: PLC0415 - installed for the benchmark only

    def text(name: str, op: str, value: object) -> str:
        if op == "between":
            low, high = value  # type: ignore[misc]
            return f"{name} != null and {name} >= {low} and {name} <= {high}"
        if op == "contains":
            return f"{name} != null and contains({name}, {dumps(value)})"
        return f"{name} != null and {name} {op} {dumps(value)}"

    compiled = [(zen.compile_expression(text(name, op, value)), gives) for name, op, value, gives in CONDITIONS]

    def judge(lead: Lead) -> tuple[bool, int]:
        context = flat(lead)
        outcomes = [(expression.evaluate(context), gives) for expression, gives in compiled]
        score = sum(gives for holds, gives in outcomes if gives is not None and holds)
        return all(holds for holds, gives in outcomes if gives is None) and score >= 15, score

    return judge


def rule_engine_peer() -> Callable[[Lead], object]:
    """Return the policy in rule-engine's rules, one per criterion."""
    import rule_engine  # noqa: PLC0415 - installed for the benchmark only

    def text(name: str, op: str, value: object) -> str:
        if op == "between":
            low, high = value  # type: ignore[misc]
            return f"{name} != null and {name} >= {low} and {name} <= {high}"
        if op == "contains":
            return f"{name} != null and {dumps(value)} in {name}"
        return f"{name} != null and {name} {op} {dumps(value)}"

    compiled = [(rule_engine.Rule(text(name, op, value)), gives) for name, op, value, gives in CONDITIONS]

    def judge(lead: Lead) -> tuple[bool, int]:
        context = flat(lead)
        outcomes = [(rule.matches(context), gives) for rule, gives in compiled]
        score = sum(gives for holds, gives in outcomes if gives is not None and holds)
        return all(holds for holds, gives in outcomes if gives is None) and score >= 15, score

    return judge


def business_rules_peer() -> Callable[[Lead], object]:
    """Return the policy as business-rules conditions, one rule per criterion."""
    from business_rules.actions import BaseActions, rule_action  # noqa: PLC0415 - installed for the benchmark only
    from business_rules.engine import run  # noqa: PLC0415
    from business_rules.fields import FIELD_NUMERIC  # noqa: PLC0415
    from business_rules.variables import BaseVariables, numeric_rule_variable, string_rule_variable  # noqa: PLC0415

    numeric = {"employees", "value"}

    def variable(name: str) -> object:
        def read(self: object) -> object:
            return self.facts[name] or (0 if name in numeric else "")  # type: ignore[attr-defined]

        read.__name__ = name
        return (numeric_rule_variable if name in numeric else string_rule_variable)(read)

    names = dict.fromkeys(name for name, *_ in CONDITIONS)
    variables = type("Facts", (BaseVariables,), {name: variable(name) for name in names})

    class Actions(BaseActions):  # type: ignore[misc]
        def __init__(self) -> None:
            self.score = 0

        @rule_action(params={"points": FIELD_NUMERIC})  # type: ignore[untyped-decorator]
        def give(self, points: float) -> None:
            self.score += int(points)

    def condition(name: str, op: str, value: object) -> dict[str, object]:
        def one(operator: str, wanted: object) -> dict[str, object]:
            return {"name": name, "operator": operator, "value": wanted}

        if op in ("in", "not in"):
            return {"any": [one("equal_to", item) for item in value]}  # type: ignore[attr-defined]
        if op == "between":
            low, high = value  # type: ignore[misc]
            return {"all": [one("greater_than_or_equal_to", low), one("less_than_or_equal_to", high)]}
        return one({"==": "equal_to", ">=": "greater_than_or_equal_to", "contains": "contains"}[op], value)

    rules = [
        {"conditions": condition(name, op, value), "actions": [{"name": "give", "params": {"points": gives or 0}}]}
        for name, op, value, gives in CONDITIONS
    ]

    def judge(lead: Lead) -> tuple[bool, int]:
        facts, actions = variables(), Actions()
        facts.facts = flat(lead)
        fired = [run(rule, facts, actions) for rule in rules]
        return not fired[0] and all(fired[1:4]) and actions.score >= 15, actions.score

    return judge
