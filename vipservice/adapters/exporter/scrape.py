"""`/metrics`, in whichever of its forms the scraper asks for."""

import gzip
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted

from vipservice.adapters.exporter.answers import Answer, Headers, Query


def metrics(registry: CollectorRegistry, query: Query, headers: Headers) -> Answer:
    """Prometheus' text, or OpenMetrics (which alone has exemplars), packed where it may be."""
    shown: Any = registry
    if names := query.get("name[]"):
        shown = registry.restricted_registry(names)
    encode, content_type = choose_encoder(headers.get("accept", ""))
    body = encode(shown)
    answered = {"Content-Type": content_type}
    if gzip_accepted(headers.get("accept-encoding", "")):
        # Level 1: a scrape shares the interpreter with the loop.
        body, answered["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    return HTTPStatus.OK, answered, body
