"""TLS on both sides, in every mode."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.certificates import Issued, authority, leaf, write_pem, write_pkcs12
from tests.e2e.harness import EndToEnd, Gateway
from tests.e2e.raw import CLOSE, TEXT, RawClient, frame
from tests.e2e.raw_service import RawService
from tests.e2e.services import TIMEOUT, close_of, echo

PATH = "/discoverableclient/ws/v1/echo"


def outcome(session: ClientConnection) -> str:
    """Whether ``session`` echoes: ``open``, or what the reason of its close ends with."""
    with session:
        try:
            session.send("x")
            return "open" if session.recv(timeout=TIMEOUT) == "x" else "?"
        except ConnectionClosed:
            return close_of(session)[1].rpartition(": ")[2]


class ToServices(EndToEnd):
    """How far certificates of services are checked."""

    def outcomes(self, certificates: dict[str, Issued], *, verify: bool, non_strict: bool) -> dict[str, str]:
        """What clients of services with these certificates meet: ``open``, or the word in the reason of the close."""
        folder = ""
        for name, issued in certificates.items():
            tls = self.serving_tls(write_pem(self.folder, issued, name))
            folder = self.define(name, self.service({"echo": echo}, tls=tls).url)
        modes = {"verifySslCertificatesOfServices": verify, "nonStrictVerifySslCertificatesOfServices": non_strict}
        discovery = {"staticApiDefinitionsDirectories": folder}
        gateway = self.gateway({"apiml": {"security": {"ssl": modes}, "discovery": discovery}})
        gateway.wait_until_up()
        sessions = {name: gateway.session(f"/{name}/ws/v1/echo") for name in certificates}
        return {name: outcome(session) for name, session in sessions.items()}

    def test_every_mode_with_every_certificate(self) -> None:
        """Strict wants a trusted chain and the host's name, nonstrict the chain, disabled nothing."""
        certificates = {
            "right": leaf(),
            "elsewhere": leaf(names=("elsewhere",), addresses=()),
            "stranger": leaf(issuer=authority("Somebody else")),
            "expired": leaf(expired=True),
        }
        accepted: dict[tuple[bool, bool], set[str]] = {
            (True, False): {"right"},
            (True, True): {"right", "elsewhere"},
            (False, True): {"right", "elsewhere"},
            (False, False): set(certificates),
        }
        for (verify, non_strict), names in accepted.items():
            expected = {name: "open" if name in names else "TLS failure" for name in certificates}
            found = self.outcomes(certificates, verify=verify, non_strict=non_strict)
            self.assertEqual(found, expected, (verify, non_strict))

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


class Resumption(EndToEnd):
    """Sessions of TLS that go on with a second connection (RFC 8446 section 2.2)."""

    def test_with_a_service(self) -> None:
        """The gateway goes on with what it has of the same service."""
        service = RawService(self.serving_tls())
        self.addCleanup(service.close)
        folder = self.define("secure", service.url)
        front = self.gateway({"apiml": {"discovery": {"staticApiDefinitionsDirectories": folder}}})
        front.wait_until_up()
        trust = ssl.create_default_context(cafile=self.authorities)
        reused = []
        for _ in range(3):
            client = RawClient(front.port, "/ws/v1/secure/x", trust)
            leg = service.accept()
            assert isinstance(leg, ssl.SSLSocket)
            reused.append(leg.session_reused)
            client.send(frame(TEXT, b"x"))
            leg.recv(100)
            client.send(frame(CLOSE, b"\x03\xe8"))
            leg.recv(100)
            leg.sendall(frame(CLOSE, b"\x03\xe8", mask=None))
            leg.close()
            client.frame()
            client.close()
        self.assertEqual([False, True, True], reused)

    def test_with_a_client(self) -> None:
        """The gateway lets a client go on that has a ticket of it."""
        front = self.gateway_to(self.service({"echo": echo}))
        trust = ssl.create_default_context(cafile=self.authorities)
        session, reused = None, []
        for _ in range(3):
            connection = socket.create_connection(("127.0.0.1", front.port), TIMEOUT)
            with trust.wrap_socket(connection, server_hostname="localhost", session=session) as client:
                client.sendall(b"GET /application/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                while client.recv(65536):
                    pass
                session = client.session
                reused.append(client.session_reused)
        self.assertEqual([False, True, True], reused)
