// How are times, shares and sizes written? One way everywhere, in the reader's own zone.
export function share(value: number | null | undefined, digits = 0): string {
  return value == null ? '–' : `${(value * 100).toFixed(digits)}\u00a0%`;
}

export function number(value: number | null | undefined, digits = 0): string {
  return value == null ? '–' : value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** Three digits, however small or large. */
export function short(value: number | null | undefined): string {
  if (value == null) return '–';
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(0);
  return String(Number(value.toPrecision(3)));
}

export function millis(value: number | null | undefined): string {
  if (value == null) return '–';
  return value < 1000 ? `${Math.round(value)}\u00a0ms` : `${(value / 1000).toFixed(1)}\u00a0s`;
}

export function seconds(value: number | null | undefined): string {
  if (value == null) return '–';
  if (value < 90) return `${Math.round(value)} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  return `${(value / 3600).toFixed(1)} h`;
}

export function bytes(value: number | null | undefined): string {
  if (value == null) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit ? value.toFixed(1) : value} ${units[unit]}`;
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [30, 'day'],
  [12, 'month'],
  [Infinity, 'year'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

export function ago(when: string | null | undefined, from = Date.now()): string {
  if (!when) return '–';
  let value = (Date.parse(when) - from) / 1000;
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return relative.format(Math.round(value), unit);
    value /= size;
  }
  return '–';
}

export function moment(when: string | null | undefined): string {
  return when ? new Date(when).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }) : '–';
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
