"""From a checked request to the records it becomes."""

from __future__ import annotations

from services.sandbox.core.mail_request import MailRequest
from services.sandbox.core.phone_request import PhoneRequest
from services.sandbox.core.records import MailGroup, MailRecord, PhoneRecord
from services.sandbox.core.worlds import World


def mail_records(
    request: MailRequest,
    message_id: str,
    account: str,
    now: float,
    world: World,
    first_number: int,
    suppressed: dict[str, str],
) -> list[MailRecord]:
    """One record a recipient. `suppressed`: by lower-case address, why SendGrid drops mail to it."""
    contents = {content.type: content.value for content in request.content}
    group = MailGroup(
        message_id=message_id,
        received_at=now,
        account=account,
        sender=request.sender.email,
        subject=request.subject,
        text=contents.get("text/plain", ""),
        html=contents.get("text/html", ""),
        headers=request.headers,
        args=request.custom_args,
        sections=request.sections,
        categories=request.categories,
        world=world,
        click_tracking=request.tracking_settings.click_tracking.enable,
    )
    records: list[MailRecord] = []
    for one in request.personalizations:
        args, substitutions = bytes(one.custom_args), bytes(one.substitutions)
        for address in (*one.to, *one.cc, *one.bcc):
            records.append(
                MailRecord(
                    number=first_number + len(records),
                    group=group,
                    place=len(records),
                    to=address.email,
                    name=address.name or "",
                    subject=one.subject or "",
                    args=args,
                    substitutions=substitutions,
                    headers=one.headers,
                    suppressed=suppressed.get(address.email.lower(), "") if suppressed else "",
                )
            )
    return records


def phone_record(
    request: PhoneRequest, sid: str, account_sid: str, now: float, world: World, number: int, window_open: bool
) -> PhoneRecord:
    """The record of one message. `window_open`: the person wrote within the last 24 hours (WhatsApp)."""
    return PhoneRecord(
        number=number,
        channel=request.channel,
        sid=sid,
        received_at=now,
        account_sid=account_sid,
        to=request.to,
        sender=request.sender,
        service=request.service,
        text=request.body,
        content_sid=request.content_sid,
        variables=request.variables,
        callback=request.callback,
        window_open=window_open,
        world=world,
    )
