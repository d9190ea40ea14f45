/** To which named API of `spec.api` in a Configuration a method of the Dapr service belongs, by Dapr's list. */

/** By the method's name without version. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^InvokeService$/, 'invoke'],
  [/^(?:Get|Save|Delete|Query|GetBulk|DeleteBulk)State$|^ExecuteStateTransaction$/, 'state'],
  [/^(?:Bulk)?PublishEvent$/, 'publish'],
  [/^SubscribeTopicEvents$/, 'subscribe'],
  [/^InvokeBinding$/, 'bindings'],
  [/^Get(?:Bulk)?Secret$/, 'secrets'],
  [/Actor/, 'actors'],
  [/^(?:Get|Set)Metadata$/, 'metadata'],
  [/Configuration$/, 'configuration'],
  [/^TryLock$/, 'lock'],
  [/^Unlock$/, 'unlock'],
  [/^Subtle/, 'subtlecrypto'],
  [/^(?:En|De)crypt$/, 'crypto'],
  [/Workflow$/, 'workflows'],
  [/Job/, 'jobs'],
  [/^Shutdown$/, 'shutdown'],
  [/^Converse$/, 'conversation'],
];

/** Name and version, for example `state` and `v1`. */
export function apiOf(method: string): { readonly name: string; readonly version: string } {
  const [, base = method, kind, number] = /^(.*?)(?:(Alpha|Beta)(\d))?$/.exec(method) ?? [];
  const name = NAMES.find(([pattern]) => pattern.test(base))?.[1] ?? '';
  return { name, version: kind === undefined ? 'v1' : `v1${kind.toLowerCase()}${number}` };
}
