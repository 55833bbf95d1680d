"""Law packs proved with z3: every case has an answer, nothing contradicts, no row and no clause is there for show."""

from services.workbench.proof.theorems import prove

__all__ = ["prove"]
