// What is a chart given? Rows, and the series in them, each with its name; colours that differ for everybody's eyes.
export type Row = Record<string, string | number | null>;

export interface Series {
  name: string; // the key in the rows
  label?: string;
  color?: string;
  dashed?: boolean;
}

export const COLORS = ['tide.5', '#c07a1c', '#6577c4', '#bb5374', '#7f8a3a', '#8a7f73'];

export function coloured(series: Series[]) {
  return series.map((one, at) => ({ ...one, color: one.color ?? COLORS[at % COLORS.length]!, strokeDasharray: one.dashed ? '5 4' : undefined }));
}

/** The same in words, for who cannot see it: the last value of each series. */
export function inWords(title: string, rows: Row[], series: Series[], write: (value: number) => string): string {
  const last = series.map(({ name, label }) => {
    const value = rows.map((row) => row[name]).findLast((one) => typeof one === 'number');
    return `${label ?? name} ${typeof value === 'number' ? write(value) : 'unknown'}`;
  });
  return `${title}: ${rows.length} points; last ${last.join(', ')}`;
}
