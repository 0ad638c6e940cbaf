"""`make model`: wider searches than a test has time for; some minutes and gigabytes. Exit code 1 for a violation."""

from __future__ import annotations

import sys

from send_model import RULES, Scenario, explore

LIVES = {
    "two kills and an opt-out": Scenario(crashes=2, opt_outs=1),
    "a pause or an edit, and a kill": Scenario(crashes=1, steers=1),
    "a pause or an edit, and a freeze": Scenario(freezes=1, steers=1),
    "two nights, a kill, an opt-out": Scenario(nights=2, crashes=1, opt_outs=1),
    "a night, a freeze": Scenario(nights=1, freezes=1),
    "two pauses or edits": Scenario(steers=2),
    "two freezes": Scenario(freezes=2),
    "a freeze, a kill, an opt-out": Scenario(freezes=1, crashes=1, opt_outs=1),
    "a freeze, doubt, a callback, resend": Scenario(freezes=1, doubts=1, callbacks=1, policy="resend"),
    "old records written again, a kill, an opt-out": Scenario(rewrites=1, crashes=1, opt_outs=1),
    "old records written again, a freeze, a failure": Scenario(rewrites=1, freezes=1, retries=1),
}


def main() -> int:
    wrong = 0
    for life, scenario in LIVES.items():
        found = explore(scenario, RULES)
        wrong += bool(found.violation)
        print(f"{life}: {found}", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
