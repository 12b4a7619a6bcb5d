"""Tests of :mod:`apiml_ws.actuator.passwords`."""

from __future__ import annotations

import os
from pathlib import Path

import bcrypt
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.actuator.passwords import PasswordFile, PasswordFileError, Passwords, matches, read_passwords


def hashed(password: str, cost: int = 4, prefix: bytes = b"2b") -> bytes:
    """A bcrypt hash, as cheap as can be."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost, b"2b")).replace(b"$2b$", b"$" + prefix + b"$", 1)


class Reading(SynchronousTestCase):
    """The lines of a password file."""

    def test_names_and_hashes(self) -> None:
        """Each line that is neither empty nor a comment gives a name its hash, whatever the line's end."""
        one, two = hashed("a"), hashed("b", prefix=b"2y")
        read = read_passwords(b"# operators\r\n\r\nada:" + one + b"\r\nbob:" + two, "f")
        self.assertEqual(read, Passwords({b"ada": one, b"bob": two}))

    def test_the_first_of_two_lines_counts(self) -> None:
        """A name that is there twice has its first hash, as in Apache."""
        one, two = hashed("a"), hashed("b")
        self.assertEqual(read_passwords(b"ada:%s\nada:%s\n" % (one, two), "f").hashes, {b"ada": one})

    def test_other_schemes_are_named(self) -> None:
        """A hash that is not bcrypt is a fault that says what it is, where, and what is allowed."""
        schemes = {
            b"$apr1$salt$hash": "MD5",
            b"$1$salt$hash": "MD5",
            b"{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=": "SHA-1",
            b"$5$salt$hash": "SHA-256 crypt",
            b"$6$salt$hash": "SHA-512 crypt",
            b"secret": "crypt or not at all",
        }
        for value, name in schemes.items():
            read = read_passwords(b"\nada:" + value, "etc/operators")
            fault = f"etc/operators:2: the password of ada is hashed by {name}; only bcrypt is allowed"
            self.assertEqual(read, Passwords({}, (fault,)))

    def test_a_line_without_name_or_hash(self) -> None:
        """A line that is not NAME:HASH is a fault."""
        for line in (b"ada", b"ada:", b":" + hashed("a")):
            self.assertEqual(
                read_passwords(line, "f").faults, ("f:1: neither empty, nor a comment, nor NAME:HASH",), line
            )

    def test_a_cost_that_nobody_can_pay(self) -> None:
        """A cost that would block a thread for minutes, or is no cost at all, is a fault."""
        for cost in (b"03", b"18"):
            line = b"ada:" + hashed("a").replace(b"$04$", b"$%s$" % cost)
            fault = f"f:1: the bcrypt cost of ada is {int(cost)}; 4 to 17 are allowed"
            self.assertEqual(read_passwords(line, "f").faults, (fault,))


class HashOf(SynchronousTestCase):
    """Which hash a name is checked against."""

    def test_a_known_name(self) -> None:
        """A known name has its own."""
        one = hashed("a")
        self.assertEqual(Passwords({b"ada": one}).hash_of(b"ada"), (True, one))

    def test_an_unknown_name_costs_as_much(self) -> None:
        """An unknown name is checked against the dearest hash of the file, and is unknown all the same."""
        cheap, dear = hashed("a", 4), hashed("b", 5)
        self.assertEqual(Passwords({b"a": cheap, b"b": dear, b"c": cheap}).hash_of(b"eve"), (False, dear))

    def test_nobody(self) -> None:
        """With nobody in the file there is nothing to check against."""
        self.assertEqual(Passwords({}).hash_of(b"eve"), (False, None))


class Matches(SynchronousTestCase):
    """Passwords against hashes."""

    def test_right_and_wrong(self) -> None:
        """The right password matches, in each of bcrypt's three prefixes; another one does not."""
        for prefix in (b"2a", b"2b", b"2y"):
            self.assertTrue(matches(b"secret", hashed("secret", prefix=prefix)))
            self.assertFalse(matches(b"Secret", hashed("secret", prefix=prefix)))

    def test_only_72_bytes_count(self) -> None:
        """bcrypt looks at 72 bytes, and a longer password is no error."""
        self.assertTrue(matches(b"x" * 100, hashed("x" * 72)))

    def test_a_zero_byte_never_matches(self) -> None:
        """A password with a zero byte, where C's bcrypt stops, is wrong."""
        self.assertFalse(matches(b"secret\0more", hashed("secret")))


class TheFile(SynchronousTestCase):
    """The file on disk."""

    def setUp(self) -> None:
        """A file with ada in it."""
        self.path = Path(self.mktemp())
        self.moment = 1
        self.write(b"ada:" + hashed("a"))

    def write(self, content: bytes) -> None:
        """Change the file, with another time of change than before."""
        self.path.write_bytes(content)
        self.moment += 1
        os.utime(self.path, (self.moment, self.moment))

    def names(self, file: PasswordFile) -> set[bytes]:
        """Who is known now."""
        return set(file.current.hashes)

    def test_it_is_read_when_it_changed(self) -> None:
        """A changed file counts from the next look on."""
        file = PasswordFile(str(self.path))
        self.assertEqual(self.names(file), {b"ada"})
        self.write(b"bob:" + hashed("b"))
        with capturedLogs() as events:
            self.assertEqual(self.names(file), {b"bob"})
        self.assertEqual([event["count"] for event in events], [1])

    def test_it_is_not_read_when_it_did_not_change(self) -> None:
        """The same passwords are given until the file changes."""
        file = PasswordFile(str(self.path))
        self.assertIs(file.current, file.current)

    def test_wrong_lines_at_the_start(self) -> None:
        """A file with a wrong line is refused, and the error names all of them."""
        self.write(b"ada:secret\nbob:secret\n")
        error = self.assertRaises(PasswordFileError, PasswordFile, str(self.path))
        self.assertEqual(len(error.faults), 2)
        self.assertIn(f"{self.path}:2: the password of bob", str(error))

    def test_nobody_at_the_start(self) -> None:
        """A file that lets nobody in is refused."""
        self.write(b"# nobody\n")
        error = self.assertRaises(PasswordFileError, PasswordFile, str(self.path))
        self.assertIn("nobody could get in", str(error))

    def test_no_file_at_the_start(self) -> None:
        """A file that is not there is refused by name."""
        error = self.assertRaises(PasswordFileError, PasswordFile, "/no/such/file")
        self.assertEqual(error.faults, ("/no/such/file: No such file or directory",))

    def test_wrong_lines_later(self) -> None:
        """A wrong line that is added later is logged, and the others count."""
        file = PasswordFile(str(self.path))
        self.write(b"bob:" + hashed("b") + b"\neve:{SHA}x\n")
        with capturedLogs() as events:
            self.assertEqual(self.names(file), {b"bob"})
        self.assertIn("eve", events[1]["fault"])

    def test_it_is_gone_later(self) -> None:
        """While the file cannot be read nobody gets in, which is logged once; when it is back they do."""
        file = PasswordFile(str(self.path))
        content = self.path.read_bytes()
        self.path.unlink()
        with capturedLogs() as events:
            self.assertEqual((self.names(file), self.names(file)), (set(), set()))
        self.assertEqual(len(events), 1)
        self.write(content)
        self.assertEqual(self.names(file), {b"ada"})
