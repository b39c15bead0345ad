"""Tells people: a digest for managers, alerts for operators; from the marts and the run log."""
