"""How many people of a filter each channel reaches, from their bits: the query, and what its rows say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas import RANK, AudienceFilter, Channel, Status, Suppression
from schemas.limits import Cap
from services.domain.audience import condition
from services.domain.reach.bits import CHANNELS, TOLD_SINCE, why_not, with_reach

EVIDENCE_STANDING: Final = 65_536 * 256
"""From here on `standings.top` is evidence, which outranks every attempt."""
MAY_HAVE_GONE: Final = tuple(RANK[status] for status in (Status.QUEUED, Status.UNCERTAIN, Status.ACCEPTED))
TOLD: Final = "-- Where anybody is found who was told of since the base was worked out.\n" + " UNION ALL ".join(
    f"SELECT '{name}' FROM ({people} LIMIT 1)" for name, people in TOLD_SINCE.items()
)
_DIRTY: Final = "SELECT recipient_id FROM dirty"
_COUNTS: Final = """toInt64(count()) AS people, toInt64(countIf(email_key != 0)) AS emails,
                   toInt64(countIf(phone_key != 0)) AS phones"""
_KNOWN: Final = f"recipient_id NOT IN ({_DIRTY})"


def counting(audience: AudienceFilter, caps: Sequence[Cap], told: Collection[str]) -> str:
    """How many people of a filter have which reach: rows (kind, reach, people). `told`: what `TOLD` answers; to look
    where nobody is costs as much as the rest.

    Kind `people`: all of them; `email`, `phone`: those of them whose address another has who comes before them, which
    is all who may share one, less the first of each address; `capped <channel>`: those whom one of `caps` leaves no
    message on it now. The base is read once, and nobody of it is looked up: people told of since are taken away as they
    stood there, and added as they stand now. Whether an address is doubled is asked only of those whose bits say that
    it may be, by hashes that the base keeps of their addresses alone, and of those who share one with somebody told of
    since.
    """
    wanted = condition(audience)
    settled = f"is_deleted = 0 AND reach != 0 AND {wanted}"
    sources = [_base(settled, told), *(_since(settled, told) if told else ())]
    return f"""
    {_with(wanted, told) if told else ""}
