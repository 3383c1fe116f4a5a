"""
Conversion: from a lead to a prospect, from a prospect to an account, a contact and a deal, losing nothing.

Planners are pure: they return a plan or a `Refusal`, and a store commits the plan's `changes`. Read in this order:
`targets`, `terms`, `mapping`, `settings`, `requests` (what can be asked for), `refusals`, `judging`, `matching`,
`mappingvalues`, `filling`, `opening`, `carrying`, `provenance` (the rules), `qualifying`, `converting` (the planners),
`plans`; then `asking`, `flows`, `calls`
and `services`, which put it all to a store; `hosted` calls what the host handed over.
"""

from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.converting import plan_conversion
from leadflow.conversion.flows import Applied
from leadflow.conversion.mapping import ConversionMapping, Rule
from leadflow.conversion.mappingpaths import FieldKind
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
    "CameBy",
    "ConversionMapping",
    "ConversionPlan",
    "ConversionRequest",
    "ConversionService",
    "ConversionSettings",
    "Create",
    "DealTerms",
    "Default",
    "FieldKind",
    "FindOrCreate",
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
    "Rule",
    "TermDefaults",
    "Unmapped",
    "UseExisting",
    "plan_conversion",
    "plan_qualification",
]
