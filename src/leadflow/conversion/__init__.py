"""
Conversion: from a lead to a prospect, from a prospect to an account, a contact and a deal, losing nothing.

Planners are pure: they return a plan or a `Refusal`, and a store commits the plan's `changes`. Read in this order:
`targets`, `terms`, `mappingpaths`, `mapping`, `weighing`, `settings`, `requests` (what can be asked for), `refusals`,
`judging`, `candidates`, `matching`, `mappingvalues`, `filling`, `opening`, `carrying`, `provenance` (the rules),
`qualifying`, `converting` (the planners), `plans`; then `asking`, `attempts`, `flows`, `calls` and `services`, which
put it all to a store, one at a time or many (`bulk`, `owning`, `outcomes`); `hosted` calls what the host handed over.
Merging and taking back: `amendments` (what can be asked for), `survivors`, `mergefields` (the rules), `merging`,
`unmerging`, `undoing` (the planners), on a `workbench`; `amendflow` and `amendcalls` put them to a store. Taking in
rows of forms and files: `intakereaders`, `intakeform` (what a column means), `intakefacts`, `intakewhere`, `intakejoin`
(the rules), `intaking` (the planner), `intakeplan`; `intakeflow` and `intakecalls` put it to a store.
"""

from leadflow.conversion.amendments import (
    MergePlan,
    MergeRequest,
    TakenBack,
    UnconversionPlan,
    UnconversionRequest,
    UnmergePlan,
    UnmergeRequest,
)
from leadflow.conversion.attempts import Applied
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
from leadflow.conversion.intakeflow import row_key
from leadflow.conversion.intakeform import Column, IntakeForm
from leadflow.conversion.intakeplan import IntakeOutcome, IntakePlan
from leadflow.conversion.intakereaders import Codes, Day, Instant, Integer, Number, Text, Words, YesNo
from leadflow.conversion.intaking import intake
from leadflow.conversion.mapping import ConversionMapping, Rule
from leadflow.conversion.mappingpaths import FieldKind
from leadflow.conversion.mergefields import MERGE_RULES, FieldRule, MergeRule
from leadflow.conversion.merging import merge_provenance, plan_merge
from leadflow.conversion.outcomes import BulkResult, BulkSummary, Failed
from leadflow.conversion.owning import RoundRobin
from leadflow.conversion.plans import ConversionPlan, QualificationPlan
from leadflow.conversion.provenance import CameBy, FieldProvenance
from leadflow.conversion.qualifying import plan_qualification
from leadflow.conversion.refusals import Refusal, RefusalCode, RefusalReason
from leadflow.conversion.requests import ConversionRequest, Moment, QualificationRequest
from leadflow.conversion.services import AsyncConversionService, ConversionService
from leadflow.conversion.settings import STANDARD_SETTINGS, ConversionSettings, OpenDeals, Owners, PersonAccounts
from leadflow.conversion.survivors import SURVIVAL, SurvivalRule
from leadflow.conversion.targets import SKIP, Create, FindOrCreate, UseExisting
from leadflow.conversion.terms import DealTerms, Default, TermDefaults
from leadflow.conversion.undoing import plan_unconversion
from leadflow.conversion.unmerging import plan_unmerge
from leadflow.conversion.weighing import Matching

__all__ = [
    "MERGE_RULES",
    "SKIP",
    "STANDARD_SETTINGS",
    "SURVIVAL",
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
    "FieldRule",
    "FindOrCreate",
    "Instant",
    "IntakeForm",
    "IntakeOutcome",
    "IntakePlan",
    "Integer",
    "MatchCandidate",
    "Matches",
    "Matching",
    "MergePlan",
    "MergeRequest",
    "MergeRule",
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
    "SurvivalRule",
    "TakenBack",
    "TermDefaults",
    "Text",
    "UnconversionPlan",
    "UnconversionRequest",
    "Unmapped",
    "UnmergePlan",
    "UnmergeRequest",
    "UseExisting",
    "Words",
    "YesNo",
    "candidate_keys",
    "intake",
    "item_key",
    "match_candidates",
    "merge_provenance",
    "plan_conversion",
    "plan_merge",
    "plan_qualification",
    "plan_unconversion",
    "plan_unmerge",
    "row_key",
]