SELECT kind, first AS reach, sum(n) AS people FROM
(
    SELECT ['people', 'email', 'phone'][which] AS kind, argMin(reach, id) AS first, if(key = 0, sum(counted), -1) AS n
    FROM ({" UNION ALL ".join(sources)})
    ARRAY JOIN if(id = '', [1, 2, 3], [2, 3]) AS which, if(id = '', [0, 0, 0], [email_key, phone_key]) AS key,
               if(id = '', [people, emails, phones], [0, 0]) AS counted
    WHERE key != 0 OR counted != 0 GROUP BY which, key, if(key = 0, reach, 0)
    {"".join(_capped(channel, caps, settled, told) for channel in CHANNELS)}
)
GROUP BY kind, reach
HAVING people != 0
"""


def _with(wanted: str, told: Collection[str]) -> str:
    return f"""WITH
    dirty AS ({" UNION ALL ".join(people for name, people in TOLD_SINCE.items() if name in told)}),
    fresh AS (SELECT recipient_id, email, phone, reach FROM ({_fresh(told)}) WHERE {wanted})"""


def _fresh(told: Collection[str]) -> str:
    """As the view v_contacts has them, with their bits; of the base, the filter is asked of nobody else."""
    base = f"SELECT * FROM contacts PREWHERE recipient_id IN ({_DIRTY}) WHERE is_deleted = 0"
    if "changes" in told:
        base += f" AND recipient_id NOT IN ({TOLD_SINCE['changes']})"
        base += " UNION ALL SELECT * FROM contacts_changes FINAL WHERE is_deleted = 0"
    return with_reach(base, _DIRTY, "1", "1")


def _base(settled: str, told: Collection[str]) -> str:
    """Of each reach how many there are and how many may share an address; and each of these, if nothing was told."""
    known = f"WHERE id NOT IN ({_DIRTY})" if told else ""
    return f"""
        SELECT reach, one.1 AS id, one.2 AS email_key, one.3 AS phone_key, people, emails, phones
        FROM
        (
            SELECT reach, {_COUNTS}, groupArrayIf((shared_id, email_key, phone_key), shared_id != '') AS sharing
            FROM contacts WHERE {settled} GROUP BY reach
        )
        ARRAY JOIN arrayPushBack(sharing, ('', toUInt64(0), toUInt64(0))) AS one {known}"""


def _since(settled: str, told: Collection[str]) -> tuple[str, str]:
    """Those told of since: as they stood, taken away; as they stand, and whose addresses of the base they may share
    now, which words on consent do not change."""
    stood = f"""
        SELECT reach, '', 0, 0, -people, -emails, -phones FROM
        (SELECT reach, {_COUNTS} FROM contacts PREWHERE recipient_id IN ({_DIRTY}) WHERE {settled} GROUP BY reach)"""
    people = [
        """
            SELECT reach, recipient_id, if(email = '', 0, sipHash64(email)) AS email_key,
                   if(phone = '', 0, sipHash64(phone)) AS phone_key, 1 AS people FROM fresh"""
    ]
    people += [
        f"""
            SELECT reach, recipient_id, {keys}, 0 FROM contacts
            WHERE {address} IN ({_told(address)}) AND {settled} AND {address}_key = 0 AND {_KNOWN}"""
        for address, keys in (("email", "sipHash64(email), 0"), ("phone", "0, sipHash64(phone)"))
        if set(told) != {"words"}
    ]
    stand = f"""
        SELECT reach, one.1, one.2, one.3, people, email_key != 0, phone_key != 0
        FROM ({" UNION ALL ".join(people)})
        ARRAY JOIN [('', toUInt64(0), toUInt64(0)), (recipient_id, email_key, phone_key)] AS one"""
    return stood, stand


def _told(address: str) -> str:
    """Addresses of people told of since, and perhaps some that they had before. Those of the base are found by its key:
    where nobody was told of, none of it is read."""
    return (
        f"SELECT {address} FROM contacts_changes WHERE {address} != '' UNION ALL SELECT {address} FROM contacts "
        f"WHERE recipient_id IN ({_DIRTY}) AND {address} != ''"
    )


def _capped(channel: Channel, caps: Sequence[Cap], settled: str, told: Collection[str]) -> str:
    """Whoever has had as many messages as a cap allows in its window: sends that went out or may have."""
    mine = [cap for cap in caps if cap.channel in (None, channel)]
    if not mine:
        return ""
    people = " UNION ALL ".join(_full(cap) for cap in mine)
    base = f"SELECT recipient_id, reach FROM contacts WHERE {settled}"
    if told:
        base += f" AND {_KNOWN} UNION ALL SELECT recipient_id, reach FROM fresh"
    return f"""
    UNION ALL
    SELECT 'capped {channel.value}', reach, toInt64(count()) FROM ({base})
    WHERE recipient_id IN ({people}) GROUP BY reach"""


def _full(cap: Cap) -> str:
    since = f"{{now:DateTime('UTC')}} - {int(cap.per.total_seconds())}"
    on = f"AND channel = '{cap.channel.value}'" if cap.channel else ""
    return f"""
        SELECT recipient_id FROM
        (
            SELECT recipient_id, max(top).1 AS standing, min(queued_at) AS queued FROM standings
            WHERE brand = {{brand:String}} {on} AND campaign_id IN
            (
                SELECT campaign_id FROM campaigns FINAL
                WHERE brand = {{brand:String}} AND kind != 'transactional' AND (ended_at IS NULL OR ended_at > {since})
            )
            GROUP BY campaign_id, step, recipient_id
        )
        WHERE queued > {since} AND (standing >= {EVIDENCE_STANDING} OR standing % 256 IN {MAY_HAVE_GONE})
        GROUP BY recipient_id HAVING count() >= {cap.messages}"""


@dataclass
class Reach:
    """How many a channel reaches, and why not the others, each under the first reason in the router's order."""

    reachable: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def matched(rows: Iterable[Sequence[object]]) -> int:
    """People of a filter, from the rows of `counting`."""
    return sum(int(str(people)) for kind, _, people in rows if kind == "people")


def by_channel(
    rows: Iterable[Sequence[object]], channels: Iterable[Channel], needs_opt_in: Collection[str]
) -> dict[Channel, Reach]:
    """From the rows of `counting`. A channel for which nobody has an address reaches nobody."""
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for kind, reach, people in rows:
        counts[str(kind)][int(str(reach))] += int(str(people))
    found = {}
    for channel in channels:
        doubled = counts["email" if channel is Channel.EMAIL else "phone"]
        found[channel] = _of_channel(channel, counts, doubled, needs_opt_in)
    return found


def _of_channel(
    channel: Channel, counts: Mapping[str, Counter[int]], doubled: Counter[int], needs_opt_in: Collection[str]
) -> Reach:
    reach, full = Reach(), counts.get(f"capped {channel.value}", Counter())
    for bits, count in counts.get("people", Counter()).items():
        duplicates = doubled[bits] if channel in CHANNELS else 0
        reason = why_not(bits, channel, needs_opt_in)
        if duplicates:
            reach.dropped[Suppression.DUPLICATE] += duplicates
        if reason is None:
            capped = min(full[bits], count - duplicates)
            reach.reachable += count - duplicates - capped
            if capped:
                reach.dropped[Suppression.FREQUENCY_CAPPED] += capped
        elif count > duplicates:
            reach.dropped[reason] += count - duplicates
    return reach
