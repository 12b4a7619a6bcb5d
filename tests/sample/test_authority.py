"""The development authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.sample.authority import AUTHORITY_LIFE, LEAF_LIFE, CertificateFiles, DevelopmentAuthority, write_private


class AuthorityTests(SynchronousTestCase):
    """:class:`DevelopmentAuthority`, in a folder that is not there yet, at a time of the test's own."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()) / "state"
        self.now = datetime(2026, 11, 25, tzinfo=UTC)
        self.authority = DevelopmentAuthority(self.folder, lambda: self.now)

    def load(self, path: Path) -> x509.Certificate:
        return x509.load_pem_x509_certificate(path.read_bytes())

    def verify(self, files: CertificateFiles, name: x509.GeneralName) -> None:
        """What a strict client does.

        :raises VerificationError: the certificate is not good for ``name``.
        """
        store = Store([self.load(self.authority.root())])
        assert isinstance(name, x509.DNSName | x509.IPAddress)
        verifier = PolicyBuilder().store(store).time(self.now).build_server_verifier(name)
        verifier.verify(self.load(files.certificate), [])

    def test_its_certificates_hold_for_this_machine(self) -> None:
        """By name, and nowhere else; the rules of browsers are kept."""
        files = self.authority.certificate_for("gateway")
        self.verify(files, x509.DNSName("localhost"))
        with self.assertRaises(VerificationError):
            self.verify(files, x509.DNSName("example.com"))
        names = self.load(files.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual([str(each) for each in names.get_values_for_type(x509.IPAddress)], ["127.0.0.1", "::1"])

    def test_the_authority_is_good_for_this_machine_only(self) -> None:
        """Trusting it endangers no other site."""
        constraints = self.load(self.authority.root()).extensions.get_extension_for_class(x509.NameConstraints)
        self.assertTrue(constraints.critical)
        permitted = [str(each.value) for each in constraints.value.permitted_subtrees or ()]
        self.assertEqual(permitted, ["localhost", "127.0.0.0/8", "::1/128"])

    def test_nobody_else_may_read_the_files(self) -> None:
        """All of them, not the keys alone, and the folder."""
        self.authority.certificate_for("gateway")
        self.assertEqual(
            {path.name: oct(path.stat().st_mode & 0o777) for path in self.folder.iterdir()},
            dict.fromkeys(("ca.pem", "ca-key.pem", "gateway.pem", "gateway-key.pem"), "0o600"),
        )
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)

    def test_what_is_there_is_used_again(self) -> None:
        """A second start changes nothing."""
        first = self.authority.certificate_for("gateway").certificate.read_bytes()
        again = DevelopmentAuthority(self.folder, lambda: self.now)
        self.assertEqual(again.certificate_for("gateway").certificate.read_bytes(), first)

    def test_a_certificate_is_renewed_before_it_ends(self) -> None:
        """By the same authority, so that clients need not be told."""
        root, first = (
            self.authority.root().read_bytes(),
            self.authority.certificate_for("gateway").certificate.read_bytes(),
        )
        self.now += LEAF_LIFE - timedelta(days=29)
        files = self.authority.certificate_for("gateway")
        self.assertNotEqual(files.certificate.read_bytes(), first)
        self.assertEqual(self.authority.root().read_bytes(), root)
        self.verify(files, x509.DNSName("localhost"))

    def test_a_new_authority_signs_its_certificates_anew(self) -> None:
        """Those of the old one would be trusted by nobody."""
        self.authority.certificate_for("gateway")
        self.now += AUTHORITY_LIFE - timedelta(days=1)
        self.verify(self.authority.certificate_for("gateway"), x509.DNSName("localhost"))

    def test_a_certificate_of_another_authority_is_replaced(self) -> None:
        """Though it has time left."""
        self.authority.certificate_for("gateway")
        (self.folder / "ca.pem").unlink()
        self.verify(self.authority.certificate_for("gateway"), x509.DNSName("localhost"))

    def test_broken_files_are_replaced(self) -> None:
        """A key that is no key, of another kind, or of another certificate."""
        files = self.authority.certificate_for("gateway")
        other = self.authority.certificate_for("other").key.read_bytes()
        foreign = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for broken in (b"", b"text", other, foreign):
            files.key.write_bytes(broken)
            self.authority.certificate_for("gateway")
            self.assertNotEqual(files.key.read_bytes(), broken)
            self.verify(files, x509.DNSName("localhost"))

    def test_a_folder_that_cannot_be_made_is_an_error(self) -> None:
        """A file is in its place."""
        self.folder.parent.mkdir()
        self.folder.write_bytes(b"")
        with self.assertRaises(OSError):
            self.authority.root()

    def test_a_private_file_is_written_over_what_an_earlier_attempt_left(self) -> None:
        """A start that was killed half-way does not stand in the way."""
        self.folder.mkdir(parents=True)
        (self.folder / "x.new").write_bytes(b"half")
        write_private(self.folder / "x", b"whole")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["x"])
        self.assertEqual((self.folder / "x").read_bytes(), b"whole")
