"""The events of steps that concern several records: what they refuse, and reading a history with something undone."""

from datetime import UTC, datetime

import pytest

from leadflow import Engagement, InvalidError, Lead, Money, Person, Recurring
from leadflow.events import (
    LeadAbsorbed,
    Merged,
    OpportunityAbsorbed,
    OpportunityImported,
    ProspectAbsorbed,
    Provenance,
    Undone,
    Wrote,
)
from leadflow.events.people import LeadImported
from leadflow.events.undoing import before, counting, firm

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = {"at": AT, "by": "ada"}


def paths(make):
    with pytest.raises(InvalidError) as caught:
        make()
    return {problem.path for problem in caught.value.problems}


class TestWhatTheyRefuse:
    """Every problem at once, each with its path."""

    def test_values(self):
        """What a step wrote, and where values came from."""
        assert paths(lambda: Wrote("", (0, "x"))) == {"id", "versions[0]", "versions[1]"}
        assert paths(lambda: Wrote("A-1", (2, 2))) == {"versions"}
        assert paths(lambda: Provenance("", ("", 5))) == {"path", "ids[0]", "ids[1]"}
        assert str(Provenance("tags", ["L-1", "L-2"])) == "tags of 'L-1', 'L-2'"
        assert Wrote("A-1").is_new is False

    def test_merged_and_undone(self):
        """A tombstone needs a target; undoing needs versions."""
        assert paths(lambda: Merged(into=None, **NOW)) == {"into"}
        assert paths(lambda: Undone(versions=(), note=5, **NOW)) == {"versions", "note"}
        assert paths(lambda: Undone(versions=(0,), **NOW)) == {"versions[0]"}

    def test_absorbed(self):
        """Every attribute is judged, those left out are not."""
        common = {"merged_id": 5, "provenance": [5], "wrote": [5], "engagements": [5], "owner": "", "source": ""}
        common |= {"campaign": "", "product_interest": [5], "discovery": 5, "tags": [5], "fields": 5, "consents": [5]}
        found = paths(lambda: LeadAbsorbed(person=5, company=5, estimated_value=5, **common, **NOW))
        named = {"provenance", "wrote", "engagements", "product_interest", "tags", "consents"}
        assert {path.partition("[")[0] for path in found} == {*common, "person", "company", "estimated_value"} | named
        links = {"lead_id": "", "account_id": "", "contact_id": "", "opportunity_ids": ["O-1", "O-1"]}
        assert paths(lambda: ProspectAbsorbed(merged_id="P-2", **links, **NOW)) == set(links)
        assert paths(lambda: ProspectAbsorbed(merged_id="P-2", opportunity_ids=[5], **NOW)) == {"opportunity_ids[0]"}
        parts = dict.fromkeys(("needs", "competitors", "team", "contact_roles", "proposals", "milestones"), (5,))
        parts |= {"objections": (5,), "amount": 5, "expected_close": 5, "next_step": 5, "account_id": ""}
        found = paths(lambda: OpportunityAbsorbed(merged_id="O-2", **parts, **NOW))
        assert {path.partition("[")[0] for path in found} == set(parts)
        recurring = Recurring(Money(1, "EUR"), 1)
        assert paths(lambda: OpportunityAbsorbed(merged_id="O-2", recurring=recurring, **NOW)) == {"amount"}

    def test_imports(self):
        """A tombstone that is taken over is merged, and a merged deal is withdrawn from all figures."""
        assert paths(lambda: LeadImported(merged_into="L-1", **NOW)) == {"merged_into"}
        assert LeadImported(status="merged", merged_into="L-1", prospect_id="P-1", **NOW).merged_into == "L-1"
        assert "is_withdrawn" in paths(lambda: OpportunityImported(merged_into="O-1", probability=0, **NOW, **DEAL))


DEAL = {"name": "", "pipeline": None, "stage": None, "origin": None}


class TestUndone:
    """Undoing names versions; what they brought no longer counts."""

    def lead(self):
        lead = Lead.capture(
            "L-1", person=Person("Ada", email="ada@obi.example"), engagement=Engagement("form", at=AT), **NOW
        )
        return lead.assign("bo", **NOW).correct(source="fair", **NOW)

    def test_what_counts(self):
        """Neither what was undone nor the undoing; later events keep their effect."""
        lead = self.lead().undone(2, note="not bo", **NOW)
        assert (lead.owner, lead.source) == (None, "fair")
        assert list(counting(lead.history)) == [1, 3]
        assert lead.version == 4
        assert lead.undone(3, **NOW).source is None
        assert Lead(lead.id, lead.history).owner is None

    def test_what_is_firm(self):
        """The opening, what was undone, what is not there, and what people said about being contacted."""
        lead = self.lead().undone(2, **NOW)
        assert firm(lead.history, (1, 2, 3, 4, 9)) == [
            "version 1, which is LeadCaptured",
            "version 2, which is Assigned, undone before",
            "version 4, which is Undone",
            "version 9, which is not in its history",
        ]
        assert lead.can_undo(3)
        assert lead.can_undo(9).reasons == ("it cannot take back version 9, which is not in its history",)
        assert paths(lambda: lead.can_undo("x")) == {"versions[0]"}
        assert paths(lambda: lead.undone(**NOW)) == {"versions"}

    def test_before(self):
        """The history up to an event; all of it for one that is not in it."""
        lead = self.lead()
        assert before(lead.history, lead.history[1]) == lead.history[:1]
        assert before(lead.history, Merged(into="x", **NOW)) == lead.history

    def test_histories_that_cannot_be(self):
        """Loading refuses what no command would have written."""
        lead = self.lead()
        with pytest.raises(Exception, match="Undone cannot take back version 7"):
            Lead("L-1", (*lead.history, Undone(versions=(7,), **NOW)))

    def test_misuse(self):
        """A record is not merged into itself, nor with attributes that there are not."""
        lead = self.lead()
        assert paths(lambda: lead.merged(into="L-1", **NOW)) == {"into"}
        assert paths(lambda: lead.absorbed("L-1", tag=["a"])) == {"merged_id", "tag", "at"}
