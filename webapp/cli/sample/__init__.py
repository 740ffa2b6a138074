"""The sample shop: a year of published retail data, as files that `regulars import` reads."""

from webapp.cli.sample.fetch import SampleUnavailable, fetch_sample, is_fetched, sample_cache
from webapp.cli.sample.shop import SampleFiles, write_sample

__all__ = ["SampleFiles", "SampleUnavailable", "fetch_sample", "is_fetched", "sample_cache", "write_sample"]
