"""Measuring the hub and what one would write instead of it, in one run on one machine: `python -m bench`."""
