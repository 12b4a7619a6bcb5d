"""From the text of a configuration file to what it says, with lines."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config_values import Said
from apiml_ws.core.config_yaml import read_yaml


def said(text: str) -> list[tuple[str, Said, int | None]]:
    """What ``text`` says, as name, value and line."""
    return [(given.name, given.said, given.source.line) for given in read_yaml(text, "f.yml")[0]]


def wrong(text: str) -> list[str]:
    """What is wrong with ``text``."""
    return [str(each) for each in read_yaml(text, "f.yml")[1]]


class Reading(SynchronousTestCase):
    """Files that are well formed."""

    def test_nested_and_dotted_keys_mix(self) -> None:
        """Sections and dots mean the same, at any depth."""
        text = "server.port: 1\nserver:\n  ssl.enabled: true\n  ssl:\n    keyAlias: x\napiml.service: {hostname: h}\n"
        self.assertEqual(
            said(text),
            [
                ("server.port", "1", 1),
                ("server.ssl.enabled", "true", 3),
                ("server.ssl.keyAlias", "x", 5),
                ("apiml.service.hostname", "h", 6),
            ],
        )
        self.assertEqual(wrong(text), [])

    def test_values_stay_as_written(self) -> None:
        """A password of digits keeps its zeros, and a word for true stays the word."""
        self.assertEqual(
            said("a: 007\nb: yes\nc: 0x1F\nd: '~'\ne: \"x\\ty\"\nf: |\n  z\n"),
            [("a", "007", 1), ("b", "yes", 2), ("c", "0x1F", 3), ("d", "~", 4), ("e", "x\ty", 5), ("f", "z\n", 6)],
        )

    def test_lists(self) -> None:
        """Lists of plain values, in either style."""
        self.assertEqual(said("a: [x, 01, ~]\nb:\n  - y\n"), [("a", ("x", "01", ""), 1), ("b", ("y",), 2)])

    def test_nothing(self) -> None:
        """Null and an empty section say nothing of a key; an empty file says nothing at all."""
        self.assertEqual(said("a:\nb: ~\nc: {}\n"), [("a", None, 1), ("b", None, 2), ("c", None, 3)])
        self.assertEqual((said(""), said("# words\n"), said("---\n"), wrong("---\n")), ([], [], [], []))

    def test_aliases(self) -> None:
        """An alias says what its anchor says."""
        self.assertEqual(said("a: &x {b: 1}\nc: *x\n"), [("a.b", "1", 1), ("c.b", "1", 1)])


class Refusing(SynchronousTestCase):
    """Files that are not."""

    def test_key_twice(self) -> None:
        """A name that stands twice in a section is refused with both lines; what it said first counts."""
        text = "a:\n  b: 1\n  b: 2\na: 3\n"
        self.assertEqual(
            wrong(text),
            [
                "f.yml:3: a.b: found the key again, first on line 2; allowed: each key once",
                "f.yml:4: a: found the key again, first on line 1; allowed: each key once",
            ],
        )
        self.assertEqual(said(text), [("a.b", "1", 2)])
        self.assertEqual(len(wrong("{a: 1, a: 2}")), 1)

    def test_key_that_is_no_name(self) -> None:
        """Keys are plain."""
        self.assertEqual(
            wrong("? [a]\n: 1\nb: {{c: 1}: 2}\n"),
            [
                "f.yml:1: (file): found a key that is a list or a section; allowed: names of keys",
                "f.yml:3: b: found a key that is a list or a section; allowed: names of keys",
            ],
        )

    def test_list_of_more_than_values(self) -> None:
        """Lists hold plain values only."""
        self.assertEqual(
            wrong("a:\n  - b: 1\n"), ["f.yml:1: a: found a list of lists or sections; allowed: a list of plain values"]
        )

    def test_ring(self) -> None:
        """A section that holds itself does not hang the reader."""
        self.assertEqual(
            wrong("a: &x\n  b: 1\n  c: *x\n"),
            ["f.yml:3: a.c: found an alias of a section that it stands in; allowed: sections without rings"],
        )

    def test_root_that_is_no_section(self) -> None:
        """A list or a word is no configuration."""
        for text in ("- a\n", "a\n"):
            self.assertEqual(
                wrong(text), ["f.yml:1: (file): found something else than a section; allowed: keys and values"]
            )

    def test_syntax(self) -> None:
        """What is no YAML is refused with its line."""
        self.assertEqual(
            wrong("a: 1\nb: [1\n"),
            [
                "f.yml:3: (file): found no YAML (expected ',' or ']', but got '<stream end>'); allowed: one document of YAML"
            ],
        )
        self.assertIn("another document", wrong("a: 1\n---\nb: 2\n")[0])

    def test_unprintable_character(self) -> None:
        """Characters that YAML does not allow are named, with their line."""
        self.assertEqual(
            wrong("a: 1\nb: \x00"),
            ["f.yml:2: (file): found the character U+0000; allowed: characters that YAML allows"],
        )

    def test_forgotten_quotes_do_not_print_a_password(self) -> None:
        """A password that YAML takes for an alias or a tag is asked to be quoted, and not shown."""
        for value in ("*secret", "!secret", "!secret!x y"):
            (text,) = wrong(f"password: {value}\n")
            self.assertIn("quotes around", text)
            self.assertNotIn("secret", text)
