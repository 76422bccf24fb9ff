"""`/metrics` in the text format of Prometheus."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sunpile.people.reads import Totals

HELP = {
    "intervals_settled": "Batches on chain",
    "matched_wh": "Energy traded between neighbours [Wh]",
    "grid_import_wh": "Energy bought from the grid [Wh]",
    "grid_export_wh": "Energy sold to the grid [Wh]",
    "buyers_gain": "What buyers saved against the grid tariff [nano-currency]",
    "sellers_gain": "What sellers earned above the grid tariff [nano-currency]",
    "gas": "Gas of all settling chain transactions",
    "rows": "Rows in all settled batches",
    "points": "Metering points",
    "stations": "Charging stations",
    "sessions_active": "Charging sessions under way",
    "worse_off": "Bills below the grid tariff, must be 0",
    "devices_silent": "Meters, inverters and batteries whose last poll failed",
}


class Metrics:
    """All figures of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "sunpile_http_requests", "HTTP requests", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram("sunpile_http_seconds", "Duration of HTTP requests", registry=self.registry)
        self._gauges: dict[str, Gauge] = {}

    def request(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count one request under its route's pattern, so that no path of a person becomes a label."""
        route = scope.get("route")
        path = str(getattr(route, "path", "none"))
        self._requests.labels(path, scope["method"], str(status)).inc()
        if path != "/api/stream":
            self._seconds.observe(seconds)

    def render(self, totals: Totals, live_pages: int) -> bytes:
        """The text a scrape gets."""
        for item in fields(totals):
            value = getattr(totals, item.name)
            if isinstance(value, int):
                self._gauge(item.name, HELP[item.name]).set(value)
        for name, value in totals.gauges.items():
            self._gauge(name, name.replace("_", " ")).set(value)
        self._gauge("live_pages", "Pages that listen to the live feed").set(live_pages)
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"sunpile_{name}", text, registry=self.registry)
        return self._gauges[name]
