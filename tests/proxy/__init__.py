"""Tests of ``apiml_ws.proxy``."""
