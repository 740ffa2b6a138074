"""The tests' ground (tests/ground.py) lies under tests/ and under the plugins' own tests alike."""

pytest_plugins = ["tests.ground"]
