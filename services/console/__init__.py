"""Pages and figures for operators."""
