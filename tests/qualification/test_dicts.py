"""The dict form: round trips, fingerprints, and what untrusted dicts may not do."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.errors import InvalidError
from leadflow.money import Money
from leadflow.qualification import (
    Bant,
    Grid,
    IdealCustomerProfile,
    Policy,
    Scale,
    age,
    at_least,
    bands,
    bant_ladder,
    cap,
    coalesce,
    engagement_points,
    engagements,
    fact,
    knock_out,
    points,
    policy_from_dict,
    require,
    touches,
)
from leadflow.qualification.plain import TAGS, decode_span, encode_span

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE = fact("company.employees") >= 50

EVERYTHING = Policy(
    "everything",
    version=3,
    knock_out=[
        knock_out(fact("company.country").is_in("KP", "IR"), "embargo", unknown="no"),
        fact("tags").includes("competitor") & ~fact("person.is_contactable"),
    ],
    require=[
        require(SIZE | (age(fact("created_at")) < 30), unknown="yes"),
        at_least(1, fact("source").contains("web", ignore_case=False), fact("source").is_known()),
        fact("discovery.budget.amount").between(Money("1000.50", "EUR"), Money("2000", "EUR")),
        fact("custom.tier", levels=("silver", "gold")) >= "gold",
        fact("custom.score", float) > Decimal("0.1"),
        fact("custom.trial", timedelta) >= timedelta(days=1, microseconds=5),
        fact("custom.regions", frozenset).equals(frozenset({"north", "south"})),
        fact("deal.expected_close") <= date(2026, 12, 31),
        fact("created_at") >= AT,
        coalesce(fact("deal.proposals"), 0) >= 1,
        engagements(kind="form", within=timedelta(days=30), campaign="spring").count() >= 2,
        engagements().sum("value", "EUR") >= Money("5", "EUR"),
        touches(outcome="replied").reply_rate() >= 0.25,
    ],
    score=[
        cap([points(2.5, when=SIZE), points(-1, when=fact("source").equals("list"))], low=0, high=2, name="fit"),
        cap(bands(fact("company.employees"), [50, 1000], [0, "10.5", 5], unknown=0.5), name="size"),
        bands(fact("discovery.need.level"), ["stated"], [0, 1]),
        engagement_points("form", points=2.5, per_day=1, half_life=timedelta(days=30), cap=9, unknown="zero"),
    ],
    threshold=2,
    grades=Grid(Scale(["B", "A"], [1], group="fit"), Scale(["2", "1"], [6], group="size")),
    valid_for=timedelta(days=30),
    questions={"company.employees": "how big are they?"},
)
POLICIES = [
    EVERYTHING,
    EVERYTHING.lenient(),
    Bant(),
    Bant(at_least=3),
    Bant(score=True),
    *bant_ladder(),
    IdealCustomerProfile(employees=(50, None)),
    Policy("p", score=points(1, when=SIZE), grades=Scale(["cold", "hot"], [1])),
]


class TestRoundTrip:
    """A policy survives being written down."""

    @pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
    def test_through_json(self, policy):
        """Written as JSON and read again it is the same policy with the same fingerprint."""
        again = policy_from_dict(json.loads(json.dumps(policy.to_dict())))
        assert again == policy
        assert again.fingerprint == policy.fingerprint
        assert again.to_dict() == policy.to_dict()

    def test_every_node_is_written(self):
        """No node is missing from the table of tags."""
        written = json.dumps([policy.to_dict() for policy in POLICIES])
        assert {tag for tag in TAGS if f'"node": "{tag}"' not in written} == set()

    def test_form(self):
        """The form is plain enough to be written by hand."""
        assert Policy("size", require=[require(SIZE, "too small")]).to_dict() == {
            "schema": 1,
            "id": "size",
            "version": 1,
            "knock_out": [],
            "require": [
                {
                    "node": "require",
                    "when": {
                        "node": "compare",
                        "operand": {"node": "fact", "name": "company.employees"},
                        "op": ">=",
                        "constant": 50,
                    },
                    "reason": "too small",
                }
            ],
        }

    @given(st.timedeltas())
    def test_lengths_of_time(self, span):
        """Any length of time survives, to the microsecond."""
        assert decode_span(encode_span(span), "", []) == span


class TestFingerprint:
    """The fingerprint is equal for equal policies, and for no others."""

    def test_pinned(self):
        """It is part of stored evidence, so it never changes for the same policy."""
        assert Bant().fingerprint == "f44d9f19f951896bdb398084b976f816d9f11c7444b8669fb5fcbe93bd44e66e"

    def test_equal_rules(self):
        """Another spelling of the same rule has the same fingerprint."""
        one = Policy("p", require=[fact("company.employees") >= 50.0, fact("source").is_in("b", "a")], score=())
        other = Policy("p", require=[fact("company.employees") >= 50, fact("source").is_in({"a", "b"})])
        assert one.fingerprint == other.fingerprint
        money = [Policy("p", require=[fact("deal.amount") > Money(amount, "EUR")]) for amount in ("5", "5.00")]
        assert money[0] == money[1]
        assert money[0].fingerprint == money[1].fingerprint

    def test_replace(self):
        """The next version differs in version and fingerprint; the old one is as it was."""
        old = Policy("p", require=[SIZE])
        new = old.replace(require=[fact("company.employees") >= 60])
        assert (old.version, new.version) == (1, 2)
        assert new.fingerprint != old.fingerprint
        assert old.replace(version=7).version == 7


def plain(**changes):
    return Bant().to_dict() | changes


COMPARE = {"node": "compare", "operand": {"node": "fact", "name": "company.employees"}, "op": ">=", "constant": 5}


def deep(levels):
    node = COMPARE
    for _ in range(levels):
        node = {"node": "not", "item": node}
    return {"node": "require", "when": node}


class TestUntrusted:
    """A dict from outside is judged whole, and can do nothing that Python could not."""

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ([], "must be a dict, got a list"),
            ({}, "schema must be 1, got None"),
            ({"schema": True}, "schema must be 1, got True"),
            ({"schema": 2, "id": "x"}, "schema is newer than 1, which this version knows; upgrade leadflow"),
            (plain(thresold=5), "did you mean 'threshold'?"),
            ({"schema": 1}, "id is missing"),
            (plain(id="__class__ ", version=0), "id must be 1 to 191 printable characters"),
            (plain(require=5), "require must be a list, got a int"),
            (plain(require=["os.system('x')"]), "require[0] must be a dict with a 'node'"),
            (plain(require=[{"node": "__import__"}]), "require[0].node is no node: '__import__'"),
            (plain(require=[{"node": ["x"]}]), "require[0].node is no node: a list"),
            (plain(require=[COMPARE]), "require[0] must be a requirement, got a 'compare'"),
            (plain(require=[{"node": "require"}]), "require[0].when is missing from 'require'"),
            (
                plain(require=[{"node": "require", "when": COMPARE, "__class__": 1}]),
                "require[0].__class__ is no part of",
            ),
            (plain(require=[deep(60)]), "must not be nested more than 50 deep"),
            (
                plain(require=[{"node": "require", "when": COMPARE | {"constant": "x"}}]),
                "require[0].when.constant must be",
            ),
            (
                plain(require=[{"node": "require", "when": COMPARE | {"constant": {}}}]),
                "require[0].when.constant must be",
            ),
            (plain(require=[{"node": "require", "when": COMPARE | {"operand": 5}}]), "require[0].when.operand must be"),
            (
                plain(require=[{"node": "require", "when": {"node": "all_of", "items": COMPARE}}]),
                "require[0].when.items must be a list, got a dict",
            ),
            (
                plain(
                    require=[
                        {"node": "require", "when": {"node": "is_in", "operand": COMPARE["operand"], "options": 5}}
                    ]
                ),
                "options must be a list, got 5",
            ),
            (plain(score={"node": "sum", "items": [COMPARE]}), "score.items[0] must be a score, got a 'compare'"),
            (plain(threshold=float("nan")), "threshold must be"),
            (plain(threshold=[5]), "threshold must be a number"),
            (plain(valid_for="soon"), "valid_for must be a number of seconds, got 'soon'"),
            (plain(valid_for=True), "valid_for must be a number of seconds, got True"),
            (plain(valid_for="1e999999999"), "valid_for must be a number of seconds"),
            (plain(valid_for="NaN"), "valid_for must be a number of seconds"),
            (plain(valid_for=10**30), "valid_for must be a number of seconds"),
            (plain(questions=[]), "questions must be a dict"),
            (plain(questions={"x": 5}), "questions[x]"),
        ],
    )
    def test_refused(self, given, words):
        """One clear error with the path."""
        with pytest.raises(InvalidError) as caught:
            policy_from_dict(given)
        assert words in str(caught.value)
        assert len(str(caught.value)) < 1_000

    def test_all_at_once(self):
        """Everything that is wrong is named together."""
        with pytest.raises(InvalidError) as caught:
            policy_from_dict(plain(require=[{"node": "x"}, deep(60)], score=5, valid_for="x", extra=1))
        assert len(caught.value.problems) == 5

    def test_instant_and_no_length(self):
        """A length of time may be absent."""
        assert policy_from_dict(plain(valid_for=None)).valid_for is None

    JSON = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )

    @given(st.data())
    def test_fuzz(self, data):
        """Whatever is put in place of a part, the outcome is a policy or one clear error."""
        mutated = json.loads(json.dumps(EVERYTHING.to_dict()))
        for _ in range(data.draw(st.integers(1, 3))):
            spot, key = mutated, data.draw(st.sampled_from(sorted(mutated)))
            while isinstance(spot[key], dict | list) and len(spot[key]) and data.draw(st.booleans()):
                spot = spot[key]
                key = (
                    data.draw(st.sampled_from(sorted(spot)))
                    if isinstance(spot, dict)
                    else data.draw(st.integers(0, len(spot) - 1))
                )
            part = data.draw(
                self.JSON | st.sampled_from([*TAGS, COMPARE, "__class__", "1e999999999", "NaN", "sNaN", "-0", 10**400])
            )
            spot[key] = json.loads(json.dumps(part))
            if not isinstance(mutated, dict):
                break
        try:
            policy = policy_from_dict(mutated)
        except InvalidError:
            return
        assert policy_from_dict(policy.to_dict()) == policy
