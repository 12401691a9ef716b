"""One wrapped command from beginning to end, and the record of it that the hot path replays."""
