"""What these tests need, and what becomes of them where it is missing: nothing on a desk, a failure where CI runs."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from unittest import SkipTest

FOLDER = Path(__file__).parent
JAR = FOLDER / "eureka-server" / "target" / "eureka-server.jar"
NODE_MODULES = FOLDER / "foreign" / "node_modules"


def demand_registry() -> None:
    """Netflix's server has to be there.

    :raises SkipTest: nobody asked for these tests, or it is missing.
    :raises AssertionError: it is missing, and this is CI.
    """
    _demand(
        (shutil.which("java"), "java is not there (a JDK of 17 or newer, and Maven to build the server)"),
        (JAR.exists(), f"{JAR} is not there; make integration builds it"),
    )


def demand_python_client() -> None:
    """The library ``py-eureka-client`` has to be there; raises as :func:`demand_registry`."""
    _demand((find_spec("py_eureka_client"), "py-eureka-client is not there: pip install '.[integration]'"))


def demand_node() -> None:
    """Node.js may be there, and then the clients that are written for it have to be; raises as :func:`demand_registry`."""
    _demand()
    if not shutil.which("node"):
        raise SkipTest("node is not there")
    _demand((NODE_MODULES.exists(), f"{NODE_MODULES} is not there; make integration fetches it"))


def _demand(*things: tuple[object, str]) -> None:
    if "APIML_WS_INTEGRATION" not in os.environ:
        raise SkipTest("make integration runs it")
    for there, complaint in things:
        if not there:
            raise AssertionError(complaint) if os.environ.get("CI") == "true" else SkipTest(complaint)
