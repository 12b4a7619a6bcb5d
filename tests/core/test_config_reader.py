"""From a file's text, the environment and the command line to one configuration, or to all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import (
    ClientAuth,
    Compression,
    Config,
    Drain,
    EmbeddedConfig,
    EurekaConfig,
    Handshake,
    Propagation,
    RelayKind,
    TlsConfig,
    Verification,
    WebSocketConfig,
)
from apiml_ws.core.config_problem import ConfigError, Problem
from apiml_ws.core.config_reader import read_config

PLAIN = "server.ssl.enabled: false\n"

EVERYTHING = """
server:
  address: 127.0.0.1
  port: 8443
  max-http-header-size: 16384
  ssl:
    keyStore: gateway.p12
    keyStoreType: pkcs12
    keyStorePassword: 00123
    keyAlias: Localhost
    trustStore: /pki/trust.p12
    trustStorePassword: 'true'
    clientAuth: need
    protocols: TLSv1.3
    ciphers: [TLS_AES_128_GCM_SHA256, ECDHE-RSA-AES128-GCM-SHA256]
  webSocket:
    supportedProtocols: '*'
    handshake: backend-first
    connectTimeout: 1500
    maxIdleTimeout: 60000
    stopTimeout: 2000
    asyncWriteTimeout: 3000
    closeTimeout: 400
    closeRate: 2.5
    maxMessageSize: 1048576
    maxFrameSize: 65536
    compression: always
    propagation: never
    propagationTimeout: 7000
    drain: move
  relay: {kind: portable, threads: 3, precedence: 7}
apiml:
  service:
    serviceId: edge
    hostname: edge.example
    discoveryServiceUrls:
      - https://u:p,w@one:10011/eureka/
      - https://two:10011/eureka/
    corsEnabled: true
    corsAllowedOrigins: https://a.example,https://b.example
  discovery:
    staticApiDefinitionsDirectories: definitions;/etc/more
    userid: eureka
    password: 42
    embedded: {enabled: true, address: '::', port: 20011}
  security:
    ssl.verifySslCertificatesOfServices: true
    ssl.nonStrictVerifySslCertificatesOfServices: true
    forwardHeader.trustedProxies: 10.0.0.0/8, fd00::/8
eureka:
  client: {registerWithEureka: false, fetchRegistry: false, registryFetchIntervalSeconds: 5}
  instance: {leaseRenewalIntervalInSeconds: 6, leaseExpirationDurationInSeconds: 18}
