/**
 * The flags of `troupe run`: those of `dapr run`, with their letters and
 * defaults, and `--embedded`. The table is also what --help and the
 * documentation are checked against.
 */
import {
  flag,
  type FlagValues,
  list,
  type Parsed,
  parseFlags,
  text,
  whole,
} from '../flag-table.ts';

export const RUN_FLAGS = {
  'app-id': text(),
  'app-port': whole(-1),
  'app-protocol': text('http'),
  'app-channel-address': text('127.0.0.1'),
  'app-max-concurrency': whole(-1),
  'app-ssl': flag(false, 'use --app-protocol https|grpcs'),
  'enable-app-health-check': flag(),
  'app-health-check-path': text(),
  'app-health-probe-interval': whole(0),
  'app-health-probe-timeout': whole(0),
  'app-health-threshold': whole(0),
  config: text(),
  'resources-path': list(),
  'components-path': text('', 'use --resources-path'),
  'dapr-http-port': whole(-1),
  'dapr-grpc-port': whole(-1),
  'dapr-internal-grpc-port': whole(-1),
  'dapr-listen-addresses': text('127.0.0.1'),
  'metrics-port': whole(-1),
  'enable-profiling': flag(),
  'profile-port': whole(-1),
  'log-level': text('info'),
  'enable-api-logging': flag(),
  'max-body-size': text('4Mi'),
  'read-buffer-size': text('4Ki'),
  'unix-domain-socket': text(),
  'placement-host-address': text(),
  'scheduler-host-address': text(),
  'run-file': text(),
  kubernetes: flag(),
  embedded: flag(),
  'runtime-path': text(),
  'log-as-json': flag(),
  help: flag(),
} as const;

export type RunFlags = FlagValues<typeof RUN_FLAGS>;

export const RUN_LETTERS = {
  a: 'app-id',
  p: 'app-port',
  P: 'app-protocol',
  c: 'config',
  d: 'components-path',
  H: 'dapr-http-port',
  G: 'dapr-grpc-port',
  I: 'dapr-internal-grpc-port',
  M: 'metrics-port',
  u: 'unix-domain-socket',
  f: 'run-file',
  k: 'kubernetes',
  h: 'help',
} as const satisfies Record<string, keyof RunFlags>;

/** Flags that mean something beside --run-file. */
export const WITH_RUN_FILE: readonly (keyof RunFlags)[] = [
  'run-file',
  'kubernetes',
  'help',
  'runtime-path',
  'log-as-json',
  'embedded',
];

/** Errors: INVALID_ARGUMENT that names the flag. What is no flag begins the app's command. */
export function parseRunFlags(args: readonly string[]): Parsed<typeof RUN_FLAGS> {
  return parseFlags(RUN_FLAGS, args, { letters: RUN_LETTERS, operands: 'command' });
}
