"""Tests of ``apiml_ws.sample``."""
