"""Metadata of static definitions."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from apiml_ws.discovery.definition_metadata import flattened, metadata_of


class MetadataTests(SynchronousTestCase):
    """What is made of a service."""

    def test_whole(self) -> None:
        """Title, tile, authentication and APIs have the keys of the reference system."""
        written = {
            "title": "T",
            "description": "D",
            "authentication": {"scheme": "zosmf", "applid": "A", "headers": "h", "supportsSso": "true"},
            "apiInfo": [{"apiId": "a.b", "gatewayUrl": "/api/v1/", "version": "1", "codeSnippet": [{}]}, None],
        }
        self.assertEqual(
            metadata_of(written, "tile", {"title": "TT", "description": "TD"}),
            {
                "version": "2.2.0",
                "apiml.service.title": "T",
                "apiml.service.description": "D",
                "apiml.catalog.tile.id": "tile",
                "apiml.catalog.tile.version": "1.0.0",
                "apiml.catalog.tile.title": "TT",
                "apiml.catalog.tile.description": "TD",
                "apiml.authentication.scheme": "zosmf",
                "apiml.authentication.applid": "A",
                "apiml.authentication.headers": "h",
                "apiml.authentication.sso": "true",
                "apiml.apiInfo.api-v1.apiId": "a.b",
                "apiml.apiInfo.api-v1.gatewayUrl": "/api/v1/",
                "apiml.apiInfo.api-v1.version": "1",
            },
        )

    def test_bare(self) -> None:
        """What a service does not say is not there."""
        self.assertEqual(metadata_of({}, "None", None), {"version": "2.2.0"})


class FlattenedTests(SynchronousTestCase):
    """customMetadata."""

    def test_nested(self) -> None:
        """Nested keys are joined by dots, null is empty, a list of single values is joined by commas."""
        apiml = {"ws": {"compression": "true"}, "corsAllowedOrigins": ["a", "b"]}
        custom: dict[str, object] = {"apiml": apiml, "x.y": None, "l": []}
        self.assertEqual(
            flattened(custom),
            ({"apiml.ws.compression": "true", "apiml.corsAllowedOrigins": "a,b", "x.y": "", "l": ""}, []),
        )

    def test_unusable(self) -> None:
        """A list of lists or maps cannot be written as one text: its key is named."""
        self.assertEqual(flattened({"a": {"b": [{}]}, "c": [["d"]], "e": "1"}), ({"e": "1"}, ["a.b", "c"]))
