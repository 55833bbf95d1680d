"""AsyncAPI of the system: made from the registry of topics and the contract, never written by hand."""

from services.workbench.asyncapi.document import PATH, document, is_current, written

__all__ = ["PATH", "document", "is_current", "written"]
