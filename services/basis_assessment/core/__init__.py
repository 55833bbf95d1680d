"""The pure core: a concern's facts in, the lawful basis of each disclosure out."""

from services.basis_assessment.core.assess import Assessment
from services.basis_assessment.core.basis import BasisCore
from services.basis_assessment.core.state import BasisState

__all__ = ["Assessment", "BasisCore", "BasisState"]
