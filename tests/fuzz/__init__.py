"""Fuzzers of the native pump."""
