"""Tests of real processes over loopback."""
