/** Reads one `kind: Component` document, every field of it, into a ComponentSpec. */
import { isMap } from 'yaml';
import { DEFAULT_INIT_TIMEOUT_MS } from './component.ts';
import type { ComponentSpec, MetadataItem, SecretKeyRef } from './component.ts';
import type { Field, Fields, Reader } from './reader.ts';
import { goDuration } from './shape.ts';

const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'auth', 'scopes'];
/** Labels and annotations are for people and other tools; from `creationTimestamp` on, what a cluster adds. */
const META_FIELDS = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'creationTimestamp',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'uid',
];
const SPEC_FIELDS = ['type', 'version', 'ignoreErrors', 'initTimeout', 'metadata'];
const SOURCES = ['value', 'secretKeyRef', 'envRef'];
const ITEM_FIELDS = ['name', ...SOURCES];

const TYPE = /^[a-z][\w-]*(\.[\w-]+)+$/i;

/** The spec, or undefined when something is wrong, which the reader was told. */
export function readComponent(file: string, reader: Reader): ComponentSpec | undefined {
  const top = reader.fields(reader.root, TOP_FIELDS);
  if (!top) return undefined;
  const meta = section(reader, top, 'metadata', META_FIELDS);
  const spec = section(reader, top, 'spec', SPEC_FIELDS);
  const auth = top.map.has('auth') ? section(reader, top, 'auth', ['secretStore']) : undefined;
  const name = meta && required(reader, meta, 'name', 'give the component a name', checkName);
  const type = spec && required(reader, spec, 'type', 'for example state.sqlite', checkType);
  const version = optional(spec?.fields, 'version', reader.text);
  const namespace = optional(meta?.fields, 'namespace', reader.text);
  const scopes = optional(top, 'scopes', (field) => texts(reader, field));
  const ignoreErrors = optional(spec?.fields, 'ignoreErrors', reader.flag);
  const initTimeoutMs = optional(spec?.fields, 'initTimeout', (field) => timeout(reader, field));
  const secretStore = optional(auth?.fields, 'secretStore', reader.text);
  const metadata = optional(spec?.fields, 'metadata', (field) => readItems(reader, field));

  if (!reader.sound() || name === undefined || type === undefined) return undefined;
  return {
    name,
    type,
    version: version || 'v1',
    ...(namespace ? { namespace } : {}),
    ...(scopes ? { scopes } : {}),
    ignoreErrors: ignoreErrors ?? false,
    initTimeoutMs: initTimeoutMs ?? DEFAULT_INIT_TIMEOUT_MS,
    ...(secretStore ? { secretStore } : {}),
    metadata: metadata ?? [],
    source: { file, line: reader.line(reader.root) },
  };
}

interface Section {
  readonly at: Field;
  readonly fields: Fields;
}

function section(
  reader: Reader,
  top: Fields,
  name: string,
  known: readonly string[],
): Section | undefined {
  const at = top.map.get(name);
  if (!at) {
    if (!top.refused)
      reader.problem(reader.root, `${name} is missing; a component needs metadata and spec`);
    return undefined;
  }
  const fields = reader.fields(at, known);
  return fields && { at, fields };
}

/** `check` says what is wrong with a text, if anything. */
function required(
  reader: Reader,
  { at, fields }: Section,
  name: string,
  advice: string,
  check: (text: string) => string | undefined = () => undefined,
): string | undefined {
  const field = fields.map.get(name);
  if (!field) {
    if (!fields.refused) reader.problem(at, `${name} is missing; ${advice}`);
    return undefined;
  }
  const text = reader.text(field);
  const wrong = text === '' ? `must not be empty; ${advice}` : text && check(text);
  if (wrong) reader.problem(field, wrong);
  return text;
}

function optional<T>(
  fields: Fields | undefined,
  name: string,
  read: (field: Field) => T | undefined,
): T | undefined {
  const field = fields?.map.get(name);
  return field && read(field);
}

function checkName(name: string): string | undefined {
  return name === '.' || name === '..' || /[/%]/.test(name)
    ? 'must not be "." or ".." nor contain "/" or "%"'
    : undefined;
}

function checkType(type: string): string | undefined {
  return TYPE.test(type)
    ? undefined
    : `"${type}" is not a type; it is KIND.NAME, for example state.sqlite`;
}

function timeout(reader: Reader, field: Field): number | undefined {
  const text = reader.text(field);
  if (text === undefined) return undefined;
  if (text === '') return DEFAULT_INIT_TIMEOUT_MS;
  const ms = goDuration(text);
  if (ms > 0) return ms;
  reader.problem(
    field,
    `"${text}" is not a duration above zero; write for example 5s, 1m30s or 500ms`,
  );
  return undefined;
}

function texts(reader: Reader, field: Field): string[] | undefined {
  const items = reader.items(field);
  const values = items?.map((item) => reader.text(item));
  return values?.every((value) => value !== undefined) ? values : undefined;
}

function readItems(reader: Reader, field: Field): MetadataItem[] | undefined {
  const seen = new Map<string, number>();
  return reader.items(field)?.flatMap((at) => {
    const item = readItem(reader, at);
    if (!item) return [];
    const first = seen.get(item.name.toLowerCase());
    if (first !== undefined) {
      reader.problem(at, `"${item.name}" is already given in line ${first}; keep one of them`);
      return [];
    }
    seen.set(item.name.toLowerCase(), reader.line(at));
    return [item];
  });
}

function readItem(reader: Reader, at: Field): MetadataItem | undefined {
  const fields = reader.fields(at, ITEM_FIELDS);
  if (!fields) return undefined;
  const entry = { at, fields };
  const name = required(reader, entry, 'name', 'each entry has a name and a value');
  const reference = fields.map.get('secretKeyRef');
  const isEmpty = reference !== undefined && isEmptyReference(reader, reference);
  const given = SOURCES.filter(
    (source) => fields.map.has(source) && !(isEmpty && source === 'secretKeyRef'),
  );
  if (given.length > 1) reader.problem(at, `has ${given.join(' and ')}; keep one of them`);
  if (given.length === 0 && !fields.refused) {
    reader.problem(at, `has no value; give one of ${SOURCES.join(', ')}`);
  }
  const value = optional(fields, 'value', reader.anyAsText);
  const secretKeyRef = isEmpty
    ? undefined
    : optional(fields, 'secretKeyRef', (field) => readSecretKeyRef(reader, field));
  const envRef = fields.map.has('envRef')
    ? required(reader, entry, 'envRef', 'name an environment variable')
    : undefined;
  if (name === undefined) return undefined;
  const line = reader.line(at);
  if (value !== undefined) return { name, value, line };
  if (envRef !== undefined) return { name, envRef, line };
  return secretKeyRef && { name, secretKeyRef, line };
}

/** Go writes a reference that is not there as one of empty texts. */
function isEmptyReference(reader: Reader, at: Field): boolean {
  if (!isMap(at.node)) return false;
  const { name, key } = reader.json(at) as { name?: unknown; key?: unknown };
  return name === '' && (key === '' || key === undefined);
}

function readSecretKeyRef(reader: Reader, at: Field): SecretKeyRef | undefined {
  const fields = reader.fields(at, ['name', 'key']);
  if (!fields) return undefined;
  const name = required(reader, { at, fields }, 'name', 'name the secret');
  const key = optional(fields, 'key', reader.text);
  return name === undefined ? undefined : { name, key: key || name };
}
