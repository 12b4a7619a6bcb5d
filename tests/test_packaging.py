"""The plugins reach twistd however the project is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent
SOURCES = ("apiml_ws", "twisted", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
RUBBISH = shutil.ignore_patterns("__pycache__", "*.cache", "*.so")
TWISTD = "from twisted.scripts.twistd import run; run()"


class Packaging(SynchronousTestCase):
    """Each way to install, in an environment of its own that borrows the dependencies of the one that runs the tests."""

    def setUp(self) -> None:
        """A copy of the sources, and an empty environment."""
        base = Path(self.mktemp()).absolute()
        self.sources = base / "sources"
        self.sources.mkdir(parents=True)
        for name in SOURCES:
            self.copy(ROOT / name)
        self.environment = base / "environment"
        venv.create(self.environment, with_pip=False)
        self.borrow_dependencies()

    def copy(self, source: Path) -> None:
        """Put one file or folder among the sources."""
        if source.is_dir():
            shutil.copytree(source, self.sources / source.name, ignore=RUBBISH)
        else:
            shutil.copy(source, self.sources)

    def borrow_dependencies(self) -> None:
        """Look into the site-packages of this interpreter too, but not for what is installed there as editable."""
        self.site_packages.joinpath("borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    @property
    def site_packages(self) -> Path:
        """Where the environment's own packages are."""
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.environment)}))

    @property
    def python(self) -> str:
        """The environment's interpreter."""
        return str(self.environment / "bin" / "python")

    def run_command(self, *command: str, cwd: Path | str = "/") -> str:
        """What ``command`` prints; the test fails when the command does."""
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def pip(self, *arguments: str) -> None:
        """Run pip for the environment, without a network."""
        # What is borrowed counts as installed, though it is not in the environment.
        ignore = ("--ignore-installed",) if arguments[0] == "install" else ()
        common = (*ignore, "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation")
        verb, *rest = arguments
        self.run_command(sys.executable, "-m", "pip", "--python", self.python, verb, *common, *rest)

    def commands(self) -> set[str]:
        """The commands that ``twistd --help`` lists, from the root folder."""
        text = self.run_command(self.python, "-I", "-c", TWISTD, "--help")
        return {line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line.strip()}

    def assert_complete(self) -> None:
        """Both plugins are there, the gateway's options load, the console command runs, the types are shipped."""
        self.assertLessEqual({"apiml-ws", "discoverableclient"}, self.commands())
        self.assertIn("--config", self.run_command(self.python, "-I", "-c", TWISTD, "apiml-ws", "--help"))
        self.assertIn("check", self.run_command(str(self.environment / "bin" / "apiml-ws"), "--help"))
        where = "import apiml_ws, os; print(os.path.dirname(apiml_ws.__file__))"
        folder = Path(self.run_command(self.python, "-I", "-c", where).strip())
        self.assertNotEqual(folder, ROOT / "apiml_ws")
        self.assertTrue((folder / "py.typed").is_file())

    def test_a_wheel(self) -> None:
        """From a wheel the plugins are known in any folder, and nothing but them comes with the project."""
        self.assertNotIn("apiml-ws", self.commands())
        wheels = self.sources.parent / "wheels"
        self.pip("wheel", "--wheel-dir", str(wheels), str(self.sources))
        (wheel,) = wheels.iterdir()
        self.pip("install", str(wheel))
        self.assert_complete()
        self.assertFalse((self.site_packages / "tests").exists())
        self.assertEqual([path.name for path in (self.site_packages / "twisted").iterdir()], ["plugins"])

    def test_without_a_compiler(self) -> None:
        """The build goes on without the native pump, and says so in one line."""
        os.environ["CC"] = "/nonexistent/cc"
        self.addCleanup(os.environ.pop, "CC")
        command = (sys.executable, "setup.py", "--quiet", "build_ext", "--inplace")
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.sources)
        said = [line for line in done.stderr.splitlines() if "pump" in line]
        self.assertEqual(1, len(said), done.stderr)
        self.assertIn("without the native pump", said[0])
        self.pip("install", "--editable", str(self.sources))
        self.assert_complete()

    def test_editable(self) -> None:
        """Installed as editable the plugins are known in any folder too."""
        self.pip("install", "--editable", str(self.sources))
        self.assert_complete()
