// Draws the panels of the dashboard with Grafana's own components (@grafana/ui), from what Prometheus answered.
// Grafana publishes its time series, stats, bars, tables and panel frames as components, but not its state
// timeline and heatmap: for those two the axes, scales and colours are Grafana's (UPlotConfigBuilder), the cells ours.

import React, { useMemo } from 'react';
import 'uplot/dist/uPlot.min.css';
import { createRoot } from 'react-dom/client';
import {
  applyFieldOverrides, createTheme, dateTime, FieldColorModeId, FieldType, getDisplayProcessor, ThemeContext,
  toDataFrame, VizOrientation,
} from '@grafana/data';
import {
  AxisPlacement, BarGauge, BigValue, GlobalStyles, InteractiveTable, PanelChrome, PortalContainer, ScaleDirection, ScaleOrientation,
  TimeSeries, UPlotChart, UPlotConfigBuilder, VizLayout,
} from '@grafana/ui';

const CELL = 38; // a row of Grafana's grid: 30 px and a gap of 8
const GAP = 8;
const { panels, start, end, step, width } = window.DATA;
const theme = createTheme({ colors: { mode: 'dark' } });
const TIME_ZONE = 'utc';
const timeRange = {
  from: dateTime(start * 1000), to: dateTime(end * 1000), raw: { from: dateTime(start * 1000), to: dateTime(end * 1000) },
};

// Every step has a sample or a hole, so that holes are drawn as holes.
function grid(samples) {
  const found = new Map(samples.map(([at, value]) => [Math.round((at - start) / step), value]));
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, at) => found.get(at) ?? null);
}

const times = grid([]).map((_, at) => (start + at * step) * 1000);

function framesOf(panel) {
  const frames = panel.series.map((series) => {
    const config = { ...panel.fieldConfig.defaults, displayName: series.name, color: { mode: FieldColorModeId.PaletteClassic } };
    return toDataFrame({
      fields: [
        { name: 'Time', type: FieldType.time, values: times, config: {} },
        { name: series.name, type: FieldType.number, values: grid(series.samples), config },
      ],
    });
  });
  return applyFieldOverrides({
    data: frames, theme, timeZone: TIME_ZONE, replaceVariables: (text) => text, fieldConfig: { defaults: {}, overrides: [] },
  });
}

function displayOf(panel, name) {
  const config = { ...panel.fieldConfig.defaults, displayName: name, color: { mode: FieldColorModeId.Thresholds } };
  return getDisplayProcessor({ field: { name, type: FieldType.number, config, values: [] }, theme, timeZone: TIME_ZONE });
}

function Lines({ panel, width, height }) {
  const frames = useMemo(() => framesOf(panel), [panel]);
  return (
    <TimeSeries frames={frames} width={width} height={height} timeRange={timeRange} timeZone={TIME_ZONE} structureRev={1}
      legend={panel.options.legend} options={{}} />
  );
}

function Stats({ panel, width, height }) {
  const shown = panel.series.length ? panel.series : [{ name: '', samples: [[end, null]] }];
  return (
    <div style={{ display: 'flex', gap: GAP }}>
      {shown.map((series) => {
        const value = { ...displayOf(panel, series.name)(series.samples.at(-1)[1]), title: series.name };
        const text = panel.options.textMode === 'name' ? { ...value, text: series.name, suffix: '' } : value;
        return (
          <BigValue key={series.name} theme={theme} width={(width - GAP * (shown.length - 1)) / shown.length} height={height}
            value={text} colorMode={panel.options.colorMode} graphMode="none" justifyMode="auto" count={shown.length}
            textMode={panel.options.textMode === 'name' ? 'value' : 'auto'} />
        );
      })}
    </div>
  );
}

function Bars({ panel, width, height }) {
  const most = Math.max(...panel.series.map((series) => series.samples.at(-1)[1]), 1e-9);
  const field = { ...panel.fieldConfig.defaults, min: 0, max: most };
  const each = (height - GAP * (panel.series.length - 1)) / panel.series.length;
  return (
    <div style={{ display: 'flex', flexDirection: 'column', gap: GAP }}>
      {panel.series.map((series) => (
        <BarGauge key={series.name} theme={theme} width={width} height={each} field={field} displayMode="basic"
          display={displayOf(panel, series.name)} orientation={VizOrientation.Horizontal}
          value={{ ...displayOf(panel, series.name)(series.samples.at(-1)[1]), title: series.name }} />
      ))}
    </div>
  );
}

function Rows({ panel, width, height }) {
  const { indexByName, renameByName } = panel.transformations[0].options;
  const columns = Object.keys(indexByName).sort((one, other) => indexByName[one] - indexByName[other]);
  const valueOf = (series, column) => column === 'Value' ? String(Math.round(series.samples.at(-1)[1])) : series.labels[column] ?? '';
  if (!panel.series.length) return <Nothing height={height} text={panel.fieldConfig.defaults.noValue} />;
  return (
    <div style={{ width, height, overflow: 'hidden' }}>
      <InteractiveTable columns={columns.map((column) => ({ id: column, header: renameByName[column] }))}
        data={panel.series.map((series) => Object.fromEntries(columns.map((column) => [column, valueOf(series, column)])))}
        getRowId={(row) => Object.values(row).join()} />
    </div>
  );
}

function Nothing({ height, text }) {
  return <div style={{ height, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary }}>{text}</div>;
}

