"""The life of one send through planner, router, senders and ledger, tried out in every order.

One person, one step, one partition. `State` is all that lasts or is under way; `steps` says what may happen next, in
words, and what is then; `explore` goes through all of it, shortest way first. What decides is never copied here:
`parts` calls what the services call. What is modelled is what surrounds the decisions: topics, commits, crashes,
freezes, the order in which things happen.

    from send_model import RULES, Scenario, explore
    explore(Scenario(crashes=1, steers=1), RULES)
"""

from send_model.explore import Found, explore
from send_model.state import RULES, Rules, Scenario, State

__all__ = ["RULES", "Found", "Rules", "Scenario", "State", "explore"]
