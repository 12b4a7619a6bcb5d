"""Tests of ``apiml_ws.actuator``."""
