"""What keys of the configuration demand of one another."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.config import Verification
from apiml_ws.core.config_checks import CHECKS, verification
from apiml_ws.core.config_keys import KEYS
from apiml_ws.core.config_problem import ConfigError, Problem
from apiml_ws.core.config_reader import read_config

PLAIN = "server.ssl.enabled=false"
PEM = ("server.ssl.certificate=c", "server.ssl.privateKey=k")
TRUST = "server.ssl.trustStore=t"
STORE = "server.ssl.keyStore=s"
ROUTES = "apiml.service.discoveryServiceUrls=http://h/eureka/"
EMBEDDED = "apiml.discovery.embedded.enabled=true"
OUTSIDE = "apiml.discovery.embedded.address=0.0.0.0"
USER, PASSWORD = "apiml.discovery.userid=u", "apiml.discovery.password=p"
CLIENTS = "server.ssl.clientAuth=need"
VERIFY = "apiml.security.ssl.verifySslCertificatesOfServices"
NONSTRICT = "apiml.security.ssl.nonStrictVerifySslCertificatesOfServices"
RENEWAL = "eureka.instance.leaseRenewalIntervalInSeconds"
EXPIRY = "eureka.instance.leaseExpirationDurationInSeconds"

#: Overrides that go together.
GOOD: list[Sequence[str]] = [
    (PLAIN,),
    PEM,
    (STORE, "server.ssl.keyStorePassword=p", "server.ssl.keyAlias=a"),
    (*PEM, TRUST, CLIENTS),
    (*PEM, TRUST, "server.ssl.clientAuth=want"),
    (PLAIN, CLIENTS),
    (PLAIN, EMBEDDED),
    (PLAIN, EMBEDDED, "apiml.discovery.embedded.address=::1"),
    (PLAIN, EMBEDDED, "apiml.discovery.embedded.address=LOCALHOST"),
    (PLAIN, EMBEDDED, OUTSIDE, USER, PASSWORD),
    (*PEM, TRUST, CLIENTS, EMBEDDED, OUTSIDE),
    (PLAIN, OUTSIDE),
    (PLAIN, EMBEDDED, "server.port=0", "apiml.discovery.embedded.port=0"),
    (PLAIN, EMBEDDED, "server.address=127.0.0.2", "server.port=10011"),
    (PLAIN, "server.port=10011"),
    (PLAIN, f"{RENEWAL}=1", f"{EXPIRY}=2"),
    (PLAIN, "apiml.service.corsEnabled=true", "apiml.service.corsAllowedOrigins=*"),
    (PLAIN, f"{VERIFY}=false", f"{NONSTRICT}=true"),
]

#: Overrides that do not, and the keys that are blamed.
BAD: list[tuple[Sequence[str], Sequence[str]]] = [
    ((), ["server.ssl.enabled"]),
    ((PEM[0],), ["server.ssl.certificate"]),
    ((PEM[1],), ["server.ssl.privateKey"]),
    ((PLAIN, PEM[1]), ["server.ssl.privateKey"]),
    ((*PEM, STORE), ["server.ssl.keyStore"]),
    ((PLAIN, PEM[0], STORE), ["server.ssl.certificate", "server.ssl.keyStore"]),
    ((PLAIN, PEM[1], STORE), ["server.ssl.privateKey", "server.ssl.keyStore"]),
    ((*PEM, CLIENTS), ["server.ssl.clientAuth"]),
    ((*PEM, "server.ssl.clientAuth=want"), ["server.ssl.clientAuth"]),
    ((PLAIN, USER), ["apiml.discovery.userid"]),
    ((PLAIN, PASSWORD), ["apiml.discovery.password"]),
    ((PLAIN, EMBEDDED, OUTSIDE), ["apiml.discovery.embedded.address"]),
    ((PLAIN, EMBEDDED, OUTSIDE, USER), ["apiml.discovery.userid"]),
    ((PLAIN, EMBEDDED, OUTSIDE, PASSWORD), ["apiml.discovery.password"]),
    ((PLAIN, EMBEDDED, "apiml.discovery.embedded.address=gw.example"), ["apiml.discovery.embedded.address"]),
    ((PLAIN, EMBEDDED, OUTSIDE, CLIENTS, TRUST), ["apiml.discovery.embedded.address"]),
    (
        (*PEM, EMBEDDED, OUTSIDE, TRUST, "server.ssl.clientAuth=want"),
        ["apiml.discovery.embedded.address"],
    ),
    ((PLAIN, EMBEDDED, "server.port=10011"), ["apiml.discovery.embedded.enabled"]),
    ((PLAIN, EMBEDDED, "server.address=127.0.0.1", "server.port=10011"), ["apiml.discovery.embedded.enabled"]),
    ((PLAIN, f"{RENEWAL}=90"), [RENEWAL]),
]

#: Overrides that deserve a warning, and the key that it names.
DOUBTFUL: list[tuple[Sequence[str], str]] = [
    ((*PEM, "server.ssl.keyStorePassword=p"), "server.ssl.keyStorePassword"),
    ((*PEM, "server.ssl.keyAlias=a"), "server.ssl.keyAlias"),
    ((PLAIN, "apiml.service.corsAllowedOrigins=*"), "apiml.service.corsAllowedOrigins"),
    ((PLAIN, f"{VERIFY}=false"), VERIFY),
]


def errors(overrides: Sequence[str]) -> tuple[Problem, ...]:
    """What is wrong with a configuration made of ``overrides``."""
    try:
        read_config("", "f.yml", {}, overrides, lambda _path: True)
    except ConfigError as error:
        return error.errors
    return ()


def warnings(overrides: Sequence[str]) -> tuple[Problem, ...]:
    """What is doubtful about it."""
    return read_config("", "f.yml", {}, overrides, lambda _path: True).warnings


class Checks(SynchronousTestCase):
    """The rules, one by one."""

    def test_good(self) -> None:
        """What goes together is neither an error nor doubtful."""
        for overrides in GOOD:
            self.assertEqual(errors(overrides), (), overrides)
            self.assertEqual(warnings((*overrides, ROUTES)), (), overrides)

    def test_bad(self) -> None:
        """What does not is an error at the key that was given."""
        for overrides, blamed in BAD:
            self.assertEqual([each.key for each in errors(overrides)], blamed, overrides)

    def test_doubtful(self) -> None:
        """What has no effect, or a dangerous one, is a warning."""
        for overrides, blamed in DOUBTFUL:
            self.assertEqual([each.key for each in warnings((*overrides, ROUTES))], [blamed], overrides)

    def test_no_source_of_routes(self) -> None:
        """A gateway that can learn of no service says so."""
        for overrides, count in [
            ((PLAIN,), 1),
            ((PLAIN, ROUTES), 0),
            ((PLAIN, EMBEDDED), 0),
            ((PLAIN, "apiml.discovery.staticApiDefinitionsDirectories=d"), 0),
            ((PLAIN, ROUTES, "eureka.client.fetchRegistry=false"), 1),
        ]:
            self.assertEqual(len(warnings(overrides)), count, overrides)

    def test_passed_over_when_a_key_has_an_error(self) -> None:
        """One mistake is one error: what follows from a value that cannot be read is not judged."""
        self.assertEqual([each.key for each in errors(["server.ssl.enabled=maybe"])], ["server.ssl.enabled"])

    def test_names_only_keys_that_exist(self) -> None:
        """A rule over a key that nobody can give would never be passed over."""
        names = {key.name for key in KEYS}
        for check in CHECKS:
            self.assertEqual(set(check.keys) - names, set())


class VerificationModes(SynchronousTestCase):
    """Zowe's two flags."""

    def test_table(self) -> None:
        """Strict, the chain only, or nothing."""
        self.assertEqual(
            [verification(verify, nonstrict) for verify in (True, False) for nonstrict in (False, True)],
            [Verification.STRICT, Verification.NONSTRICT, Verification.DISABLED, Verification.NONSTRICT],
        )
