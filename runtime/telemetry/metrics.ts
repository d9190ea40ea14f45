/**
 * The metrics of a sidecar in Prometheus' text format: daprd's families with
 * their label sets, sorted by name as its readers expect, and what Node tells
 * of the process. Loaded only where metrics are on.
 */
import type { Configuration } from '../config/configuration.ts';
import {
  FAMILIES,
  type Family,
  type FamilyName,
  type Labels,
  type Telemetry,
} from '../core/telemetry.ts';
import {
  CONTENT_TYPE,
  createHistogram,
  createNumber,
  header,
  labelText,
  type Series,
} from './exposition.ts';
import { createPathMatcher } from './path-matching.ts';
import { processFigures } from './process-figures.ts';

/** Upper bounds, in milliseconds; sizes use them times 1,024. */
const LATENCIES = [
  1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200, 250, 300, 400,
  500, 650, 800, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
];
const BYTES = [
  1_024, 2_048, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
  268_435_456, 1_073_741_824, 4_294_967_296,
];
/** Series of one family; further label values are counted under none. */
const MOST_SERIES = 10_000;
const VERBS = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH'.split(' '));

export type MetricsSettings = Configuration['metrics'];

export interface Metrics extends Telemetry {
  readonly contentType: string;
  text(): string;
  /** Told each time before the metrics are read, to set gauges. */
  onRead(listener: () => void): void;
}

export interface MetricsOptions {
  readonly appId: string;
  readonly settings: MetricsSettings;
}

/** What a family keeps: a series by its labels as they were given, and as they are shown. */
interface Collected {
  readonly labels: readonly string[];
  readonly known: Map<string, Series>;
  readonly shown: Map<string, Series>;
  /** Counts what comes after the most series that are kept. */
  rest?: Series;
}

export function createMetrics({ appId, settings }: MetricsOptions): Metrics {
  const listeners: (() => void)[] = [];
  const families = new Map<FamilyName, Collected>();
  const matchPath = createPathMatcher(settings.http);
  const showsPaths = settings.http.increasedCardinality || settings.http.pathMatching.length > 0;
  const rules = new Map(settings.rules.map((rule) => [rule.name, rule.labels]));

  function familyOf(name: FamilyName): Collected {
    let family = families.get(name);
    if (!family) {
      const { labels } = FAMILIES[name];
      families.set(name, (family = { labels, known: new Map(), shown: new Map() }));
    }
    return family;
  }

  /** Labels as they are shown: all of the family, sorted, by the rules of the configuration. */
  function shown(name: FamilyName, given: Labels): Record<string, string> {
    const labels: Record<string, string> = { app_id: appId };
    for (const label of FAMILIES[name].labels) {
      labels[label] = given[label] ?? '';
    }
    if (name.startsWith('http_')) restrictHttp(labels, settings.http.excludeVerbs, matchPath);
    for (const { name: label, regex } of rules.get(`dapr_${name}`) ?? rules.get(name) ?? []) {
      const value = labels[label];
      if (value === undefined) continue;
      for (const [replacement, pattern] of Object.entries(regex)) {
        if (new RegExp(pattern).test(value)) labels[label] = replacement;
      }
    }
    return Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Different labels may be shown alike; they are one series then. */
  function shownSeries(name: FamilyName, family: Collected, labels: Labels): Series {
    const text = labelText(shown(name, labels));
    let series = family.shown.get(text);
    if (!series) family.shown.set(text, (series = createSeries(name, text, settings)));
    return series;
  }

  function seriesOf(name: FamilyName, labels: Labels): Series {
    const family = familyOf(name);
    let key = '';
    for (const label of family.labels) {
      const given = labels[label] ?? '';
      // A path that is not shown would make a key of every actor and every key of state.
      key += `${label === 'path' && !showsPaths ? matchPath(given) : given}\u0000`;
    }
    const known = family.known.get(key);
    if (known) return known;
    if (family.known.size >= MOST_SERIES) return (family.rest ??= shownSeries(name, family, {}));
    const series = shownSeries(name, family, labels);
    family.known.set(key, series);
    return series;
  }

  const isLeftOut = (name: FamilyName): boolean =>
    (name === 'http_server_response_count' && !settings.http.increasedCardinality) ||
    (name === 'error_code_total' && !settings.recordErrorCodes);

  return {
    contentType: CONTENT_TYPE,
    text() {
      for (const listener of listeners) listener();
      let text = '';
      for (const [name, { shown: all }] of [...families].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        text += header(`dapr_${name}`, FAMILIES[name]);
        for (const series of all.values()) text += series.lines(`dapr_${name}`);
      }
      return text + processFigures();
    },
    onRead: (listener) => void listeners.push(listener),
    count(name, labels, by = 1) {
      if (!isLeftOut(name)) seriesOf(name, labels).add(by);
    },
    observe(name, labels, value) {
      seriesOf(name, labels).observe(value);
    },
    set(name, labels, value) {
      seriesOf(name, labels).set(value);
    },
  };
}

function createSeries(name: FamilyName, labels: string, settings: MetricsSettings): Series {
  const { kind }: Family = FAMILIES[name];
  if (kind !== 'histogram') return createNumber(kind, labels);
  const latencies = settings.latencyDistributionBuckets ?? LATENCIES;
  return createHistogram(name.endsWith('_bytes') ? BYTES : latencies, labels);
}

function restrictHttp(
  labels: Record<string, string>,
  excludeVerbs: boolean,
  matchPath: (path: string) => string,
): void {
  if (excludeVerbs && labels['method'] !== undefined) labels['method'] = '';
  else if (labels['method'] !== undefined && !VERBS.has(labels['method'])) {
    labels['method'] = 'UNKNOWN';
  }
  if (labels['path'] !== undefined) labels['path'] = matchPath(labels['path']);
}
