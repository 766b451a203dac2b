'use client';
// How much of each is there?
import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import { coloured, inWords, type Row, type Series } from './series';

interface Bars {
  title: string;
  rows: Row[];
  x: string;
  series: Series[];
  write?: (value: number) => string;
  height?: number;
  stacked?: boolean;
  across?: boolean; // bars lie on their side: for long names
  writeX?: (value: string | number) => string;
}

export default function BarsChart({ title, rows, x, series, write = String, height = 220, stacked, across, writeX }: Bars) {
  return (
    <div role="img" aria-label={inWords(title, rows, series, write)}>
      <BarChart
        h={across ? Math.max(80, rows.length * 30 + 40) : height}
        data={rows}
        dataKey={x}
        series={coloured(series)}
        type={stacked ? 'stacked' : 'default'}
        orientation={across ? 'vertical' : 'horizontal'}
        gridAxis={across ? 'y' : 'x'}
        tickLine="none"
        withLegend={series.length > 1}
        legendProps={{ verticalAlign: 'bottom' }}
        valueFormatter={write}
        yAxisProps={{ width: across ? 110 : 52, interval: 0 }}
        xAxisProps={{ minTickGap: 24, tickFormatter: across ? undefined : writeX }}
        maxBarWidth={28}
        tooltipAnimationDuration={0}
        barProps={{ isAnimationActive: false, radius: 3 }}
        barChartProps={{ accessibilityLayer: false, margin: { top: 12 } }}
      />
    </div>
  );
}
