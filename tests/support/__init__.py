"""Real parts for tests: a throw-away PostgreSQL, an SMTP receiver, a browser, running shops."""
