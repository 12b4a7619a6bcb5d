"""What can be wrong with a configuration, in words that an operator can act on."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config_problem import ConfigError, Problem, Source, problem


class Problems(SynchronousTestCase):
    """Problems and where they are."""

    def test_problem_in_a_file_reads_as_editors_jump_to(self) -> None:
        """File and line come first, joined as editors understand them; then key, what was found, what is allowed."""
        found = problem(Source("gateway.yml", 7), "server.port", "'x'", "a number")
        self.assertEqual(found, Problem("gateway.yml", 7, "server.port", "'x'", "a number"))
        self.assertEqual(str(found), "gateway.yml:7: server.port: found 'x'; allowed: a number")

    def test_problem_without_a_line(self) -> None:
        """The environment and the command line have no lines."""
        self.assertEqual(str(Problem("--set", None, "a", "b", "c")), "--set: a: found b; allowed: c")

    def test_error_says_everything(self) -> None:
        """The error's text has every problem on a line of its own, and no warning."""
        first, second = Problem("f", 1, "a", "b", "c"), Problem("f", 2, "d", "e", "g")
        error = ConfigError([first, second], [Problem("f", 3, "h", "i", "j")])
        self.assertEqual(str(error), "f:1: a: found b; allowed: c\nf:2: d: found e; allowed: g")
        self.assertEqual((error.errors, len(error.warnings)), ((first, second), 1))
