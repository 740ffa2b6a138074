"""What plugins may learn of members is registered here, for every process that does work."""

from __future__ import annotations

from webapp.members.names import masked
from webapp.plugin_runtime import verbs

verbs.register_names(masked)
