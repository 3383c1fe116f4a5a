"""The reference pages of qualification say what the code says: every fact, every node, and a schema for every dict."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from leadflow import Lead, Money, Opportunity, Prospect
from leadflow.errors import InvalidError
from leadflow.qualification import (
    CATALOGUE,
    Anum,
    Bant,
    Champ,
    FactSpec,
    Faint,
    Gpctba,
    IdealCustomerProfile,
    Meddpicc,
    NearTermPurchase,
    Policy,
    Scale,
    Scorecard,
    age,
    all_of,
    any_of,
    at_least,
    bands,
    bant_ladder,
    cap,
    coalesce,
    committee,
    engagement_points,
    engagements,
    fact,
    first_of,
    fit_grid,
    knock_out,
    points,
    policy_from_dict,
    require,
    rfm_points,
    temperature,
    touches,
)
from leadflow.qualification.nodes import Node
from leadflow.qualification.plain import MOST_DEPTH, SCHEMA, TAGS, decode, encode

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SUBJECTS = {"lead": Lead, "prospect": Prospect, "opportunity": Opportunity}


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page(name), flags=re.MULTILINE | re.DOTALL)


class TestFacts:
    """docs/reference/facts.md is the catalogue."""

    GROUPS = ("person", "company", "", "discovery", "discovery.ratings", "deal", "account")

    @staticmethod
    def group(name: str) -> str:
        return "discovery.ratings" if name.startswith("discovery.ratings.") else name.rpartition(".")[0].split(".")[0]

    @staticmethod
    def row(spec: FactSpec) -> str:
        read_from = [name for name, kind in SUBJECTS.items() if spec.on and hasattr(kind, spec.on)]
        levels = ", ".join(spec.levels)
        marks = [mark for mark, holds in (("personal", spec.personal), ("afterwards", spec.after_outcome)) if holds]
        cells = [
            f"`{spec.name}`",
            spec.kind.value,
            spec.meaning if levels in spec.meaning else f"{spec.meaning}: {levels}",
            ", ".join(read_from) or "sheet only",
            spec.question,
            ", ".join(marks) or "-",
        ]
        return f"| {' | '.join(cells)} |"

    @pytest.mark.parametrize("group", GROUPS)
    def test_the_table_of_a_group_is_the_catalogue(self, group: str) -> None:
        """Who adds or changes a fact pastes the rows that this test prints into the page."""
        rows = "\n".join(self.row(spec) for spec in CATALOGUE.values() if self.group(spec.name) == group)
        assert rows in page("facts.md"), f"paste this into docs/reference/facts.md:\n{rows}"

    def test_the_page_names_no_other_fact(self) -> None:
        """Every first cell of a table is a fact of the catalogue, and each stands there once."""
        listed = re.findall(r"^\| `([a-z_.]+)` \|", page("facts.md"), flags=re.MULTILINE)
        assert sorted(listed) == sorted(CATALOGUE)

    def test_every_group_is_shown(self) -> None:
        """A fact with a new prefix needs a table of its own."""
        assert {self.group(name) for name in CATALOGUE} == set(self.GROUPS)


class TestNodes:
    """docs/reference/nodes.md has a section for every node."""

    def sections(self) -> dict[str, str]:
        parts = re.split(r"^### `(\w+)`$", page("nodes.md"), flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    def test_each_node_has_a_section(self) -> None:
        """Who adds a node writes its section."""
        assert set(self.sections()) == set(TAGS)

    @pytest.mark.parametrize("tag", TAGS)
    def test_a_section_names_the_entries(self, tag: str) -> None:
        """Every entry of the dict form is in the section."""
        names = [attribute.name for attribute in attrs.fields(TAGS[tag])]
        assert [name for name in names if f"`{name}`" not in self.sections()[tag]] == []

    @pytest.mark.parametrize("tag", TAGS)
    def test_a_section_shows_the_dict_form(self, tag: str) -> None:
        """Its examples are of that node, load, are written back as they stand, and conform to the schema."""
        texts = re.findall(r"^```json\n(.*?)^```$", self.sections()[tag], flags=re.MULTILINE | re.DOTALL)
        assert texts
        for example in map(json.loads, texts):
            assert example["node"] == tag
            problems: list[Any] = []
            node = decode(example, Node, tag, problems)
            assert problems == []
            assert encode(node) == example
            assert list(TestSchema.validator(tag).iter_errors(example)) == []


SIZE = fact("company.employees") >= 50
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)

# One that has every node, every kind of constant and every attribute away from its default.
EVERYTHING = Policy(
    "everything",
    version=3,
    knock_out=[
        knock_out(fact("company.country").is_in("KP", "IR"), "embargo", unknown="no"),
        fact("tags").includes("competitor") & ~fact("person.is_contactable"),
    ],
    require=[
        require(SIZE | (age(fact("created_at")) < 30), "large or new", unknown="yes"),
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
        touches("call", outcome="replied").reply_rate() >= 0.25,
    ],
    score=[
        cap([points(2.5, when=SIZE), points(-1, when=fact("source").equals("list"))], low=0, high=2, name="fit"),
        cap(bands(fact("company.employees"), [50, 1000], [0, "10.5", 5], unknown=0.5), name="size"),
        engagement_points(
            "form", points=2.5, per_day=1, at_most=4, within=timedelta(days=90), half_life=timedelta(days=30), cap=9
        ),
        engagement_points("webinar", points=3, once=True, unknown="zero"),
        engagement_points("download", points=3, at_least=2),
    ],
    threshold=2,
    grades=Scale(["cold", "hot"], [1], group="fit"),
    valid_for=timedelta(days=30),
    questions={"company.employees": "how big are they?"},
)
CARD = Scorecard(
    groups={"fit": [points(30, when=SIZE)], "engagement": [*rfm_points(recency=[7, 30], frequency=[2])]},
    limits={"engagement": (0, 2)},
    total=(None, 31),
    threshold=30,
    grades=fit_grid(fit=[10, 30], engagement=[1, 2]),
)
EXAMPLES = [
    EVERYTHING,
    EVERYTHING.lenient(),
    CARD,
    Policy("warm", score=[points(50, when=SIZE)], grades=temperature(20, 50)),
    IdealCustomerProfile(
        employees=(50, None), countries=["DE"], revenue=(None, Money("5", "EUR")), seniority="director"
    ),
    *(
        make(**how)
        for make in (Bant, NearTermPurchase, Meddpicc, Champ, Gpctba, Anum, Faint)
        for how in ({}, {"at_least": 3}, {"score": True})
    ),
    *bant_ladder(),
    all_of(EVERYTHING, Bant()),
    committee(1, EVERYTHING, Bant()),
    any_of(Bant(), first_of(CARD, Bant()), id="nested", version=2),
]
POLICY = {"schema": 1, "id": "x", "require": [encode(require(SIZE))]}


class TestSchema:
    """docs/reference/policy.schema.json accepts what we write, and refuses what we would not read."""

    SCHEMA = json.loads(page("policy.schema.json"))

    @classmethod
    def validator(cls, tag: str | None = None) -> Draft202012Validator:
        if tag is None:
            return Draft202012Validator(cls.SCHEMA)
        return Draft202012Validator({"$ref": f"#/$defs/{tag}", "$defs": cls.SCHEMA["$defs"]})

    def test_it_is_a_schema(self) -> None:
        """The schema itself is valid, and is of the version that we write."""
        Draft202012Validator.check_schema(self.SCHEMA)
        for name in ("policy", "combination"):
            assert self.SCHEMA["$defs"][name]["properties"]["schema"] == {"const": SCHEMA}

    @pytest.mark.parametrize("policy", EXAMPLES, ids=lambda policy: policy.id)
    def test_what_we_write_conforms(self, policy: Any) -> None:
        """Every shipped policy, in every form, and one with every node."""
        assert [error.message for error in self.validator().iter_errors(json.loads(json.dumps(policy.to_dict())))] == []

    def test_the_examples_have_every_node(self) -> None:
        """Otherwise the test before says little."""
        assert {
            tag for policy in EXAMPLES for tag in re.findall(r'"node": "(\w+)"', json.dumps(policy.to_dict()))
        } == set(TAGS)

    @pytest.mark.parametrize("tag", TAGS)
    def test_entries_are_those_of_the_class(self, tag: str) -> None:
        """A node in the schema has the entries of its class; required are those without a default."""
        known = attrs.fields(TAGS[tag])
        described = self.SCHEMA["$defs"][tag]
        assert set(described["properties"]) == {"node", *(attribute.name for attribute in known)}
        needed = {attribute.name for attribute in known if attribute.default is attrs.NOTHING}
        assert set(described["required"]) == {"node", *needed}

    @pytest.mark.parametrize(
        "change",
        [
            {"schema": 2},
            {"schema": "1"},
            {"id": ""},
            {"version": 0},
            {"treshold": 3},
            {"require": {}},
            {"require": ["x"]},
            {"require": [{"node": "require"}]},
            {"require": [{"node": "knock_out", "when": encode(SIZE)}]},
            {"require": [{"node": "require", "when": encode(SIZE), "unknown": "maybe"}]},
            {"require": [{"node": "require", "when": {"node": "__class__"}}]},
            {"require": [{"node": "require", "when": encode(SIZE) | {"op": "!="}}]},
            {"require": [{"node": "require", "when": encode(SIZE) | {"eval": "1"}}]},
            {"require": [{"node": "require", "when": {"node": "all_of", "items": []}}]},
            {"score": encode(SIZE)},
            {"score": {"node": "points", "points": "ten", "when": encode(SIZE)}},
            {"score": {"node": "points", "points": 10, "when": encode(SIZE), "unknown": 2}},
            {"grades": {"node": "scale", "labels": [], "cuts": []}},
            {"valid_for": "P1D"},
            {"questions": []},
            {"policies": []},
        ],
        ids=str,
    )
    def test_what_it_refuses_we_refuse(self, change: dict[str, Any]) -> None:
        """What another tool gets wrong in form is wrong by the schema, and refused when it is loaded."""
        wrong = POLICY | change
        assert not self.validator().is_valid(wrong)
        with pytest.raises(InvalidError):
            policy_from_dict(wrong)

    def test_it_leaves_meaning_to_the_loader(self) -> None:
        """Right in form and wrong in substance: a fact that does not exist, a constant of another kind."""
        for operand, constant, rule in (
            ("company.employes", 50, "unknown fact"),
            ("company.employees", "many", "must be a number"),
        ):
            when = {"node": "compare", "operand": {"node": "fact", "name": operand}, "op": ">=", "constant": constant}
            policy = POLICY | {"require": [{"node": "require", "when": when}]}
            assert self.validator().is_valid(policy)
            with pytest.raises(InvalidError, match=rule):
                policy_from_dict(policy)


class TestPolicyDictPage:
    """docs/reference/policy-dict.md shows dicts that conform and load."""

    @pytest.mark.parametrize("text", blocks("policy-dict.md", "json"))
    def test_a_whole_policy_conforms_and_loads(self, text: str) -> None:
        """Each JSON block is a policy that another tool could have written."""
        plain = json.loads(text)
        assert [error.message for error in TestSchema.validator().iter_errors(plain)] == []
        assert policy_from_dict(plain).to_dict().items() >= plain.items()

    def test_limits_are_those_of_the_loader(self) -> None:
        """The numbers on the page are the numbers in the code."""
        assert f"{MOST_DEPTH} deep" in page("policy-dict.md")
        assert f"version is {SCHEMA}" in page("policy-dict.md")
