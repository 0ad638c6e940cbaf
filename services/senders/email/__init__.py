"""Email by SendGrid, up to 1,000 people in one call."""
