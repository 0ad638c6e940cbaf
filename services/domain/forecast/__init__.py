"""What a campaign would come to: from whom each channel reaches, and what messages to some of them would cost."""

from services.domain.forecast.listed import LISTED_SAID, listed_reach
from services.domain.forecast.prices import Price, Sampled, price_of
from services.domain.forecast.sample import MOST_SAMPLED, sample_query, sampled_from
from services.domain.forecast.whole import forecast

__all__ = [
    "LISTED_SAID", "MOST_SAMPLED", "Price", "Sampled", "forecast", "listed_reach", "price_of", "sample_query",
    "sampled_from",
]  # fmt: skip
