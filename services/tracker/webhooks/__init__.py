"""What providers and people reach over HTTP: verify on the raw body, parse, emit; answer only when it is on Kafka."""
