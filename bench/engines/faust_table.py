"""Faust with a durable table of what was seen: the nearest it comes to an effect that is durable and not repeated."""

from __future__ import annotations

from bench.engines.faust_alo import main

if __name__ == "__main__":
    main(with_table=True)