management.security.passwordFile: ../passwords
"""

EXPECTED = Config(
    address="127.0.0.1",
    port=8443,
    max_http_header_size=16384,
    tls=TlsConfig(
        key_store="/etc/gw/gateway.p12",
        key_store_password="00123",
        key_alias="Localhost",
        trust_store="/pki/trust.p12",
        trust_store_password="true",
        client_auth=ClientAuth.NEED,
        protocols=("TLSv1.3",),
        ciphers=("TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    ),
    web_socket=WebSocketConfig(
        supported_protocols=("*",),
        handshake=Handshake.BACKEND_FIRST,
        connect_timeout=1.5,
        max_idle_timeout=60.0,
        stop_timeout=2.0,
        async_write_timeout=3.0,
        close_timeout=0.4,
        close_rate=2.5,
        max_message_size=1048576,
        max_frame_size=65536,
        compression=Compression.ALWAYS,
        propagation=Propagation.NEVER,
        propagation_timeout=7.0,
        drain=Drain.MOVE,
    ),
    relay_kind=RelayKind.PORTABLE,
    relay_threads=3,
    relay_precedence=7,
    service_id="edge",
    hostname="edge.example",
    eureka=EurekaConfig(
        urls=("https://u:p,w@one:10011/eureka/", "https://two:10011/eureka/"),
        register=False,
        fetch=False,
        fetch_interval=5.0,
        renewal_interval=6.0,
        lease_duration=18.0,
    ),
    embedded=EmbeddedConfig(enabled=True, address="::", port=20011, userid="eureka", password="42"),
    definition_directories=("/etc/gw/definitions", "/etc/more"),
    verification=Verification.NONSTRICT,
    trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
    cors_enabled=True,
    cors_allowed_origins=("https://a.example", "https://b.example"),
    password_file="/etc/passwords",
)


def there(_path: str) -> bool:
    """Everything exists."""
    return True


def read(
    text: str = PLAIN,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
    exists: Callable[[str], bool] = there,
) -> Config:
    """Read with a short signature; relative paths are below /etc/gw."""
    return read_config(text, "gw.yml", environment or {}, overrides, exists, hostname="box", base="/etc/gw")


class Reading(SynchronousTestCase):
    """Configurations that are right."""

    def test_every_key(self) -> None:
        """Each key gets to its place."""
        self.assertEqual(read(EVERYTHING), EXPECTED)
        self.assertEqual(read(EVERYTHING).warnings, ())

    def test_defaults(self) -> None:
        """What is not given has the contract's default; the host's name is the machine's."""
        self.assertEqual(read(), Config(tls=TlsConfig(enabled=False), hostname="box"))

    def test_places(self) -> None:
        """Of each key that was given it is known where that counts."""
        config = read(f"{PLAIN}server.port: 1\nserver.address: a\n", {"SERVER_ADDRESS": "b"})
        given = {
            "server.ssl.enabled": "gw.yml:1",
            "server.port": "gw.yml:2",
            "server.address": "environment SERVER_ADDRESS",
        }
        self.assertEqual(config.places, given)

    def test_signature_without_host_and_folder(self) -> None:
        """The two are optional; then paths stay as they are."""
        config = read_config(PLAIN, "f", {}, ["management.security.passwordFile=p"], there)
        self.assertEqual((config.hostname, config.password_file), ("localhost", "p"))

    def test_empty_values_are_defaults_where_nothing_makes_sense(self) -> None:
        """A key without a value, as templates leave them, is not given."""
        config = read(
            f"{PLAIN}server.ssl.keyAlias:\nserver.webSocket:\napiml: {{service: {{hostname: ''}}}}\n",
            {"SERVER_SSL_CERTIFICATE": ""},
            ["apiml.service.discoveryServiceUrls="],
        )
        self.assertEqual(config, Config(tls=TlsConfig(enabled=False), hostname="box"))

    def test_both_spellings_of_web_socket(self) -> None:
        """Either is accepted, even side by side for different keys."""
        config = read(f"{PLAIN}server.websocket.drain: move\nserver: {{webSocket: {{closeRate: 1}}}}\n")
        self.assertEqual((config.web_socket.drain, config.web_socket.close_rate), (Drain.MOVE, 1.0))

    def test_verification(self) -> None:
        """Both flags false: nothing is verified, with a warning."""
        config = read(f"{PLAIN}apiml.security.ssl.verifySslCertificatesOfServices: false\n")
        self.assertEqual(config.verification, Verification.DISABLED)
        self.assertIn("not checked at all", config.warnings[0].found)

    def test_repr_has_no_secrets(self) -> None:
        """A configuration may be logged."""
        for secret in ("00123", "p,w", "42", "'true'"):
            self.assertNotIn(secret, repr(read(EVERYTHING)))


class Sources(SynchronousTestCase):
    """Which source wins."""

    def test_environment_wins_over_the_file(self) -> None:
        """Variables in Spring's relaxed form."""
        config = read(
            f"{PLAIN}server: {{port: 1, address: a}}\n", {"SERVER_PORT": "2", "SERVER_WEBSOCKET_DRAIN": "close"}
        )
        self.assertEqual((config.port, config.address, config.web_socket.drain), (2, "a", Drain.CLOSE))

    def test_override_wins_over_the_environment(self) -> None:
        """The command line has the last word, in either spelling."""
        config = read(
            f"{PLAIN}server.webSocket.drain: keep\n",
            {"SERVER_PORT": "2", "SERVER_WEBSOCKET_DRAIN": "close"},
            ["server.port=3", "server.websocket.drain=move"],
        )
        self.assertEqual((config.port, config.web_socket.drain), (3, Drain.MOVE))

    def test_last_override_wins(self) -> None:
        """A wrapper's override can be overridden."""
        self.assertEqual(read(overrides=["server.port=3", "server.port=4"]).port, 4)

    def test_override_with_an_equals_sign_in_its_value(self) -> None:
        """The first = ends the key."""
        config = read(overrides=["apiml.discovery.userid=u", "apiml.discovery.password=a=b"])
        self.assertEqual(config.embedded.password, "a=b")

    def test_unknown_variables_are_nobodys_business(self) -> None:
        """An environment is shared."""
        self.assertEqual(read(environment={"SERVER_PROT": "x", "PATH": "/bin", "server_port": "9"}).port, 10010)


