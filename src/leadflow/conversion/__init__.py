"""
Conversion: from a lead to a prospect, from a prospect to an account, a contact and a deal, losing nothing.

Planners are pure: they return a plan or a `Refusal`, and a store commits the plan's `changes`. Read in this order:
`targets`, `terms`, `mapping`, `weighing`, `settings`, `requests` (what can be asked for), `refusals`, `judging`,
`candidates`, `matching`, `mappingvalues`, `filling`, `opening`, `carrying`, `provenance` (the rules), `qualifying`,
`converting` (the planners), `plans`; then `asking`, `flows`, `calls` and `services`, which put it all to a store, one at
a time or many (`bulk`, `owning`, `outcomes`); `hosted` calls what the host handed over.
"""

from leadflow.conversion.bulk import BulkItem, item_key
from leadflow.conversion.candidates import (
    Criterion,
    MatchCandidate,
    Matches,
    candidate_keys,
    match_candidates,
)
from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.converting import plan_conversion
from leadflow.conversion.flows import Applied
from leadflow.conversion.mapping import ConversionMapping, Rule
from leadflow.conversion.mappingpaths import FieldKind
from leadflow.conversion.outcomes import BulkResult, BulkSummary, Failed
from leadflow.conversion.owning import RoundRobin
from leadflow.conversion.plans import ConversionPlan, QualificationPlan
from leadflow.conversion.provenance import CameBy, Provenance
from leadflow.conversion.qualifying import plan_qualification
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment, QualificationRequest
from leadflow.conversion.services import AsyncConversionService, ConversionService
from leadflow.conversion.settings import STANDARD_SETTINGS, ConversionSettings, OpenDeals, Owners, PersonAccounts
from leadflow.conversion.targets import SKIP, Create, FindOrCreate, UseExisting
from leadflow.conversion.terms import DealTerms, Default, TermDefaults
from leadflow.conversion.weighing import Matching

__all__ = [
    "SKIP",
    "STANDARD_SETTINGS",
    "Applied",
    "AsyncConversionService",
    "BulkItem",
    "BulkResult",
    "BulkSummary",
    "CameBy",
    "ConversionMapping",
    "ConversionPlan",
    "ConversionRequest",
    "ConversionService",
    "ConversionSettings",
    "Create",
    "Criterion",
    "DealTerms",
    "Default",
    "Failed",
    "FieldKind",
    "FindOrCreate",
    "MatchCandidate",
    "Matches",
    "Matching",
    "Moment",
    "OpenDeals",
    "Owners",
    "PersonAccounts",
    "Provenance",
    "QualificationPlan",
    "QualificationRequest",
    "Refusal",
    "RefusalCode",
    "RefusalReason",
    "RoundRobin",
    "Rule",
    "TermDefaults",
    "Unmapped",
    "UseExisting",
    "candidate_keys",
    "item_key",
    "match_candidates",
    "plan_conversion",
    "plan_qualification",
]
