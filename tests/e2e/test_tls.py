"""TLS on both sides, in every mode."""

from __future__ import annotations

import ssl
from typing import Any

from tests.certificates import Issued, authority, leaf, write_pem, write_pkcs12
from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.services import TIMEOUT, close_of, echo

PATH = "/discoverableclient/ws/v1/echo"


class ToServices(EndToEnd):
    """How far certificates of services are checked."""

    def outcome(self, issued: Issued, *, verify: bool, non_strict: bool) -> str:
        """What a client meets when the service has that certificate: ``open``, or the reason of the close."""
        service = self.service({"echo": echo}, tls=self.serving_tls(write_pem(self.folder, issued, "service")))
        modes = {
            "verifySslCertificatesOfServices": verify,
            "nonStrictVerifySslCertificatesOfServices": non_strict,
        }
        gateway = self.gateway_to(service, settings={"apiml": {"security": {"ssl": modes}}})
        with gateway.session(PATH) as session:
            session.send("x")
            try:
                return "open" if session.recv(timeout=TIMEOUT) == "x" else "?"
            except Exception:
                return close_of(session)[1].rpartition(": ")[2]

    def test_every_mode_with_every_certificate(self) -> None:
        """Strict wants a trusted chain and the host's name, nonstrict the chain, disabled nothing."""
        stranger = leaf(issuer=authority("Somebody else"))
        elsewhere = leaf(names=("elsewhere",), addresses=())
        expected: dict[tuple[bool, bool], tuple[str, str, str, str]] = {
            (True, False): ("open", "TLS failure", "TLS failure", "TLS failure"),
            (True, True): ("open", "open", "TLS failure", "TLS failure"),
            (False, True): ("open", "open", "TLS failure", "TLS failure"),
            (False, False): ("open", "open", "open", "open"),
        }
        for (verify, non_strict), outcomes in expected.items():
            for issued, outcome in zip((leaf(), elsewhere, stranger, leaf(expired=True)), outcomes, strict=True):
                found = self.outcome(issued, verify=verify, non_strict=non_strict)
                self.assertEqual(found, outcome, (verify, non_strict, issued.certificate.issuer))

    def test_a_service_that_asks_for_a_certificate(self) -> None:
        """A service that wants to know who dials is shown the gateway's certificate."""
        tls = self.serving_tls()
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(self.authorities)
        gateway = self.gateway_to(self.service({"echo": echo}, tls=tls))
        with gateway.session(PATH) as session:
            session.send("x")
            self.assertEqual(session.recv(timeout=TIMEOUT), "x")


class ToClients(EndToEnd):
    """What the gateway shows and asks."""

    def answers(self, gateway: Gateway, context: ssl.SSLContext) -> bool:
        """Whether a request over ``context`` is answered."""
        try:
            return gateway.request("/application/info", trust=context).status == 200
        except OSError:
            return False

    def with_ssl(self, **settings: Any) -> Gateway:
        """A gateway with these settings under server.ssl."""
        return self.gateway({"server": {"ssl": settings}})

    def test_client_certificates(self) -> None:
        """``none`` asks nobody, ``want`` takes who shows none or a trusted one, ``need`` only who shows a trusted one."""
        stranger = write_pem(self.folder, leaf(issuer=authority("Somebody else")), "stranger")
        contexts = (self.trust(), self.trust((self.certificate, self.key)), self.trust(stranger))
        for mode, expected in {
            "none": [True, True, True],
            "want": [True, True, False],
            "need": [False, True, False],
        }.items():
            gateway = self.with_ssl(clientAuth=mode)
            self.assertEqual([self.answers(gateway, context) for context in contexts], expected, mode)

    def test_protocols(self) -> None:
        """Only the configured versions of TLS are spoken."""
        for protocols, expected in {
            "TLSv1.2": (True, False),
            "TLSv1.3": (False, True),
            "TLSv1.2,TLSv1.3": (True, True),
        }.items():
            gateway = self.with_ssl(protocols=protocols)
            found = []
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = self.trust()
                context.minimum_version = context.maximum_version = version
                found.append(self.answers(gateway, context))
            self.assertEqual(tuple(found), expected, protocols)

    def test_ciphers(self) -> None:
        """Only the configured ciphers are taken, by either spelling of their name."""
        for name in ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"):
            gateway = self.with_ssl(protocols="TLSv1.2", ciphers=name)
            for offered, expected in {
                "ECDHE-ECDSA-AES256-GCM-SHA384": True,
                "ECDHE-ECDSA-AES128-GCM-SHA256": False,
            }.items():
                context = self.trust()
                context.set_ciphers(offered)
                self.assertEqual(self.answers(gateway, context), expected, (name, offered))

    def test_a_key_store(self) -> None:
        """A PKCS12 key store serves as well as PEM files."""
        store = write_pkcs12(self.folder, leaf(), alias="localhost", trusted=(authority(),))
        tls = {"keyStore": store, "keyStorePassword": "password", "keyAlias": "LocalHost"}
        none = {"certificate": None, "privateKey": None}
        gateway = self.with_ssl(**tls, **none)
        self.assertTrue(self.answers(gateway, self.trust()))
