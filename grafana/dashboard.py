"""The dashboard as a whole; `python -m grafana.dashboard` writes its file, and scripts/pages runs that."""

import json
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from grafana.hosts import lease_and_loop, resources
from grafana.network import adverts, round_trips
from grafana.ownership import failovers, now, roles
from grafana.panels import DATASOURCE
from grafana.service import checks_and_hooks

FILE = Path("grafana/dashboards/vipservice.json")
UID = "vipservice"
TITLE = "vipservice"
TAGS = ["vipservice-mixin"]

ROWS = {
    "Now": now,
    "Roles": roles,
    "Failovers": failovers,
    "Checks and hooks": checks_and_hooks,
    "Round trips": round_trips,
    "Adverts": adverts,
    "Lease and loop": lease_and_loop,
    "Resources": resources,
}


def text() -> str:
    """The dashboard as a file."""
    return json.dumps(build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def build() -> models.Dashboard:
    """The dashboard: variables first, then the rows."""
    page = (
        dashboard.Dashboard(TITLE)
        .uid(UID)
        .description("Floating addresses: who owns them, since when, why, and whether a failover would work.")
        .tags(TAGS)
        .readonly()
        .refresh("5s")
        .time("now-30m", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(_datasource())
        .with_variable(_of_label("job", "Job", "vipservice_build_info"))
        .with_variable(_of_label("group", "Group", 'vipservice_role{job=~"$job"}'))
        .with_variable(_of_label("instance", "Instance", 'vipservice_build_info{job=~"$job"}'))
        .annotation(_takeovers())
    )
    for title, panels in ROWS.items():
        page.with_row(dashboard.Row(title))
        for panel in panels():
            page.with_panel(panel)
    return _numbered(page.build())


def _datasource() -> dashboard.DatasourceVariable:
    return dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _of_label(name: str, label: str, series: str) -> dashboard.QueryVariable:
    """A variable with all values that a label of a series has, any number of which can be chosen."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(f"label_values({series}, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _takeovers() -> dashboard.AnnotationQuery:
    """A mark on every panel where somebody took an address over."""
    return (
        dashboard.AnnotationQuery()
        .name("Takeovers")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("purple")
        .expr(
            "sum by (instance, reason) (increase(vipservice_transitions_total{"
            'job=~"$job",instance=~"$instance",group=~"$group",to="active"}[$__rate_interval])) > 0'
        )
    )


def _numbered(page: models.Dashboard) -> models.Dashboard:
    """Give every panel an id, which Grafana otherwise does as it loads them."""
    for number, panel in enumerate(page.panels or [], 1):
        panel.id_val = number
    return page


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