class Refusing(SynchronousTestCase):
    """Configurations that are wrong."""

    def errors(self, *args: object, **kw: object) -> tuple[Problem, ...]:
        """What is wrong."""
        error: ConfigError = self.assertRaises(ConfigError, read, *args, **kw)
        return error.errors

    def texts(self, *args: object, **kw: object) -> list[str]:
        """The same in print."""
        return [str(each) for each in self.errors(*args, **kw)]

    def test_all_errors_of_all_sources_at_once(self) -> None:
        """File with lines, environment by name, command line; each with key, what was found, what is allowed."""
        text = "server:\n  port: 70000\n  ssl:\n    enabled: maybe\nserver.port2: 1\n"
        number = "a whole number from 0 to 65535"
        self.assertEqual(
            self.errors(text, {"SERVER_PORT": "tcp://10.0.0.1:80"}, ["server.port=x", "nonsense"]),
            (
                Problem("gw.yml", 2, "server.port", "'70000'", number),
                Problem("gw.yml", 4, "server.ssl.enabled", "'maybe'", "true or false"),
                Problem("gw.yml", 5, "server.port2", "a key that is not known", "server.port is the nearest that is"),
                Problem("environment SERVER_PORT", None, "server.port", "'tcp://10.0.0.1:80'", number),
                Problem("--set", None, "nonsense", "no =", "KEY=VALUE"),
                Problem("--set", None, "server.port", "'x'", number),
            ),
        )

    def test_errors_of_the_environment_are_in_order(self) -> None:
        """Two runs over one environment say the same, however it is kept."""
        errors = self.errors(PLAIN, {"SERVER_RELAY_KIND": "x", "EUREKA_CLIENT_FETCHREGISTRY": "x", "SERVER_PORT": "x"})
        names = ["EUREKA_CLIENT_FETCHREGISTRY", "SERVER_PORT", "SERVER_RELAY_KIND"]
        self.assertEqual([each.file for each in errors], [f"environment {name}" for name in names])

    def test_what_is_overridden_must_be_right_too(self) -> None:
        """A mistake in the file does not wait for the day when the override is gone."""
        self.assertEqual(len(self.errors(f"{PLAIN}server.port: x\n", {}, ["server.port=1"])), 1)

    def test_both_spellings_of_one_key(self) -> None:
        """Which one was meant cannot be known."""
        text = f"{PLAIN}server.webSocket.drain: keep\nserver: {{websocket: {{drain: move}}}}\n"
        expected = (
            "gw.yml:3: server.websocket.drain: found the key again, given as server.webSocket.drain at gw.yml:2; "
            "allowed: server.webSocket.drain once"
        )
        self.assertEqual(self.texts(text), [expected])
        overrides = ["server.webSocket.drain=keep", "server.websocket.drain=keep"]
        self.assertEqual(len(self.errors(PLAIN, {}, overrides)), 1)

    def test_one_key_nested_and_dotted(self) -> None:
        """The same key in two forms is the same key twice."""
        (error,) = self.errors(f"{PLAIN}server.port: 1\nserver: {{port: 2}}\n")
        self.assertEqual((error.line, error.key), (3, "server.port"))

    def test_unknown_keys(self) -> None:
        """Each is led to the nearest that is known; its value is not printed."""
        text = f"{PLAIN}apiml.discovery.pasword: secret\nfoo:\nserver.websocket.drian: keep\n"
        texts = self.texts(text)
        self.assertIn("apiml.discovery.password is the nearest", texts[0])
        self.assertIn("gw.yml:3: foo: found a key that is not known", texts[1])
        self.assertIn("server.webSocket.drain is the nearest", texts[2])
        self.assertNotIn("secret", "".join(texts))

    def test_value_where_a_section_belongs(self) -> None:
        """A section is no value."""
        self.assertEqual(
            self.texts(f"{PLAIN}server.relay: native\napiml: [a]\n"),
            [
                "gw.yml:2: server.relay: found a value; allowed: a section with keys below it",
                "gw.yml:3: apiml: found a value; allowed: a section with keys below it",
            ],
        )

    def test_section_where_a_value_belongs(self) -> None:
        """A value is no section."""
        (error,) = self.errors(f"{PLAIN}server.port: {{number: 1}}\n")
        self.assertEqual((error.key, error.allowed), ("server.port.number", "server.port is the nearest that is"))

    def test_no_yaml(self) -> None:
        """A file that cannot be read is one error, not one for each key that it lacks; the other sources still count."""
        (syntax, port) = self.errors("server: [", {"SERVER_PORT": "x"})
        self.assertEqual((syntax.key, port.key), ("(file)", "server.port"))

    def test_broken_part_of_a_file(self) -> None:
        """A key that stands twice does not hide what keys demand of one another."""
        keys = [each.key for each in self.errors("server: {port: 1, port: 2}\n")]
        self.assertEqual(keys, ["server.port", "server.ssl.enabled"])

    def test_rule_is_reported_where_a_key_of_it_stands(self) -> None:
        """The first key of the rule that was given is blamed, at its line; else the file."""
        (given,) = self.errors("\nserver.ssl.certificate: c\n")
        self.assertEqual((given.line, given.key), (2, "server.ssl.certificate"))
        (absent,) = self.errors("")
        self.assertEqual((absent.file, absent.line, absent.key), ("gw.yml", None, "server.ssl.enabled"))

    def test_no_secret_in_a_message(self) -> None:
        """Neither passwords nor credentials of URLs are printed."""
        text = f"{PLAIN}apiml: {{discovery: {{password: [secret]}}, service: {{discoveryServiceUrls: 'ftp://u:secret@h/'}}}}\n"
        texts = "".join(self.texts(text))
        self.assertIn("ftp://***@h/", texts)
        self.assertNotIn("secret", texts)


