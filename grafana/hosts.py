"""How the daemon does on its host: its lease, its loop, what it takes."""

from grafana.panels import Panel, Query, lines, named


def lease_and_loop() -> list[Panel]:
    """Whether the address could end by itself, and whether the loop gets its time."""
    return [
        lines(
            "Lease left",
            "How long the kernel keeps the address without its daemon; 0 where it is not held.",
            Query(named("vipservice_lease_remaining_seconds{@group}"), "{{node}}"),
            unit="s",
            stairs=True,
        ),
        lines(
            "Lateness of the loop: median, slowest of a hundred",
            "How much later than asked for it woke.",
            Query(
                named(
                    "histogram_quantile(0.5, sum by (job, instance, le)"
                    " (rate(vipservice_loop_lag_seconds_bucket{@node}[$__rate_interval])))"
                ),
                "{{node}} p50",
            ),
            Query(
                named(
                    "histogram_quantile(0.99, sum by (job, instance, le)"
                    " (rate(vipservice_loop_lag_seconds_bucket{@node}[$__rate_interval])))"
                ),
                "{{node}} p99",
            ),
            unit="s",
        ),
        lines(
            "What should not happen",
            "Renewals late or failed, addresses put back, stalls, starts after a life without goodbye.",
            *(
                Query(named(f"increase(vipservice_{series}[$__rate_interval])"), f"{{{{node}}}} {said}")
                for series, said in (
                    ("lease_renewals_late_total{@group}", "late renewals"),
                    ("lease_renewals_failed_total{@group}", "failed renewals"),
                    ("address_repairs_total{@group}", "address put back"),
                    ("stalls_total{@node}", "stalls"),
                    ("unclean_starts_total{@node}", "unclean starts"),
                )
            ),
            bars=True,
        ),
        lines(
            "What a scrape costs the loop",
            "Building the snapshot, on average.",
            Query(
                named(
                    "rate(vipservice_snapshot_duration_seconds_sum{@node}[$__rate_interval])"
                    " / rate(vipservice_snapshot_duration_seconds_count{@node}[$__rate_interval])"
                ),
                "{{node}}",
            ),
            unit="s",
        ),
    ]


def resources() -> list[Panel]:
    """What the daemon takes from its host."""
    return [
        lines(
            "Processor",
            "Share of one core.",
            Query(named("rate(process_cpu_seconds_total{@node}[$__rate_interval])"), "{{node}}"),
            unit="percentunit",
            width=8,
        ),
        lines(
            "Memory",
            "Resident.",
            Query(named("process_resident_memory_bytes{@node}"), "{{node}}"),
            unit="bytes",
            width=8,
        ),
        lines(
            "Open files",
            "Descriptors; growth without end is a leak.",
            Query(named("process_open_fds{@node}"), "{{node}}"),
            unit="short",
            width=8,
            stairs=True,
        ),
    ]
