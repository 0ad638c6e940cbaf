"""The wire: every value that crosses a topic or the REST border. See `topics.yaml` for who writes and reads what."""

from schemas.audience import Audience, AudienceFilter, InlineRecipient
from schemas.audit import AuditEntry
from schemas.base import (
    DEFAULT_ACCOUNT,
    DEFAULT_BRAND,
    ID_PATTERN,
    TEST_PREFIX,
    AccountId,
    BrandId,
    CampaignId,
    Channel,
    ContactId,
    RecipientId,
    SendId,
    Wire,
    is_test,
)
from schemas.campaign import Budget, Campaign, Step, Tracking
from schemas.commands import Command, CommandEnvelope, CommandResult, CommandType, FieldError
from schemas.content import Body, Content, EmailContent, SmsContent, WhatsappContent
from schemas.events import DeliveryEvent
from schemas.forecast import Forecast, StepForecast
from schemas.limits import Limits
from schemas.people import Consent, ContactChange, ContactFields, Engagement, InboundMessage
from schemas.records import (
    Approval,
    CampaignRecord,
    CampaignStatus,
    FrozenAudience,
    PageRange,
    StepProgress,
    StepRecord,
    TemplateUse,
)
from schemas.registries import (
    DEFAULT_OPT_IN,
    Account,
    AccountCheck,
    Amount,
    AnswerWords,
    Brand,
    BrandLimits,
    BrandLook,
    BrandRules,
    Draft,
    Operator,
    RateCard,
    Role,
    Segment,
    Template,
)
from schemas.sends import UNKNOWN_ORDINAL, SendMessage, SendRecall, SendRequested
from schemas.status import ENGAGED, EVIDENCE, OPEN, RANK, REOPENABLE, STOPS, Status, Suppression, rank_key

__all__ = [
    "DEFAULT_ACCOUNT", "DEFAULT_BRAND", "DEFAULT_OPT_IN", "ENGAGED", "EVIDENCE", "ID_PATTERN", "OPEN", "RANK",
    "REOPENABLE", "STOPS", "TEST_PREFIX", "UNKNOWN_ORDINAL", "Account", "AccountCheck", "AccountId", "Amount",
    "AnswerWords", "Approval", "Audience", "AudienceFilter", "AuditEntry", "Body", "Brand", "BrandId", "BrandLimits",
    "BrandLook", "BrandRules", "Budget", "Campaign", "CampaignId", "CampaignRecord", "CampaignStatus", "Channel",
    "Command", "CommandEnvelope", "CommandResult", "CommandType", "Consent", "ContactChange", "ContactFields",
    "ContactId", "Content", "DeliveryEvent", "Draft", "EmailContent", "Engagement", "FieldError", "Forecast",
    "FrozenAudience", "InboundMessage", "InlineRecipient", "Limits", "Operator", "PageRange", "RateCard", "RecipientId",
    "Role", "Segment", "SendId", "SendMessage", "SendRecall", "SendRequested", "SmsContent", "Status", "Step",
    "StepForecast", "StepProgress", "StepRecord", "Suppression", "Template", "TemplateUse", "Tracking",
    "WhatsappContent", "Wire", "is_test", "rank_key",
]  # fmt: skip
