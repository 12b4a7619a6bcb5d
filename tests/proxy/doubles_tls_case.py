"""A folder with certificates for a test of TLS."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import TlsConfig
from tests.certificates import Issued, tls_config


class TlsTestCase(SynchronousTestCase):
    """A folder, and configurations in it."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.mkdir(self.folder)
        self.config = tls_config(self.folder)

    def config_of(self, issued: Issued, name: str) -> TlsConfig:
        return tls_config(self.folder, issued, stem=name)
