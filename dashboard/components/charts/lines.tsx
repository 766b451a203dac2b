'use client';
// How does something go over time (or steps)?
import '@mantine/charts/styles.css';
import { LineChart } from '@mantine/charts';
import { coloured, inWords, type Row, type Series } from './series';

interface Lines {
  title: string;
  rows: Row[];
  x: string;
  series: Series[];
  write?: (value: number) => string;
  height?: number;
  range?: [number | string, number | string];
  writeX?: (value: string | number) => string;
  limit?: { y: number; label: string };
}

export default function LinesChart({ title, rows, x, series, write = String, height = 220, range, writeX, limit }: Lines) {
  return (
    <div role="img" aria-label={inWords(title, rows, series, write)}>
      <LineChart
        h={height}
        data={rows}
        dataKey={x}
        series={coloured(series)}
        curveType="monotone"
        connectNulls
        withDots={rows.length < 3}
        strokeWidth={2}
        gridAxis="x"
        tickLine="none"
        withLegend={series.length > 1}
        legendProps={{ verticalAlign: 'bottom' }}
        valueFormatter={write}
        yAxisProps={{ width: 58, domain: range ?? ['auto', 'auto'], interval: 0 }}
        xAxisProps={{ minTickGap: 36, tickFormatter: writeX }}
        tooltipAnimationDuration={0}
        lineProps={{ isAnimationActive: false }}
        referenceLines={limit ? [{ y: limit.y, label: limit.label, color: 'red.6' }] : undefined}
        lineChartProps={{ accessibilityLayer: false, margin: { top: 12 } }}
      />
    </div>
  );
}
