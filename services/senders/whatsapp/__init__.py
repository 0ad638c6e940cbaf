"""WhatsApp by Twilio's Content API."""