// The time axis, and one line for each label on the other.
function axes(labels, yWidth) {
  const builder = new UPlotConfigBuilder(TIME_ZONE, theme);
  builder.addScale({ scaleKey: 'x', isTime: true, orientation: ScaleOrientation.Horizontal, direction: ScaleDirection.Right, range: () => [start * 1000, end * 1000] });
  builder.addScale({ scaleKey: 'y', orientation: ScaleOrientation.Vertical, direction: ScaleDirection.Up, range: () => [0, labels.length] });
  builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone: TIME_ZONE, theme, grid: { show: true } });
  builder.addAxis({
    scaleKey: 'y', placement: AxisPlacement.Left, theme, size: yWidth, grid: { show: false }, ticks: { show: false },
    splits: () => labels.map((_, row) => row + 0.5), values: () => labels,
  });
  builder.addSeries({ scaleKey: 'y', pathBuilder: () => null, pointsBuilder: () => null, theme, lineWidth: 0, show: true });
  return builder;
}

// Paints `cells` ({row, from, to, color}) once the axes are there.
function Cells({ labels, cells, width, height, yWidth, gap }) {
  const config = useMemo(() => {
    const builder = axes(labels, yWidth);
    builder.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      for (const { row, from, to, color } of cells) {
        const left = plot.valToPos(from, 'x', true), right = plot.valToPos(to, 'x', true);
        const top = plot.valToPos(row + 1 - gap / 2, 'y', true), bottom = plot.valToPos(row + gap / 2, 'y', true);
        ctx.fillStyle = color;
        ctx.fillRect(left, top, Math.max(1, right - left), bottom - top);
      }
      ctx.restore();
    });
    return builder;
  }, [labels, cells]);
  return <UPlotChart config={config} data={[times, times.map(() => 0)]} width={width} height={height} timeRange={timeRange} />;
}

function Timeline({ panel, width, height }) {
  const series = [...panel.series].reverse();
  const known = panel.fieldConfig.defaults.mappings[0].options;
  const colorOf = (value) => theme.visualization.getColorByName(known[String(value)]?.color ?? '#6e7681');
  const cells = series.flatMap(({ samples }, row) =>
    bands(grid(samples)).map(([from, to, value]) => ({ row, from: times[from], to: times[from] + (to - from) * step * 1000, color: colorOf(value) })));
  const legend = Object.values(known).filter((_, at) => series.some(({ samples }) => samples.some(([, value]) => String(value) === Object.keys(known)[at])));
  return (
    <div>
      <Cells labels={series.map(({ name }) => name)} cells={cells} width={width} height={height - 22} yWidth={Math.max(...series.map(({ name }) => name.length)) * 7 + 12} gap={0.2} />
      <div style={{ display: 'flex', gap: 14, paddingLeft: 8, fontSize: 12 }}>
        {legend.map(({ text, color }) => (
          <span key={text}><span style={{ display: 'inline-block', width: 14, height: 4, marginRight: 5, verticalAlign: 'middle', background: theme.visualization.getColorByName(color) }} />{text}</span>
        ))}
      </div>
    </div>
  );
}

// Neighbouring equal values become one band: [first, after the last, value].
function bands(values) {
  const found = [];
  values.forEach((value, at) => {
    const last = found.at(-1);
    if (value === null) return;
    if (last && last[1] === at && last[2] === value) last[1] = at + 1;
    else found.push([at, at + 1, value]);
  });
  return found;
}

function Heatmap({ panel, width, height }) {
  const bounds = panel.series.filter(({ name }) => name !== '+Inf').sort((one, other) => Number(one.name) - Number(other.name));
  const sums = bounds.map(({ samples }) => grid(samples));
  const counts = sums.map((values, row) => values.map((value, at) => value === null ? null : value - (row ? sums[row - 1][at] : 0)));
  const top = counts.map((values) => Math.max(...values)).findLastIndex((most) => most > 0.01) + 1;
  const used = counts.slice(0, Math.max(top, 4));
  const most = Math.max(...used.flat());
  const cells = used.flatMap((values, row) => values.flatMap((value, at) =>
    value > 0.01 ? [{ row, from: times[at], to: times[at] + step * 1000, color: blue(Math.sqrt(value / most)) }] : []));
  const label = displayOf({ fieldConfig: { defaults: { unit: 's' } } }, '');
  const labels = bounds.slice(0, used.length).map(({ name }) => { const shown = label(Number(name)); return `${shown.text}${shown.suffix ?? ''}`; });
  return <Cells labels={labels} cells={cells} width={width} height={height} yWidth={60} gap={0.06} />;
}

function blue(share) {
  return `hsl(210 85% ${18 + 55 * share}%)`;
}

const KINDS = { timeseries: Lines, stat: Stats, bargauge: Bars, table: Rows, 'state-timeline': Timeline, heatmap: Heatmap };

function Panel({ panel, top }) {
  const { x, y, w, h } = panel.gridPos;
  const column = (width + GAP) / 24;
  const box = { left: x * column, top: y * CELL - top, width: w * column - GAP, height: h * CELL - GAP };
  const Kind = KINDS[panel.type];
  return (
    <div style={{ position: 'absolute', ...box }}>
      <PanelChrome title={panel.title} width={box.width} height={box.height}>
        {(innerWidth, innerHeight) => <Kind panel={panel} width={innerWidth} height={innerHeight} />}
      </PanelChrome>
    </div>
  );
}

function Page() {
  const top = Math.min(...panels.map(({ gridPos }) => gridPos.y)) * CELL;
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', width }}>{panels.map((panel) => <Panel key={panel.title} panel={panel} top={top} />)}</div>
      <PortalContainer />
    </ThemeContext.Provider>
  );
}

createRoot(document.getElementById('page')).render(<Page />);
