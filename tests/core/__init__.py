"""Tests of ``apiml_ws.core``."""
