"""What a campaign says: a message body that every channel follows, and contents of a channel's own."""

from __future__ import annotations

from pydantic import model_validator

from schemas.base import Wire


class Body(Wire):
    text: str = ""
    link: str | None = None


class EmailContent(Wire):
    subject: str = ""
    preheader: str = ""
    html: str = ""
    mjml: str = ""
    text: str = ""
    """Plain text; made from the HTML where it is empty."""

    @model_validator(mode="after")
    def _one_source(self) -> EmailContent:
        if self.html and self.mjml:
            raise ValueError("html and mjml are both given: keep one of them")
        return self


class SmsContent(Wire):
    text: str


class WhatsappContent(Wire):
    template: str | None = None
    """Twilio's ContentSid, HX..."""
    variables: dict[str, str] = {}
    text: str | None = None
    """Free text: only inside the 24 hours after the person wrote."""

    @model_validator(mode="after")
    def _something(self) -> WhatsappContent:
        if (self.template is None) == (self.text is None):
            raise ValueError("give either template (with variables) or text")
        return self


class PushContent(Wire):
    title: str
    message: str = ""
    link: str | None = None
    image: str | None = None


class SocialContent(Wire):
    text: str
    link: str | None = None
    media: list[str] = []


class Content(Wire):
    email: EmailContent | None = None
    sms: SmsContent | None = None
    whatsapp: WhatsappContent | None = None
    push: PushContent | None = None
    social: SocialContent | None = None
