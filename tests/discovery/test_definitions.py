"""Static API definitions: the content of one file."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.core.registry import Status, snapshot
from apiml_ws.discovery.definitions import read_definitions

#: As the reference system's documentation has it.
STATIC_CLIENT = """
services:
    - serviceId: StaticClient
      catalogUiTileId: static
      title: Statically Defined API Service
      description: Sample to demonstrate how to add an API service without Swagger
      instanceBaseUrls:
        - https://localhost:10012/discoverableclient
        - http://[::1]:10013/
      homePageRelativeUrl: /
      healthCheckRelativeUrl: /application/health
      routes:
        - gatewayUrl: api/v1
          serviceRelativeUrl: /api/v1
        - gatewayUrl: /ws/v1/
          serviceRelativeUrl: /ws
      customMetadata:
        apiml:
          ws:
            compression: true
catalogUiTiles:
    static:
        title: Static API Services
        description: Services which demonstrate how to make an API service discoverable
"""


class ServiceTests(SynchronousTestCase):
    """A sound file."""

    def test_instances(self) -> None:
        """Each base URL is an instance that is UP, named as the reference system names it."""
        read = read_definitions(STATIC_CLIENT, "static.yml")
        self.assertEqual((read.problems, read.readable), ((), True))
        self.assertEqual(
            [(one.service_id, one.instance_id, one.address, one.status) for one in read.instances],
            [
                ("staticclient", "STATIC-localhost:StaticClient:10012", "wss://localhost:10012", Status.UP),
                ("staticclient", "STATIC-::1:StaticClient:10013", "ws://[::1]:10013", Status.UP),
            ],
        )

    def test_routes(self) -> None:
        """The path of the base URL goes before the relative URL; the gateway's URL loses its slashes."""
        first, second = read_definitions(STATIC_CLIENT, "static.yml").instances
        self.assertEqual(
            snapshot([first]).services["staticclient"].routes["ws/v1"].service_url, "/discoverableclient/ws"
        )
        self.assertEqual(snapshot([second]).services["staticclient"].routes["ws/v1"].service_url, "/ws")
        self.assertEqual(first.metadata["apiml.routes.ws-v1.gatewayUrl"], "ws/v1")

    def test_metadata(self) -> None:
        """Custom metadata are flattened, and the tile is that of the file."""
        metadata = read_definitions(STATIC_CLIENT, "static.yml").instances[0].metadata
        self.assertEqual(metadata["apiml.ws.compression"], "true")
        self.assertEqual(metadata["apiml.catalog.tile.title"], "Static API Services")
        self.assertEqual(metadata["version"], "2.2.0")

    def test_joints(self) -> None:
        """Base path and relative URL are joined by one slash; without a relative URL the path alone counts."""
        for base, relative, expected in (
            ("/c", "/ws", "/c/ws"),
            ("/c/", "/ws", "/c/ws"),
            ("/c", "ws", "/c/ws"),
            ("/c", "", "/c"),
            ("", "", "/"),
            ("", "/ws/", "/ws/"),
        ):
            text = (
                f"services: [{{serviceId: a, instanceBaseUrls: ['http://h:1{base}'], "
                f"routes: [{{gatewayUrl: ws/v1, serviceRelativeUrl: '{relative}'}}]}}]"
            )
            (made,) = read_definitions(text, "f").instances
            self.assertEqual(made.metadata["apiml.routes.ws-v1.serviceUrl"], expected, (base, relative))

    def test_old_name_of_routes(self) -> None:
        """``routedServices`` is the same."""
        text = "services: [{serviceId: a, instanceBaseUrls: ['http://h:1'], routedServices: [{gatewayUrl: ws/v1}, ]}]"
        self.assertEqual(read_definitions(text, "f").instances[0].metadata["apiml.routes.ws-v1.serviceUrl"], "/")


