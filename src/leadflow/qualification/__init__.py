"""
Qualification: rules that explain themselves and know what they do not know.

Read bottom-up: `kinds` and `catalogue` say which facts there are, `readers` read them off records, `sheet` carries
them; `nodes`, `logic`, `comparisons`, `facts` and `activity` are criteria; `milli`, `scores`, `awards`, `engaged`,
`gates` and `grades` are what a policy is made of, `criteria` puts them in order; `interpreter` says what that means,
`explaining` finds the words, `lint` what cannot be meant; `policy` holds it together, `plain` and `loading` write it
down and read it, `compiled` makes it fast. `icp`, `frameworks` and `scorecard` are functions that return policies;
`combine`, `comparing` and `questionnaire` use them.
"""

from leadflow.assessment import (
    Assessment,
    Assessor,
    Basis,
    Evidence,
    Explainer,
    Explanation,
    Finding,
    FindingKind,
    Question,
    Verdict,
)
from leadflow.qualification.activity import NEVER, engagements, touches
from leadflow.qualification.awards import bands, points
from leadflow.qualification.catalogue import CATALOGUE, FactSpec
from leadflow.qualification.combine import Combined, all_of, any_of, committee, first_of
from leadflow.qualification.comparing import Comparison, Difference, Screening, compare, diff, screen
from leadflow.qualification.engaged import engagement_points
from leadflow.qualification.facts import age, coalesce, fact
from leadflow.qualification.frameworks import (
    Anum,
    Bant,
    Champ,
    Faint,
    Gpctba,
    Meddpicc,
    NearTermPurchase,
    bant_ladder,
    framework,
)
from leadflow.qualification.gates import KnockOut, Requirement, knock_out, require
from leadflow.qualification.grades import Grid, Scale
from leadflow.qualification.icp import IdealCustomerProfile
from leadflow.qualification.loading import policy_from_dict
from leadflow.qualification.logic import Predicate, at_least
from leadflow.qualification.policy import Policy
from leadflow.qualification.questionnaire import Questionnaire
from leadflow.qualification.scorecard import Scorecard, fit_grid, rfm_points, temperature
from leadflow.qualification.scores import Score, cap
from leadflow.qualification.sheet import FactSheet

__all__ = [
    "CATALOGUE",
    "NEVER",
    "Anum",
    "Assessment",
    "Assessor",
    "Bant",
    "Basis",
    "Champ",
    "Combined",
    "Comparison",
    "Difference",
    "Evidence",
    "Explainer",
    "Explanation",
    "FactSheet",
    "FactSpec",
    "Faint",
    "Finding",
    "FindingKind",
    "Gpctba",
    "Grid",
    "IdealCustomerProfile",
    "KnockOut",
    "Meddpicc",
    "NearTermPurchase",
    "Policy",
    "Predicate",
    "Question",
    "Questionnaire",
    "Requirement",
    "Scale",
    "Score",
    "Scorecard",
    "Screening",
    "Verdict",
    "age",
    "all_of",
    "any_of",
    "at_least",
    "bands",
    "bant_ladder",
    "cap",
    "coalesce",
    "committee",
    "compare",
    "diff",
    "engagement_points",
    "engagements",
    "fact",
    "first_of",
    "fit_grid",
    "framework",
    "knock_out",
    "points",
    "policy_from_dict",
    "require",
    "rfm_points",
    "screen",
    "temperature",
    "touches",
]
