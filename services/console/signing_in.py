"""Who signs in: counted against guessing, and told to the audit log."""

from __future__ import annotations

from dataclasses import replace

import structlog
from starlette.requests import Request

from schemas import AuditEntry
from schemas.base import DEFAULT_BRAND
from services.console.auditing import entry
from services.console.core.attempts import Attempts
from services.console.core.operators import named
from services.console.hub import Hub
from services.console.passwords import Passwords
from services.console.problems import Problem
from services.console.security import Identity, identity_of, keeper_of
from services.runtime.clock import boot_seconds

log = structlog.get_logger("console")


class TooOftenError(Exception):
    def __init__(self, wait_s: int) -> None:
        super().__init__(f"another try in {wait_s} s")
        self.wait_s = wait_s


class SignIn:
    """One for a process."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.attempts, self.passwords = hub, Attempts(), Passwords()

    def admit(self, request: Request, name: str) -> None:
        """Counts a try, a failed one until `succeed`. Raises `TooOftenError`."""
        address, now = self.address(request), boot_seconds()
        if wait := self.attempts.wait(name, address, now):
            raise TooOftenError(wait)
        self.attempts.begin(name, address, now)

    async def by_key(self, request: Request, key: str) -> Identity | None:
        """Raises `TooOftenError`."""
        self.admit(request, "")
        identity = keeper_of(request).identity_of_key(key)
        if identity is None:
            await self.tell(request, self._nobody(), refused=True)
            return None
        self.attempts.succeed("", self.address(request))
        identity = replace(identity, by="key")
        await self.tell(request, identity)
        return identity

    async def by_password(self, request: Request, name: str, password: str) -> Identity | None:
        """`name`: id or mail address. Raises `TooOftenError`."""
        counted = name.lower()
        self.admit(request, counted)
        operator = named(self.hub.operators.items.values(), name)
        fits = await self.passwords.fits(operator.password_hash if operator else "", password)
        if operator is None or not fits:
            await self.tell(request, identity_of(operator) if operator else self._nobody(), refused=True)
            return None
        self.attempts.succeed(counted, self.address(request))
        identity = replace(identity_of(operator), by="password")
        await self.tell(request, identity)
        return identity

    async def tell(self, request: Request, identity: Identity, *, refused: bool = False) -> None:
        """Who may sign in may do so also while Kafka is away: then the log holds it instead."""
        made = self.entry(request, identity, refused=refused)
        try:
            await self.hub.audit(made)
        except Problem:
            log.warning("not in the audit log", action=made.action, operator=made.operator, status=made.status)

    def entry(self, request: Request, identity: Identity, *, refused: bool = False) -> AuditEntry:
        detail = f"by {identity.by} from {self.address(request)}" if identity.by else f"from {self.address(request)}"
        who = f"operator/{identity.operator or identity.name}"
        return entry(identity, self.hub.now(), "operator.sign-in", who, detail=detail, refused=refused)

    @staticmethod
    def address(request: Request) -> str:
        return request.client.host if request.client else ""

    @staticmethod
    def _nobody() -> Identity:
        """What was typed as a name may be anything, a password too: it is kept nowhere."""
        return Identity(DEFAULT_BRAND, "viewer", "unknown")
