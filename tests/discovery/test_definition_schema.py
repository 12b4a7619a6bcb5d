"""The form of definition files."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.definition_schema import FormError, load


class LoadTests(SynchronousTestCase):
    """What may stand in a file."""

    def error(self, text: str) -> str:
        """Why ``text`` is refused."""
        return str(self.assertRaises(FormError, load, text))

    def test_scalars_stay_as_written(self) -> None:
        """Nothing is taken for a number, a boolean or a time; null is null."""
        (service,) = load("services: [{serviceId: 0123, title: 1.10, description: yes, catalogUiTileId: ~}]")[
            "services"
        ]
        self.assertEqual(list(service.values()), ["0123", "1.10", "yes", None])

    def test_everything_that_is_known(self) -> None:
        """Each key of the format is accepted."""
        load(
            """
            services:
              - serviceId: a
                title: t
                description: d
                catalogUiTileId: c
                instanceBaseUrls: [http://h:1]
                homePageRelativeUrl: /
                statusPageRelativeUrl: /
                healthCheckRelativeUrl: /
                routes: [{gatewayUrl: ws/v1, serviceRelativeUrl: /ws}]
                apiInfo: [{apiId: a, gatewayUrl: g, version: v, swaggerUrl: s, documentationUrl: d, defaultApi: true,
                           codeSnippet: [{endpoint: /e}]}]
                authentication: {scheme: s, applid: a, headers: h, supportsSso: true}
                customMetadata: {a: {b: [1]}}
              - routedServices: [{gatewayUrl: ws/v1, serviceRelativeUrl: /ws}]
            catalogUiTiles: {c: {id: c, title: t, description: d, version: 1.0.0}}
            additionalServiceMetadata: [{serviceId: a, mode: FORCE_UPDATE, routes:}]
            """
        )

    def test_unknown_keys(self) -> None:
        """A key that is not known is named with its place, all of them at once and each with the nearest known one."""
        self.assertEqual(
            self.error("service: []\nservices: [{serviceid: a, zzz: 1}]"),
            "service is not known, nearest is services; "
            "services[0].serviceid is not known, nearest is serviceId; services[0].zzz is not known",
        )
        self.assertIn("catalogUiTiles.c.titel is not known", self.error("catalogUiTiles: {c: {titel: t}}"))

    def test_wrong_kinds(self) -> None:
        """A value of another kind is named with its place."""
        for text, mistake in (
            ("services: {}", "services is not a list"),
            ("services: [1]", "services[0] is not a map"),
            ("services: [{serviceId: [a]}]", "services[0].serviceId is not a single value"),
            ("services: [{customMetadata: a}]", "services[0].customMetadata is not a map"),
            ("catalogUiTiles: []", "catalogUiTiles is not a map"),
            ("- a", "the file is not a map"),
            ("a", "the file is not a map"),
        ):
            self.assertIn(mistake, self.error(text))

    def test_no_definitions_at_all(self) -> None:
        """What is empty or no YAML is refused, with the place of the mistake, in one line."""
        self.assertEqual(self.error(""), "empty")
        self.assertEqual(self.error("# nothing\n"), "empty")
        self.assertIn("line 2", self.error("services:\n  - [}"))
        self.assertNotIn("\n", self.error("services:\n  - [}"))
        self.assertIn("tag", self.error("services: !!python/object:os.system []"))

    def test_too_deep(self) -> None:
        """What is nested too deep for any program, or inside of itself, is refused."""
        self.assertIn("nested too deep", self.error("[" * 5000))
        self.assertEqual(self.error("services: &a [*a]"), "services[0] is not a map")
