"""The layers of the design hold: imports point down only."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import apiml_ws
import apiml_ws.core

PACKAGE = Path(apiml_ws.__file__).parent
#: The folders above the core, which do not know one another.
FOLDERS = ("proxy", "discovery", "actuator", "sample")
#: Only these may name the global reactor.
COMPOSITION = {"tap.py", "sample_tap.py", "quickstart_tap.py"}


def modules(folder: Path) -> list[Path]:
    """All modules of ``folder``."""
    return sorted(folder.rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """Every module that ``module`` imports, ``from x import y`` as x and x.y, wherever the import stands."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    """Whether ``name`` is one of ``packages`` or below one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


class Layers(SynchronousTestCase):
    """Who may know whom."""

    def offenders(self, folder: str, forbidden: tuple[str, ...]) -> list[str]:
        """The imports of ``folder`` that are ``forbidden``."""
        return [
            f"{module.relative_to(PACKAGE)}: {name}"
            for module in modules(PACKAGE / folder)
            for name in imported(module)
            if within(name, forbidden)
        ]

    def test_the_core_runs_without_io(self) -> None:
        """With all of the core imported, neither Twisted's reactor layer nor Autobahn is loaded, directly or not."""
        names = [module.name for module in pkgutil.iter_modules(apiml_ws.core.__path__, "apiml_ws.core.")]
        self.assertIn("apiml_ws.core.interfaces", names)
        program = (
            "import importlib, sys\n"
            f"for name in {names!r}: importlib.import_module(name)\n"
            "print(*sorted(n for n in sys.modules if (n + '.').startswith(('twisted.internet.', 'autobahn.'))))"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
        self.assertEqual((done.stdout.strip(), done.stderr), ("", ""))

    def test_the_core_knows_nothing_above_it(self) -> None:
        """No module of the core imports anything of the project but the core."""
        for module in modules(PACKAGE / "core"):
            ours = [name for name in imported(module) if within(name, ("apiml_ws",))]
            self.assertEqual([name for name in ours if not within(name, ("apiml_ws.core",))], [], module)

    def test_the_folders_do_not_know_one_another(self) -> None:
        """Proxy, discovery, actuator and sample each import the core alone."""
        for folder in FOLDERS:
            others = tuple(f"apiml_ws.{other}" for other in FOLDERS if other != folder)
            self.assertEqual(self.offenders(folder, others), [], folder)

    def test_the_folders_do_not_know_who_composes_them(self) -> None:
        """Nothing below imports the composition roots."""
        roots = tuple(f"apiml_ws.{name.removesuffix('.py')}" for name in (*COMPOSITION, "cli.py", "quickstart.py"))
        for folder in ("core", *FOLDERS):
            self.assertEqual(self.offenders(folder, roots), [], folder)

    def test_only_the_composition_names_the_reactor(self) -> None:
        """The global reactor is imported by the modules that compose, and handed to everyone else."""
        for module in modules(PACKAGE):
            if module.name not in COMPOSITION:
                self.assertNotIn("twisted.internet.reactor", list(imported(module)), module)

    def test_nobody_imports_relatively(self) -> None:
        """Every import says in full where it goes, so that the tests above see all of them."""
        for module in modules(PACKAGE):
            tree = ast.parse(module.read_text(encoding="utf-8"))
            levels = [node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            self.assertEqual([level for level in levels if level], [], module)
