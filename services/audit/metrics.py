"""What the ledger shows of itself on ``/metrics``."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from services.audit.sequencer import Trouble


class LedgerMetrics:
    """Its gauges."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.size = Gauge("relay_ledger_records", "Leaves of the ledger", registry=registry)
        self.repeated = Gauge("relay_ledger_repeated_records", "Leaves that are records sent again", registry=registry)
        self.signed = Gauge("relay_ledger_signed_records", "Leaves under the newest checkpoint", registry=registry)
        self.findings = Gauge("relay_ledger_findings", "Open findings, by kind", ["kind"], registry=registry)
        for kind in Trouble:
            self.findings.labels(kind.value).set(0)