class Files(SynchronousTestCase):
    """Paths that are given."""

    def test_missing_files_are_errors(self) -> None:
        """Every file that is not there is named, resolved from the folder of the configuration file."""
        text = "server.ssl: {certificate: c.pem, privateKey: k.pem, trustStore: /t.pem}\n"
        error = self.assertRaises(
            ConfigError, read, text, {}, ["management.security.passwordFile=p"], lambda path: path == "/etc/gw/k.pem"
        )
        self.assertEqual(
            [(each.file, each.line, each.key, each.found) for each in error.errors],
            [
                ("--set", None, "management.security.passwordFile", "'/etc/gw/p', which is not there"),
                ("gw.yml", 1, "server.ssl.certificate", "'/etc/gw/c.pem', which is not there"),
                ("gw.yml", 1, "server.ssl.trustStore", "'/t.pem', which is not there"),
            ],
        )

    def test_missing_folder_of_definitions_is_a_warning(self) -> None:
        """It may appear later."""
        text = f"{PLAIN}apiml.discovery.staticApiDefinitionsDirectories: a;b\n"
        config = read(text, exists=lambda path: path == "/etc/gw/a")
        self.assertEqual(config.definition_directories, ("/etc/gw/a", "/etc/gw/b"))
        self.assertEqual([each.found for each in config.warnings], ["'/etc/gw/b', which is not there"])

    def test_file_that_is_made_needs_its_folder(self) -> None:
        """The backup of the registry need not be there, but where it is put has to be."""
        text = f"{PLAIN}eureka.client.backupRegistryFile: state/registry.json\n"
        config = read(text, exists=lambda path: path == "/etc/gw/state")
        self.assertEqual(config.eureka.backup_file, "/etc/gw/state/registry.json")
        error = self.assertRaises(ConfigError, read, text, exists=lambda path: path == "/etc/gw")
        self.assertEqual(
            [(each.key, each.found, each.allowed) for each in error.errors],
            [
                (
                    "eureka.client.backupRegistryFile",
                    "'/etc/gw/state', which is not there",
                    "a file in a folder that is",
                )
            ],
        )

    def test_file_that_is_overridden_need_not_be_there(self) -> None:
        """Only what counts is looked for."""
        text = f"{PLAIN}management.security.passwordFile: gone\n"
        config = read(text, {}, ["management.security.passwordFile=/here"], lambda path: path == "/here")
        self.assertEqual(config.password_file, "/here")

    def test_warnings_come_with_errors(self) -> None:
        """Whoever mends the errors sees the warnings at once."""
        text = "server.port: x\nserver.ssl.enabled: false\n"
        error = self.assertRaises(ConfigError, read, text)
        self.assertEqual([each.key for each in error.warnings], ["apiml.service.discoveryServiceUrls"])
