"""
Conversion: from a lead to a prospect, from a prospect to an account, a contact and a deal, losing nothing.

Planners are pure: they return a plan or a `Refusal`, and a store commits the plan's `changes`. Read in this order:
`targets`, `terms`, `mapping`, `weighing`, `settings`, `requests` (what can be asked for), `refusals`, `judging`,
`candidates`, `matching`, `mappingvalues`, `filling`, `opening`, `carrying`, `provenance` (the rules), `qualifying`,
`converting` (the planners), `plans`; then `asking`, `flows`, `calls` and `services`, which put it all to a store, one
at a time or many (`bulk`, `owning`, `outcomes`); `hosted` calls what the host handed over.
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
from leadflow.conversion.intakeflow import row_key
from leadflow.conversion.intakeform import Column, IntakeForm
from leadflow.conversion.intakeplan import IntakeOutcome, IntakePlan
from leadflow.conversion.intakereaders import Codes, Day, Instant, Integer, Number, Text, Words, YesNo
from leadflow.conversion.intaking import intake
from leadflow.conversion.mapping import ConversionMapping, Rule
from leadflow.conversion.mappingpaths import FieldKind
from leadflow.conversion.outcomes import BulkResult, BulkSummary, Failed
from leadflow.conversion.owning import RoundRobin
from leadflow.conversion.plans import ConversionPlan, QualificationPlan
from leadflow.conversion.provenance import CameBy, FieldProvenance
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
    "Codes",
    "Column",
    "ConversionMapping",
    "ConversionPlan",
    "ConversionRequest",
    "ConversionService",
    "ConversionSettings",
    "Create",
    "Criterion",
    "Day",
    "DealTerms",
    "Default",
    "Failed",
    "FieldKind",
    "FieldProvenance",
    "FindOrCreate",
    "Instant",
    "IntakeForm",
    "IntakeOutcome",
    "IntakePlan",
    "Integer",
    "MatchCandidate",
    "Matches",
    "Matching",
    "Moment",
    "Number",
    "OpenDeals",
    "Owners",
    "PersonAccounts",
    "QualificationPlan",
    "QualificationRequest",
    "Refusal",
    "RefusalCode",
    "RefusalReason",
    "RoundRobin",
    "Rule",
    "TermDefaults",
    "Text",
    "Unmapped",
    "UseExisting",
    "Words",
    "YesNo",
    "candidate_keys",
    "intake",
    "item_key",
    "match_candidates",
    "plan_conversion",
    "plan_qualification",
    "row_key",
]
