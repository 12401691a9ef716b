"""Times as programs read them (RFC 3339, in UTC) and as people do."""

from __future__ import annotations

from datetime import UTC, datetime


def render_time(seconds: float | None) -> str | None:
    """Return `2030-01-31T12:00:00Z` for UTC epoch seconds, None for what no calendar has."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None
