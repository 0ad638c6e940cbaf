"""Every metric of Peal, in one place: a dashboard or an alert can rely on what stands here and on nothing else."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# Everywhere
ready = Gauge("peal_ready", "1 while the service is ready for work, else 0")
dead_letters = Counter("peal_dead_letters_total", "Records put on a dead-letter topic", ["topic", "reason"])
misplaced = Counter(
    "peal_misplaced_total", "Records that came in another partition than their key's, and were set right", ["topic"]
)
consumer_lag = Gauge("peal_consumer_lag", "Records between a group's committed offset and the end", ["topic"])

# Planner
commands = Counter("peal_commands_total", "Commands answered", ["type", "status"])
requests_planned = Counter("peal_requests_planned_total", "Send requests emitted", ["channel", "account", "kind"])
campaigns_by_status = Gauge("peal_campaigns", "Campaigns of this planner", ["status"])
planner_page_seconds = Histogram("peal_planner_page_seconds", "Read, build and emit one page", buckets=_FAST)
sweep_barrier_since = Gauge(
    "peal_sweep_barrier_since_timestamp_seconds", "When the wait for the sweep's barrier began; 0: nothing waits"
)
sweep_found = Counter("peal_sweep_found_total", "Sends expanded again", ["kind"])

# Router
verdicts = Counter("peal_router_verdicts_total", "What the router decided about requests", ["verdict", "reason"])
router_events = Counter("peal_router_events_total", "Records applied", ["topic"])
router_round_seconds = Histogram(
    "peal_router_round_seconds", "One round: decide, write state, write outputs", buckets=_FAST
)
router_people = Gauge("peal_router_people", "People in this worker's state")
router_restore_seconds = Gauge("peal_router_restore_seconds", "How long the last reading of the changelog took")
recalls_written = Counter("peal_recalls_total", "Messages under way that were called back", ["reason"])

# Senders
sends = Counter("peal_sends_total", "Outcomes of messages at the sender", ["channel", "account", "status", "reason"])
provider_calls = Counter("peal_provider_calls_total", "Calls to a provider by answer", ["channel", "account", "answer"])
provider_call_seconds = Histogram(
    "peal_provider_call_seconds",
    "From the last look at the doorstep to the answer",
    ["channel", "account"],
    buckets=_FAST,
)
backlog_seconds = Gauge(
    "peal_backlog_seconds", "Messages waiting divided by the account's rate", ["channel", "account"]
)
backlog_messages = Gauge(
    "peal_backlog_messages", "Messages waiting on this instance's partitions", ["channel", "account"]
)
rate_limit = Gauge("peal_rate_limit_per_s", "Messages a second that this instance may send", ["channel", "account"])
replays_skipped = Counter("peal_replays_skipped_total", "Messages recognised as repeats", ["channel", "account"])
last_call_at = Gauge("peal_last_call_timestamp_seconds", "When the last provider call left", ["channel", "account"])

# Tracker
callbacks = Counter("peal_callbacks_total", "Provider callbacks by result", ["provider", "result"])
rows_inserted = Counter("peal_clickhouse_rows_total", "Rows acknowledged by ClickHouse", ["table"])
insert_seconds = Histogram("peal_clickhouse_insert_seconds", "One insert, repeats included", ["table"], buckets=_FAST)
insert_retries = Counter("peal_clickhouse_insert_retries_total", "Inserts that had to be repeated", ["table"])
contacts_merged = Counter("peal_contacts_merged_total", "Contacts written after a merge")
contact_fields_refused = Counter(
    "peal_contact_fields_refused_total", "Contact fields kept out for what was in them", ["field", "reason"]
)
erased_kept_out = Counter(
    "peal_erased_kept_out_total", "Records about erased people, refused or put under their pseudonym", ["topic"]
)
consents_published = Counter(
    "peal_consents_published_total", "Consents that the tracker drew from stops", ["channel", "state", "reason"]
)
uncertain_asked = Counter(
    "peal_uncertain_asked_total", "Answers to asking a provider for such sends", ["channel", "account", "result"]
)
prices_fetched = Counter("peal_prices_fetched_total", "Messages fetched for their price", ["account", "result"])
prices_waiting = Gauge("peal_prices_waiting", "Messages that wait for being fetched")
uncertain_now = Gauge("peal_uncertain_sends", "Sends whose fate is not known", ["channel", "account"])

# Console
http_requests = Counter("peal_http_requests_total", "Requests to the console", ["method", "route", "status"])
http_seconds = Histogram("peal_http_request_seconds", "Server time", ["route"], buckets=_FAST)
live_pages = Gauge("peal_live_pages", "Open event streams")

# Sandbox
sandbox_messages = Counter("peal_sandbox_messages_total", "Messages accepted by the pretend providers", ["channel"])
sandbox_callbacks = Counter("peal_sandbox_callbacks_total", "Callbacks posted", ["provider", "result"])
