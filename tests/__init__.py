"""Tests, one file a module in the same folders; ``tests/e2e`` runs real processes over loopback."""
