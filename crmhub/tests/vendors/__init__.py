"""The whole hub against what the vendors publish about themselves."""
