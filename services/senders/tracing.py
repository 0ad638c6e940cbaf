"""The span of a call to a provider, for messages whose way is traced; nothing for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from services.domain.tracing import is_sampled
from services.runtime.telemetry import spans
from services.senders.core.outcomes import Failed, Outcome, Retryable, Uncertain
from services.senders.items import Item
from services.senders.transport import Transport

CALL_SPAN = "campaign.call_provider"
Tell = Callable[[Sequence[Outcome]], None]


@contextmanager
def call_span(transport: Transport, batch: Sequence[Item]) -> Iterator[Tell]:
    """Gives what is to be told the outcomes. The events of traced messages become children of this span, and so does
    the next try. Names people by their ordinals: an erasure need not look for traces."""
    tracing = spans()
    traced = [item for item in batch if item.trace and is_sampled(item.trace)] if tracing else []
    if tracing is None or not traced:
        yield lambda _: None
        return
    attributes: dict[str, str | int | list[int]] = {
        "campaign.id": traced[0].sure.campaign_id,
        "campaign.step": traced[0].sure.step,
        "send.channel": str(transport.channel),
        "send.account": transport.account.account_id,
        "send.ords": [item.sure.ord for item in traced],
        "call.messages": len(batch),
    }
    with tracing.call(CALL_SPAN, [item.trace for item in traced], attributes) as span:
        own = (tracing.header_of(span),)
        for item in traced:
            item.trace = own

        def tell(outcomes: Sequence[Outcome]) -> None:
            outcome = outcomes[0]
            span.set_attribute("call.answer", type(outcome).__name__.lower())
            if isinstance(outcome, Failed | Retryable | Uncertain):
                tracing.fail(span, f"{outcome.reason}: {outcome.detail}")

        yield tell
