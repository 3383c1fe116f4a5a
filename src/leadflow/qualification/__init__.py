"""
Qualification: rules that explain themselves and know what they do not know.

Read bottom-up: `kinds` and `catalogue` say which facts there are, `sheet` carries them; `nodes`, `logic`,
`comparisons`, `facts` and `activity` are criteria; `scores`, `gates` and `grades` are what a policy is made of;
`interpreter` says what that means, `policy` holds it together, `plain` and `loading` write it down and read it. `icp`
and `frameworks` are functions that return policies.
"""

from leadflow.assessment import Assessment, Assessor, Evidence, Finding, FindingKind, Question, Verdict
from leadflow.qualification.activity import NEVER, engagements, touches
from leadflow.qualification.catalogue import CATALOGUE, FactSpec
from leadflow.qualification.facts import age, coalesce, fact
from leadflow.qualification.frameworks import Bant, bant_ladder
from leadflow.qualification.gates import KnockOut, Requirement, knock_out, require
from leadflow.qualification.grades import Grid, Scale
from leadflow.qualification.icp import IdealCustomerProfile
from leadflow.qualification.loading import policy_from_dict
from leadflow.qualification.logic import Predicate, at_least
from leadflow.qualification.policy import Policy
from leadflow.qualification.scores import Score, bands, cap, points
from leadflow.qualification.sheet import FactSheet

__all__ = [
    "CATALOGUE",
    "NEVER",
    "Assessment",
    "Assessor",
    "Bant",
    "Evidence",
    "FactSheet",
    "FactSpec",
    "Finding",
    "FindingKind",
    "Grid",
    "IdealCustomerProfile",
    "KnockOut",
    "Policy",
    "Predicate",
    "Question",
    "Requirement",
    "Scale",
    "Score",
    "Verdict",
    "age",
    "at_least",
    "bands",
    "bant_ladder",
    "cap",
    "coalesce",
    "engagements",
    "fact",
    "knock_out",
    "points",
    "policy_from_dict",
    "require",
    "touches",
]
