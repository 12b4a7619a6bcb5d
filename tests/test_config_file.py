"""The configuration from a file on this machine."""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.config_file import load_config
from apiml_ws.core.config_problem import ConfigError


class Loading(SynchronousTestCase):
    """From a path to a configuration."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "gateway.yml"

    def error(self, file: Path) -> str:
        """What is wrong with ``file``."""
        error: ConfigError = self.assertRaises(ConfigError, load_config, str(file), {})
        self.assertEqual(len(error.errors), 1)
        return str(error)

    def test_paths_start_at_the_files_folder(self) -> None:
        """Wherever the gateway is started, and whoever gives the path."""
        (self.folder / "passwords").touch()
        self.file.write_text("server.ssl.enabled: false\n")
        config = load_config(str(self.file), {}, ["management.security.passwordFile=passwords"])
        self.assertEqual(config.password_file, str(self.folder / "passwords"))
        self.assertEqual(config.hostname, socket.gethostname())

    def test_environment(self) -> None:
        """The environment is heard."""
        self.file.write_text("server.ssl.enabled: false\n")
        self.assertEqual(load_config(str(self.file), {"SERVER_PORT": "1"}).port, 1)

    def test_missing_named_file(self) -> None:
        """What the configuration names is looked for on the disk."""
        self.file.write_text("server.ssl: {enabled: false, trustStore: gone.pem}\n")
        self.assertIn(str(self.folder / "gone.pem"), self.error(self.file))

    def test_byte_order_mark(self) -> None:
        """Editors that write one are forgiven."""
        self.file.write_bytes(b"\xef\xbb\xbfserver.ssl.enabled: false\n")
        self.assertFalse(load_config(str(self.file), {}).tls.enabled)

    def test_no_file(self) -> None:
        """A file that is not there, or is a folder, is one error."""
        self.assertIn("gone.yml: (file): found No such file", self.error(self.folder / "gone.yml"))
        self.assertIn("found Is a directory", self.error(self.folder))

    def test_other_encodings(self) -> None:
        """Bytes that are no UTF-8 are one error."""
        self.file.write_bytes(b"a: \xff\n")
        self.assertIn("no UTF-8 at offset 3", self.error(self.file))
