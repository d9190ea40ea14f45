/**
 * What every official SDK is asked to do, and where one cannot: the rows and
 * columns of docs/reference/sdks.md. A reason here is the SDK's own, and is
 * held to be true: a scenario that works after all fails its test.
 */

/** The programs, by the language and transport of their SDK. */
export const PROGRAMS = {
  'javascript-http': { title: 'JavaScript, HTTP', sdk: '@dapr/dapr 3.18.0', appProtocol: 'http' },
  'javascript-grpc': { title: 'JavaScript, gRPC', sdk: '@dapr/dapr 3.18.0', appProtocol: 'grpc' },
  python: { title: 'Python', sdk: 'dapr 1.19.0 (Python)', appProtocol: 'http' },
  go: { title: 'Go', sdk: 'github.com/dapr/go-sdk 1.11.0', appProtocol: 'http' },
  java: { title: 'Java', sdk: 'io.dapr:dapr-sdk 1.16.1', appProtocol: 'http' },
} as const;

export type Program = keyof typeof PROGRAMS;

export interface Scenario {
  readonly name: string;
  readonly does: string;
  /** Why an SDK has no way to do it. */
  readonly lacking?: Readonly<Partial<Record<Program, string>>>;
}

const NOT_OVER_HTTP = 'its HTTP client refuses this block';
const NO_GRPC_ACTORS = 'its gRPC server hosts no actors';
const JS_ACTORS = { 'javascript-grpc': NO_GRPC_ACTORS };
const neither = (why: string) => ({ 'javascript-http': why, 'javascript-grpc': why });

export const SCENARIOS: readonly Scenario[] = [
  { name: 'state', does: 'saves, reads and deletes a value' },
  { name: 'state-etag', does: 'saves with the current etag, is refused with a stale one' },
  { name: 'state-transaction', does: 'writes one key and deletes another in one transaction' },
  { name: 'state-bulk', does: 'reads many keys at once' },
  { name: 'publish', does: 'publishes an event and has it delivered to its subscription' },
  { name: 'publish-bulk', does: 'publishes several events in one request' },
  {
    name: 'subscribe-stream',
    does: 'subscribes by a stream, without a server',
    lacking: neither('it has no streaming subscription'),
  },
  { name: 'invoke', does: 'calls a method of an app with a body' },
  { name: 'actor-call', does: 'hosts an actor and calls it through a proxy', lacking: JS_ACTORS },
  { name: 'actor-state', does: 'keeps state of an actor from turn to turn', lacking: JS_ACTORS },
  { name: 'actor-timer', does: 'is called by a timer and ends it', lacking: JS_ACTORS },
  { name: 'actor-reminder', does: 'is called by a reminder and ends it', lacking: JS_ACTORS },
  { name: 'secret', does: 'reads one secret, and all of a store' },
  {
    name: 'configuration',
    does: 'reads configuration items',
    lacking: { 'javascript-http': NOT_OVER_HTTP },
  },
  {
    name: 'configuration-subscribe',
    does: 'is told of a changed item',
    lacking: { 'javascript-http': NOT_OVER_HTTP },
  },
  { name: 'lock', does: 'takes a lock, is refused a second one, gives it back' },
  {
    name: 'job',
    does: 'schedules a job and is called by it',
    lacking: neither('it has no jobs'),
  },
  {
    name: 'crypto',
    does: 'encrypts and decrypts by a key of the component',
    lacking: { 'javascript-http': NOT_OVER_HTTP, java: 'its version 1.16 has no cryptography' },
  },
  { name: 'output-binding', does: 'writes and reads a file by a binding' },
  { name: 'input-binding', does: 'is called by a schedule' },
  { name: 'metadata', does: 'reads the metadata of the sidecar and adds to it' },
];
