"""What keeps a valid configuration from being used."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.config_faults import config_faults
from apiml_ws.core.config import Config, TlsConfig
from tests.certificates import leaf, write_pem


class ConfigFaultsTests(SynchronousTestCase):
    """Files that a configuration names, opened."""

    def test_none(self) -> None:
        """A configuration that can be used has none."""
        folder = Path(self.mktemp())
        folder.mkdir()
        certificate, key = write_pem(folder, leaf())
        self.assertEqual(config_faults(Config(tls=TlsConfig(certificate=certificate, private_key=key))), ())

    def test_places(self) -> None:
        """The place is said where it is known; a default has none."""
        config = Config(tls=TlsConfig(enabled=False, trust_store="gone"), password_file="gone")
        placed = Config(
            tls=config.tls, password_file=config.password_file, places={"server.ssl.trustStore": "gw.yml:7"}
        )
        trust, passwords = "server.ssl.trustStore: gone: ", "management.security.passwordFile: gone: "
        for faults, starts in (
            (config_faults(config), (trust, passwords)),
            (config_faults(placed), (f"gw.yml:7: {trust}", passwords)),
        ):
            self.assertEqual([fault[: len(start)] for fault, start in zip(faults, starts, strict=True)], list(starts))
