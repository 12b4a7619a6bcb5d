"""Cipher suites by both spellings."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.cipher_names import openssl_name, suites
from apiml_ws.core.config import TlsConfig

PAIRS = {
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384": "ECDHE-ECDSA-AES256-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_DHE_RSA_WITH_AES_256_CCM": "DHE-RSA-AES256-CCM",
    "TLS_DHE_RSA_WITH_AES_128_CCM_8": "DHE-RSA-AES128-CCM8",
    "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA256": "DHE-DSS-CAMELLIA128-SHA256",
    "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384": "ECDHE-ARIA256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384": "ECDHE-ECDSA-ARIA256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
}


class CipherNameTests(SynchronousTestCase):
    """:func:`openssl_name` and :func:`suites`."""

    def test_iana_names_are_translated(self) -> None:
        """Every kind of suite that certificates are used with has its OpenSSL name, as ``openssl ciphers -stdname`` says."""
        self.assertEqual({iana: openssl_name(iana) for iana in PAIRS}, PAIRS)

    def test_openssl_names_stay(self) -> None:
        """A name that is OpenSSL's already is not touched."""
        self.assertEqual([openssl_name(name) for name in PAIRS.values()], list(PAIRS.values()))

    def test_case_and_blanks_do_not_matter(self) -> None:
        """Lists written by hand have blanks after their commas."""
        self.assertEqual(openssl_name(" tls_rsa_with_aes_128_gcm_sha256 "), "AES128-GCM-SHA256")

    def test_an_unknown_name_is_left_for_openssl_to_refuse(self) -> None:
        """Whether a suite exists is OpenSSL's to say."""
        self.assertEqual(openssl_name("TLS_ECDHE_RSA_WITH_RC5"), "TLS_ECDHE_RSA_WITH_RC5")

    def test_suites_are_sorted_by_version_in_their_order(self) -> None:
        """The defaults hold two suites of TLS 1.3 and seven of TLS 1.2."""
        tls12, tls13 = suites(TlsConfig().ciphers)
        self.assertEqual(tls13, ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"))
        self.assertEqual(tls12[0], "ECDHE-RSA-AES128-GCM-SHA256")
        self.assertEqual(len(tls12), 7)

    def test_a_misspelled_iana_name_counts_as_tls12(self) -> None:
        """So that it is not taken for a suite of TLS 1.3, of which OpenSSL knows few."""
        self.assertEqual(suites(["TLS_X_WITH_Y"]), (("TLS_X_WITH_Y",), ()))