class ProblemTests(SynchronousTestCase):
    """Mistakes, in the words of the reference system."""

    def problem(self, service: str) -> str:
        """What is said of ``service``, which a sound one follows that is not affected."""
        sound = "{serviceId: good, instanceBaseUrls: ['http://h:1']}"
        read = read_definitions(f"services: [{service}, {sound}]", "f.yml")
        self.assertEqual([one.service_id for one in read.instances if one.service_id != "a"], ["good"])
        self.assertTrue(read.readable)
        (problem,) = read.problems
        start = "ZWEAD702W Unable to process static API definition data: 'f.yml' - '"
        self.assertTrue(problem.startswith(start))
        return problem.removeprefix(start).removesuffix("'")

    def test_services(self) -> None:
        """A service without an id or a URL is not made."""
        missing = "ServiceId is not defined in the file 'f.yml'. The instance will not be created."
        self.assertEqual(self.problem("{title: a}"), missing)
        self.assertEqual(self.problem("~"), missing)
        self.assertEqual(
            self.problem("{serviceId: a}"),
            "The instanceBaseUrls parameter of a is not defined. The instance will not be created.",
        )

    def test_urls(self) -> None:
        """A URL with a mistake is not made; it is named with the reason."""
        for url, detail in (
            ("~", "One of the instanceBaseUrl of a is not defined. The instance will not be created."),
            ("http://:80/", "The URL http://:80/ does not contain a hostname. The instance of a will not be created"),
            ("http://h/", "The URL http://h/ does not contain a port number. The instance of a will not be created"),
            ("ftp://h:1", "The URL ftp://h:1 is malformed. The instance of a will not be created: Invalid protocol"),
            ("h", "The URL h is malformed. The instance of a will not be created: Invalid protocol"),
        ):
            self.assertEqual(self.problem(f"{{serviceId: a, instanceBaseUrls: [{url}]}}"), detail)
        for url in ("http://h:99999", "'http://[h:1'", "'http://a b:1'", "http://h:0"):
            detail = self.problem(f"{{serviceId: a, instanceBaseUrls: [{url}, 'http://h:2']}}")
            self.assertIn("is malformed. The instance of a will not be created: ", detail)

    def test_routes(self) -> None:
        """A route that cannot stand in a request line is named; its instance is made without it."""
        routes = "routes: [{gatewayUrl: ws/v1, serviceRelativeUrl: '/a b'}]"
        detail = self.problem(f"{{serviceId: a, instanceBaseUrls: ['http://h:1'], {routes}}}")
        self.assertIn("of a is invalid. The route will not be created.", detail)

    def test_settings(self) -> None:
        """Settings that are not understood are named; the service is made."""
        detail = "The service a has apiml.ws.drain 'sometimes', which is not understood. It will be ignored."
        settings = "customMetadata: {apiml: {ws: {drain: sometimes}}}"
        self.assertEqual(self.problem(f"{{serviceId: a, instanceBaseUrls: ['http://h:1'], {settings}}}"), detail)

    def test_tile(self) -> None:
        """A tile that is not defined is named; the service is made."""
        detail = "The API Catalog UI tile ID t is invalid. The service a will not have API Catalog UI tile"
        self.assertEqual(self.problem("{serviceId: a, instanceBaseUrls: ['http://h:1'], catalogUiTileId: t}"), detail)

    def test_custom_metadata(self) -> None:
        """Custom metadata that cannot be flattened are named."""
        detail = self.problem("{serviceId: a, instanceBaseUrls: ['http://h:1'], customMetadata: {k: [[1]]}}")
        self.assertIn("customMetadata k of a", detail)

    def test_form(self) -> None:
        """A mistake of form makes the whole file unusable, and is told with its place."""
        read = read_definitions("services: [{serviceid: a}]", "f.yml")
        self.assertEqual((read.instances, read.readable), ((), False))
        problem = "Error loading static API definition file 'f.yml': services[0].serviceid is not known"
        self.assertEqual(read.problems, (f"ZWEAD701E {problem}, nearest is serviceId",))

    def test_ring(self) -> None:
        """Custom metadata inside of themselves make the whole file unusable."""
        ring = "customMetadata: &a {b: *a}"
        read = read_definitions(f"services: [{{serviceId: a, instanceBaseUrls: ['http://h:1'], {ring}}}]", "f")
        self.assertFalse(read.readable)
        self.assertIn("alias inside of itself", read.problems[0])


class AdditionalTests(SynchronousTestCase):
    """additionalServiceMetadata."""

    def test_additional(self) -> None:
        """What is added has no service URLs, since there is no base; the mode is UPDATE unless said otherwise."""
        text = """
            additionalServiceMetadata:
              - serviceId: Dynamic
                routes: [{gatewayUrl: ws/v1, serviceRelativeUrl: /ws}]
                customMetadata: {apiml: {corsEnabled: true}}
              - serviceId: forced
                mode: FORCE_UPDATE
        """
        read = read_definitions(text, "f")
        self.assertEqual(read.problems, ())
        self.assertEqual(
            [(each.service_id, each.force) for each in read.additional], [("dynamic", False), ("forced", True)]
        )
        metadata = read.additional[0].metadata
        self.assertEqual(metadata["apiml.corsEnabled"], "true")
        self.assertEqual(metadata["apiml.routes.ws-v1.gatewayUrl"], "ws/v1")
        self.assertNotIn("apiml.routes.ws-v1.serviceUrl", metadata)

    def test_problems(self) -> None:
        """An addition without an id, or of a mode that is none, is not made; settings that are not understood are named."""
        read = read_definitions(
            "additionalServiceMetadata: [{title: a}, {serviceId: b, mode: REPLACE},"
            "{serviceId: c, customMetadata: {apiml: {ws: {drian: keep}}}}]",
            "f",
        )
        self.assertEqual([each.service_id for each in read.additional], ["c"])
        self.assertIn("ServiceId is not defined", read.problems[0])
        self.assertIn("The mode REPLACE of b is not one of UPDATE, FORCE_UPDATE.", read.problems[1])
        self.assertIn("The service c has apiml.ws.drian 'keep', which is not understood.", read.problems[2])
