"""Derivations: the trace of the engine as named steps, in three styles."""
