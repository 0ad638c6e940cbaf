"""What has to be set right where a consumer group cannot go on: decided here, done in `services.runtime.repair`."""
