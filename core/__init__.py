"""Everything that works without a screen. Knows nothing of the front ends."""
