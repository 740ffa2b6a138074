"""`python -m webapp.cli.sample [FOLDER]`: fetch the data at set-up, so that no test reaches the network."""

import sys
from pathlib import Path

from webapp.cli.sample import SampleUnavailable, fetch_sample, sample_cache

try:
    print(fetch_sample(Path(sys.argv[1]) if len(sys.argv) > 1 else sample_cache(Path("var"))))
except SampleUnavailable as why:
    sys.exit(str(why))
