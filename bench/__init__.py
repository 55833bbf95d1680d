"""Benches: `python -m bench` measures against the targets of the design and writes bench/results/latest.json."""
