from tests.jobs.shop import shop

__all__ = ["shop"]
