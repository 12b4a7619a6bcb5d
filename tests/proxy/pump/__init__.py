"""Tests of the native pump."""
