"""Exports: a run in the formats of other programs (docs/exports.md). All of them come from its trace."""
