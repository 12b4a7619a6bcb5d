"""Tests of ``apiml_ws.discovery``."""
