/**
 * Numbers by name and labels, and their text in Prometheus' exposition format
 * 0.0.4: counters, gauges and histograms. What the names mean is metrics.ts.
 */
import type { Family } from '../core/telemetry.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** One label set of a family; a call that does not fit its kind does nothing. */
export interface Series {
  add(by: number): void;
  set(value: number): void;
  observe(value: number): void;
  /** The sample lines, each ended by a newline. */
  lines(name: string): string;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };
const quoted = (value: string): string =>
  `"${value.replace(/[\\\n"]/g, (character) => ESCAPES[character]!)}"`;

/** `a="1",b="2"`: in the order given, without braces. */
export const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(',');

export const header = (name: string, { kind, help }: Pick<Family, 'kind' | 'help'>): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;

const ignored = (): void => {};

/** A counter or a gauge. */
export function createNumber(kind: 'counter' | 'gauge', labels: string): Series {
  let value = 0;
  const at = labels === '' ? '' : `{${labels}}`;
  return {
    add: kind === 'counter' ? (by) => void (value += by) : ignored,
    set: kind === 'gauge' ? (to) => void (value = to) : ignored,
    observe: ignored,
    lines: (name) => `${name}${at} ${value}\n`,
  };
}

/** `bounds` ascend; each bucket counts what is at most its bound. */
export function createHistogram(bounds: readonly number[], labels: string): Series {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  const before = labels === '' ? '' : `${labels},`;
  return {
    add: ignored,
    set: ignored,
    observe(value) {
      const found = bounds.findIndex((bound) => value <= bound);
      counts[found < 0 ? bounds.length : found]! += 1;
      sum += value;
    },
    lines(name) {
      let text = '';
      let total = 0;
      for (const [i, count] of counts.entries()) {
        total += count;
        text += `${name}_bucket{${before}le="${bounds[i] ?? '+Inf'}"} ${total}\n`;
      }
      const at = labels === '' ? '' : `{${labels}}`;
      return `${text}${name}_sum${at} ${sum}\n${name}_count${at} ${total}\n`;
    },
  };
}
