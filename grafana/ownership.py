"""Who owns the address, since when and why; what each node was; where the time of a takeover went."""

from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    YELLOW,
    Panel,
    Query,
    State,
    bars,
    lines,
    name,
    named,
    number,
    rows,
    states,
)

BELOW = float("-inf")
ONE_IS_RIGHT = {BELOW: RED, 1: GREEN, 2: RED}
NONE_IS_WRONG = {BELOW: RED, 1: GREEN}

ACTIVE = 'and on (job, instance, group) vipservice_role{@group,role="active"} == 1'

ROLES = (
    State(1, "initialize", GREY),
    State(2, "backup", BLUE),
    State(3, "probing", YELLOW),
    State(4, "active", GREEN),
    State(5, "fault", RED),
)
HELD = (State(0, "not here", GREY), State(1, "bound", GREEN))
ALARM = (State(0, "off", GREY), State(1, "on", ORANGE))
WORKING = (State(0, "down", RED), State(1, "up", GREEN))


def now() -> list[Panel]:
    """Who owns the address, since when, why; is there a second owner, a standby; would a failover work."""
    return [
        name(
            "Owner",
            "The node whose kernel has the address, by its own word. Two names are two owners.",
            Query(f"{named('vipservice_address_bound{@group}')} == 1", "{{node}}", instant=True),
            color=GREEN,
        ),
        number(
            "Owners",
            "Kernels that have the address, of the nodes that Prometheus reaches. Anything but 1 for longer "
            "than two scrapes is wrong.",
            Query("sum by (group, address) (vipservice_address_bound{@group})", "{{address}}", instant=True),
            ONE_IS_RIGHT,
        ),
        number(
            "Owners that the nodes see",
            "The most that any node knows of: itself, actives it hears, and a silent one that answers ARP.",
            Query("max by (group) (vipservice_owners_observed{@group})", "{{group}}", instant=True),
            ONE_IS_RIGHT,
        ),
        number(
            "Standbys",
            "Nodes that could take over now, by the word of the active. 0: a failover would not work.",
            Query(f"max by (group) (vipservice_standbys{{@group}} {ACTIVE})", "{{group}}", instant=True),
            NONE_IS_WRONG,
        ),
        number(
            "Owner since",
            "When the active became it.",
            Query(
                f"max by (group) (vipservice_role_since_timestamp_seconds{{@group}} {ACTIVE}) * 1000",
                "{{group}}",
                instant=True,
            ),
            {BELOW: BLUE},
            unit="dateTimeFromNow",
        ),
        name(
            "Why",
            "The reason of the active's last change of role; the sentence is in its history.",
            Query(f"vipservice_role_reason{{@group}} == 1 {ACTIVE}", "{{reason}}", instant=True),
            color=BLUE,
        ),
        rows(
            "Alerts that fire",
            "Those of this repository's rules; each has a section in the runbooks.",
            Query(
                'sum by (alertname, severity, group) (ALERTS{alertname=~"Vipservice.+",alertstate="firing",'
                'job=~"$job"})',
                "",
                instant=True,
                format=PromQueryFormat.TABLE,
            ),
            {"severity": "severity", "alertname": "alert", "group": "group"},
        ),
        states(
            "Alarms of the nodes",
            "What the elections themselves find worth an alarm, by kind.",
            Query(
                "max by (group, kind) (vipservice_condition{@group})",
                "{{kind}}",
            ),
            ALARM,
            width=12,
        ),
    ]


def roles() -> list[Panel]:
    """What each node was, and what its kernel had."""
    return [
        states(
            "Role by node",
            "A gap means that Prometheus could not scrape the node.",
            Query(named(_role_as_number()), "{{node}} {{group}}"),
            ROLES,
        ),
        states(
            "Address in the kernel, by node",
            "Whether the kernel has the address, read at each scrape.",
            Query(named("vipservice_address_bound{@group}"), "{{node}} {{address}}"),
            HELD,
            width=12,
        ),
        states(
            "Nodes that can be scraped",
            "As Prometheus sees them.",
            Query("up{@node}", "{{instance}}"),
            WORKING,
            width=12,
        ),
    ]


def failovers() -> list[Panel]:
    """When the address moved, why, and where the time went."""
    return [
        lines(
            "Takeovers by reason",
            "How often a node became active; proved silence is a failover, the others were planned.",
            Query(
                "sum by (reason) (increase("
                'vipservice_transitions_total{@group,to="active"}[$__rate_interval]))',
                "{{reason}}",
            ),
            width=8,
            bars=True,
        ),
        bars(
            "Phases of a takeover, on average",
            "Over the whole time shown: detect the silence, probe the address, bind it, proof that it was "
            "learned by neighbours. Detect and probe run side by side.",
            Query(
                "sum by (phase) (increase(vipservice_takeover_duration_seconds_sum{@group}[$__range])) / (sum"
                " by (phase) (increase(vipservice_takeover_duration_seconds_count{@group}[$__range])) > 0)",
                "{{phase}}",
                instant=True,
            ),
            unit="s",
        ),
        rows(
            "Changes of role",
            "Over the whole time shown, by node and reason. A node's history has each with its sentence.",
            Query(
                named(
                    "sum by (job, instance, from, to, reason)"
                    " (increase(vipservice_transitions_total{@group}[$__range])) > 0.5"
                ),
                "",
                instant=True,
                format=PromQueryFormat.TABLE,
            ),
            {"node": "node", "from": "from", "to": "to", "reason": "reason", "Value": "times"},
            width=8,
        ),
    ]


def _role_as_number() -> str:
    """One number for the role of a node, out of the one-hot series."""
    return " + ".join(
        f'{state.value} * sum by (job, instance, group) (vipservice_role{{@group,role="{state.name}"}})'
        for state in ROLES
    )
