"""How the network between the nodes does: round trips, and who hears whose adverts."""

from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.panels import GREEN, ORANGE, RED, Panel, Query, State, buckets, lines, named, states

HEARD = (State(0, "not heard", RED), State(1, "one way", ORANGE), State(2, "both ways", GREEN))

TARGET = "{{node}} to {{kind}} {{target}}"

LOST_A_SECOND = (
    "sum by (job, instance, kind, target) (rate(vipservice_ping_lost_total{@group}[$__rate_interval]))"
)
ANSWERED_A_SECOND = (
    "sum by (job, instance, kind, target) (rate(vipservice_ping_rtt_seconds_count{@group}[$__rate_interval]))"
)


def round_trips() -> list[Panel]:
    """How long the way to the address, the peers and the gateway is, and what got lost on it."""
    return [
        buckets(
            "Round trips to the address",
            "All nodes that don't hold it, by duration.",
            Query(
                "sum by (le) (increase("
                'vipservice_ping_rtt_seconds_bucket{@group,kind="vip"}[$__rate_interval]))',
                "{{le}}",
                format=PromQueryFormat.HEATMAP,
            ),
        ),
        lines(
            "Round trips: slowest of ten, of a hundred",
            "By kind of target: the address, peers, gateway, witnesses.",
            Query(_quantile(0.9, "vipservice_ping_rtt_seconds", "kind"), "{{kind}} p90"),
            Query(_quantile(0.99, "vipservice_ping_rtt_seconds", "kind"), "{{kind}} p99"),
            unit="s",
        ),
        lines(
            "Median round trip by node and target",
            "Which way has become slow.",
            Query(
                named(_quantile(0.5, "vipservice_ping_rtt_seconds", "job, instance, kind, target")),
                TARGET,
            ),
            unit="s",
        ),
        lines(
            "Echoes without an answer",
            "Share of the echoes sent, by node and target. A lost echo never moves the address.",
            Query(
                named(f"{LOST_A_SECOND} / ({LOST_A_SECOND} + {ANSWERED_A_SECOND})"),
                TARGET,
            ),
            unit="percentunit",
        ),
    ]


def adverts() -> list[Panel]:
    """Who hears whom, by which path, and what was refused."""
    return [
        states(
            "Peers, as each node hears them",
            "One way: the peer's adverts come in, but it says that it does not hear this node.",
            Query(
                named("vipservice_peer_up{@group} + vipservice_peer_hears_this_node{@group}"),
                "{{node}} and {{peer}}",
            ),
            HEARD,
        ),
        lines(
            "Adverts received, by path",
            "Only raw frames: UDP is blocked.",
            Query(
                named("rate(vipservice_adverts_received_total{@node}[$__rate_interval])"), "{{node}} {{path}}"
            ),
            unit="cps",
        ),
        lines(
            "Adverts rejected, by reason",
            "'own' and 'copy' are daily bread: our own multicast, and the same advert by a second path.",
            Query(
                "sum by (reason) (rate(vipservice_adverts_rejected_total{@node}[$__rate_interval])) > 0",
                "{{reason}}",
            ),
            unit="cps",
        ),
        lines(
            "Adverts sent, by path",
            "The active at each interval, the others about once a second.",
            Query(named("rate(vipservice_adverts_sent_total{@node}[$__rate_interval])"), "{{node}} {{path}}"),
            unit="cps",
        ),
        lines(
            "Announcements",
            "Gratuitous ARP, unsolicited neighbour advertisements: many after a takeover, then one a minute.",
            Query(
                "sum by (kind) (increase(vipservice_announcements_sent_total{@node}[$__rate_interval]))",
                "{{kind}}",
            ),
            bars=True,
        ),
    ]


def _quantile(share: float, histogram: str, labels: str) -> str:
    return (
        f"histogram_quantile({share}, sum by ({labels}, le)"
        f" (rate({histogram}_bucket{{@group}}[$__rate_interval])))"
    )
