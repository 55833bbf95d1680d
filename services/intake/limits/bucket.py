"""A token bucket: so many at once, so many a second after that. Pure; the time is given."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.limits.allowance import Rate


@dataclass(slots=True)
class Bucket:
    """What may still be taken.

    Attributes:
        rate: how fast it fills, and how full it gets.
        held: what was in it at ``at``.
        at: monotonic seconds.
    """

    rate: Rate
    held: float
    at: float

    @classmethod
    def full(cls, rate: Rate, now: float) -> Bucket:
        """Give a full one."""
        return cls(rate, rate.burst, now)

    def take(self, amount: float, now: float) -> float:
        """Take, and give 0; or take nothing, and give the seconds until it would do.

        More than the bucket holds when full is taken from a full one: a limit delays, it does not forbid.
        """
        self.held = min(self.rate.burst, self.held + max(0.0, now - self.at) * self.rate.per_second)
        self.at = max(self.at, now)
        needed = min(amount, self.rate.burst)
        if self.held >= needed:
            self.held -= needed
            return 0.0
        return (needed - self.held) / self.rate.per_second
