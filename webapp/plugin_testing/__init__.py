"""Contract suites that authors of plugins run against their own classes. Imported by tests only; needs pytest, hypothesis."""
