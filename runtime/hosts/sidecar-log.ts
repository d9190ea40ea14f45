/**
 * The log of a sidecar as daprd writes it: logrus text (or JSON) lines on
 * stdout, in daprd's words where daprd has the event. The rest of the runtime
 * logs constant messages with fields; the table below says some of them as
 * daprd does, because programs wait for those lines.
 */
import type { EngineLogger } from '../core/ports.ts';

export const SIDECAR_LOG_LEVELS = ['debug', 'info', 'warn', 'warning', 'error', 'fatal'] as const;

export type SidecarLogLevel = (typeof SIDECAR_LOG_LEVELS)[number];

export interface SidecarLogOptions {
  readonly level: SidecarLogLevel;
  readonly asJson: boolean;
  readonly appId: string;
  /** Name of the machine. */
  readonly instance: string;
  /** The Dapr version that is served, `ver`. */
  readonly version: string;
  /** Gets whole lines. */
  readonly write: (line: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A logger that can also say a line in its own words. */
export interface SidecarLog extends EngineLogger {
  /** The same log under another `scope`, for example `dapr.runtime.http`; with a lowest level of its own if one is given. */
  scoped(scope: string, level?: SidecarLogLevel): SidecarLog;
  /** A line `level=fatal`; ending the process is the caller's. */
  fatal(fields: object, message: string): void;
}

type Fields = Readonly<Record<string, unknown>>;

const componentName = ({ name, type, version }: Fields): string =>
  `${String(name)} (${String(type)}/${String(version)})`;

/** Fields that a message has taken in are not repeated behind it. */
const WORDS: Readonly<Record<string, (fields: Fields) => string>> = {
  'component loaded': (fields) => `Component loaded: ${componentName(fields)}`,
  'component updated': (fields) => `Component updated: ${componentName(fields)}`,
  'component deleted': (fields) => `Component deleted: ${componentName(fields)}`,
  'component left out': (fields) =>
    `Failed to init component ${componentName(fields)}: ${String(fields['reason'])}`,
};

const RANK: Readonly<Record<SidecarLogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  warning: 2,
  error: 3,
  fatal: 4,
};

function shown(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? String(value);
}

/** As logrus does it: bare when it is a word, else quoted. */
function quoted(text: string): string {
  if (/^[\w\-./@^+]*$/.test(text)) return text;
  // oxlint-disable-next-line no-control-regex -- Go's quoting escapes exactly these.
  const escaped = text.replace(/["\\\x00-\x1f\x7f]/g, (char) => {
    const short: Record<string, string> = {
      '"': '\\"',
      '\\': '\\\\',
      '\n': '\\n',
      '\r': '\\r',
      '\t': '\\t',
    };
    return short[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}

export function createSidecarLog(options: SidecarLogOptions): SidecarLog {
  const { asJson, appId, instance, version, write, now } = options;

  function line(scope: string, level: SidecarLogLevel, given: object, message: string): void {
    const fields = given as Fields;
    const words = Object.hasOwn(WORDS, message) ? WORDS[message] : undefined;
    const text = words ? words(fields) : message;
    const all: Record<string, unknown> = {};
    if (!words) {
      for (const [name, value] of Object.entries(fields)) {
        if (value !== undefined) all[name === 'err' ? 'error' : name] = value;
      }
    }
    const time = new Date(now()).toISOString();
    Object.assign(all, { app_id: appId, instance, scope, type: 'log', ver: version });
    if (asJson) {
      Object.assign(all, { time, level, msg: text });
      const sorted = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
      const plain = sorted.map(([name, value]) => [
        name,
        typeof value === 'number' || typeof value === 'boolean' ? value : shown(value),
      ]);
      write(`${JSON.stringify(Object.fromEntries(plain))}\n`);
      return;
    }
    const behind = Object.entries(all)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ` ${name}=${quoted(shown(value))}`)
      .join('');
    write(`time=${quoted(time)} level=${level} msg=${quoted(text)}${behind}\n`);
  }

  const under = (scope: string, lowest: SidecarLogLevel): SidecarLog => {
    const at =
      (level: SidecarLogLevel) =>
      (fields: object, message: string): void => {
        if (RANK[level] >= RANK[lowest]) line(scope, level, fields, message);
      };
    return {
      debug: at('debug'),
      info: at('info'),
      // logrus spells this level out.
      warn: at('warning'),
      error: at('error'),
      fatal: at('fatal'),
      scoped: (other, level = options.level) => under(other, level),
    };
  };
  return under('dapr.runtime', options.level);
}
