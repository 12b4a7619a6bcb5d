"""Builds the native pump where a compiler is there; everything else about the project is in setup.cfg."""

import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class BuildWherePossible(build_ext):
    """The project works without the extension, so that failing to build it is no error."""

    def build_extension(self, ext: Extension) -> None:
        """Build it, or say in one line that it was not built."""
        try:
            super().build_extension(ext)
        except Exception as error:
            ext.optional = True
            print(f"without the native pump, the portable relay serves: {error}", file=sys.stderr)  # noqa: T201


setup(
    cffi_modules=["apiml_ws/proxy/pump/build_pump.py:ffibuilder"],
    cmdclass={"build_ext": BuildWherePossible},
    # The extension keeps to the stable interface of Python.
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
