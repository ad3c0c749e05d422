"""The kinds of panels of our dashboard, each with the looks that all of its kind share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "#6e7681"
ORANGE, PURPLE = "orange", "purple"

NODE = 'job=~"$job",instance=~"$instance"'
SCOPES = {"@node": NODE, "@group": f'{NODE},group=~"$group"'}
"""What `@node` and `@group` in an expression stand for: the dashboard's variables."""

HEIGHT = 7


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel asks: PromQL with `@node` and `@group` for the variables, and what a series is called."""

    expression: str
    legend: str
    instant: bool = False
    format: PromQueryFormat | None = None

    @property
    def promql(self) -> str:
        """The expression as Grafana gets it, in one line."""
        text = " ".join(self.expression.split())
        for scope, matchers in SCOPES.items():
            text = text.replace(scope, matchers)
        return text


@dataclass(frozen=True, slots=True)
class State:
    """A value of a state: how it is called and coloured."""

    value: int
    name: str
    color: str


Panel = Builder[models.Panel]
"""A panel that is not yet built."""


def named(expression: str) -> str:
    """The expression, with the names of the nodes in the label `node`."""
    return f"({expression}) * on (job, instance) group_left (node) vipservice_node_info{{@node}}"


def number(
    title: str, text: str, query: Query, steps: Mapping[float, str], *, unit: str = "none", width: int = 4
) -> stat.Panel:
    """A big number for each series, coloured by what it is at least."""
    return (
        _stat(title, text, query, width)
        .unit(unit)
        .thresholds(_thresholds(steps))
        .color_mode(looks.BigValueColorMode.BACKGROUND)
        .text_mode(looks.BigValueTextMode.AUTO)
    )


def name(title: str, text: str, query: Query, *, color: str, width: int = 4) -> stat.Panel:
    """The name of each series in big letters; its number means nothing."""
    return (
        _stat(title, text, query, width)
        .unit("none")
        .thresholds(_thresholds({float("-inf"): color}))
        .color_mode(looks.BigValueColorMode.VALUE)
        .text_mode(looks.BigValueTextMode.NAME)
    )


def states(title: str, text: str, query: Query, known: Sequence[State], *, width: int = 24) -> Panel:
    """A band for each series: which state it was in, and when."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(width)
        .mappings([_mapping(known)])
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .thresholds(_thresholds({float("-inf"): GREY}))
        .merge_values(True)
        .show_value(looks.VisibilityMode.NEVER)
        .row_height(0.8)
        .line_width(0)
        .fill_opacity(80)
        .legend(_legend())
        .with_target(_target(query, "A"))
    )


def lines(
    title: str,
    text: str,
    *queries: Query,
    unit: str = "short",
    width: int = 12,
    stairs: bool = False,
    bars: bool = False,
) -> Panel:
    """Lines over time; as stairs where nothing lies between two values, as bars where they are counts."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(width)
        .unit(unit)
        .min(0)
        .line_width(1)
        .fill_opacity(60 if bars else 8)
        .show_points(looks.VisibilityMode.NEVER)
        .draw_style(looks.GraphDrawStyle.BARS if bars else looks.GraphDrawStyle.LINE)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
    )
    if stairs:
        panel.line_interpolation(looks.LineInterpolation.STEP_AFTER)
    if bars:
        panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL))
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_target(query, letter))
    return panel


def buckets(title: str, text: str, query: Query, *, unit: str = "s", width: int = 12) -> Panel:
    """A histogram over time, as colours."""
    return (
        heatmap.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(width)
        .calculate(False)
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64))
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .cell_gap(1)
        .show_value(looks.VisibilityMode.NEVER)
        .with_target(_target(query, "A"))
    )


def bars(title: str, text: str, query: Query, *, unit: str, width: int = 8) -> Panel:
    """A bar for each series: the last number of each."""
    return (
        bargauge.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(width)
        .unit(unit)
        .min(0)
        .thresholds(_thresholds({float("-inf"): BLUE}))
        .orientation(looks.VizOrientation.HORIZONTAL)
        .display_mode(looks.BarGaugeDisplayMode.BASIC)
        .reduce_options(_last())
        .with_target(_target(query, "A"))
    )


def rows(title: str, text: str, query: Query, columns: Mapping[str, str], *, width: int = 12) -> Panel:
    """A table with a row for each series: `columns` are its labels and what to call them, in that order."""
    hidden = {"Time": True, "job": True, "__name__": True}
    organize = models.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": hidden,
            "indexByName": {label: place for place, label in enumerate(columns)},
            "renameByName": dict(columns),
        },
    )
    return (
        table.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .height(HEIGHT)
        .span(width)
        .unit("none")
        .no_value("none")
        .with_transformation(organize)
        .with_target(_target(query, "A"))
    )


def _stat(title: str, text: str, query: Query, width: int) -> stat.Panel:
    return (
        stat.Panel()
        .title(title)
        .description(text)
        .datasource(DATASOURCE)
        .height(4)
        .span(width)
        .reduce_options(_last())
        .graph_mode(looks.BigValueGraphMode.NONE)
        .no_value("nobody")
        .with_target(_target(query, "A"))
    )


def _target(query: Query, letter: str) -> prometheus.Dataquery:
    target = (
        prometheus.Dataquery()
        .datasource(DATASOURCE)
        .expr(query.promql)
        .legend_format(query.legend)
        .ref_id(letter)
    )
    if query.format is not None:
        target.format(query.format)
    return target.instant() if query.instant else target.range()


def _thresholds(steps: Mapping[float, str]) -> dashboard.ThresholdsConfig:
    """From which value on which colour; minus infinity is the colour below the first."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps(
            [
                models.Threshold(value=None if least == float("-inf") else least, color=color)
                for least, color in steps.items()
            ]
        )
    )


def _mapping(known: Sequence[State]) -> models.ValueMap:
    return models.ValueMap(
        options={
            str(state.value): models.ValueMappingResult(text=state.name, color=state.color, index=place)
            for place, state in enumerate(known)
        }
    )


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(looks.LegendDisplayMode.LIST)
        .placement(looks.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])
