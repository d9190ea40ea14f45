/**
 * Examines resource files without starting a host: everything that would keep
 * one from starting or from working, all of it at once, each with its place.
 * Only when it is asked to are backends opened.
 */
import type { SecretStore } from '../../components/secretstores/contract.ts';
import { checkMetadata, type Registry } from '../../components/registry.ts';
import type { ComponentSpec, MetadataItem } from '../config/component.ts';
import type { Problem, ResourceFile } from '../config/reader.ts';
import { ALL_KINDS, parseResources, type ParsedResources } from '../config/resources.ts';
import { isTroupeError } from '../core/errors.ts';
import { resolveMetadata } from './component-metadata.ts';
import { loadComponents, type LoadedComponents } from './components.ts';
import { TOPIC_FIELDS } from './topic-scopes.ts';

export interface Finding {
  readonly level: 'error' | 'warning';
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `component "statestore"`; empty for what is wrong with a document. */
  readonly resource: string;
  readonly message: string;
}

export interface ExamineOptions {
  readonly registry: Registry;
  readonly appId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Opens every component, as a host would. */
  readonly ping: boolean;
  readonly signal: AbortSignal;
}

export interface Examination {
  readonly findings: readonly Finding[];
  /** Resources that were read, of every kind. */
  readonly resources: number;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export async function examine(
  files: readonly ResourceFile[],
  options: ExamineOptions,
): Promise<Examination> {
  const findings = strictProblems(files);
  const parsed = tolerant(files, findings);
  if (parsed) {
    findings.push(...references(parsed));
    const sound: ComponentSpec[] = [];
    for (const spec of parsed.components) {
      const wrong = await declared(spec, options.registry);
      findings.push(...wrong);
      if (wrong.length === 0) sound.push(spec);
    }
    await using stores = await openSecretStores(sound, options, findings);
    for (const spec of sound.filter((one) => !isSecretStore(one))) {
      const wrong = await unresolved(spec, options, stores.open);
      findings.push(...wrong);
      if (wrong.length === 0 && options.ping)
        findings.push(...(await opening(spec, stores.specs, options)));
    }
  }
  const order = files.map(({ path }) => path);
  return {
    findings: findings.toSorted(
      (a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line,
    ),
    resources: parsed
      ? parsed.components.length +
        parsed.subscriptions.length +
        parsed.resiliencies.length +
        parsed.httpEndpoints.length +
        parsed.configurations.length
      : 0,
  };
}

const isSecretStore = ({ type }: ComponentSpec): boolean => type.startsWith('secretstores.');

function findingOf({ file, line, field, message }: Problem, level: Finding['level']): Finding {
  return { level, file, line, resource: '', message: field ? `${field}: ${message}` : message };
}

/** What a strict reader refuses, unknown fields among it. */
function strictProblems(files: readonly ResourceFile[]): Finding[] {
  try {
    const { warnings } = parseResources(files, { kinds: ALL_KINDS });
    return warnings.map((warning) => findingOf(warning, 'warning'));
  } catch (error) {
    if (!isTroupeError(error)) throw error;
    const { problems } = error.details as { problems: readonly Problem[] };
    return problems.map((problem) => findingOf(problem, 'error'));
  }
}

/** What is sound beside that; undefined when not even that can be told, of which the findings say why. */
function tolerant(
  files: readonly ResourceFile[],
  findings: Finding[],
): ParsedResources | undefined {
  try {
    return parseResources(files, { kinds: ALL_KINDS, broken: 'report' });
  } catch (error) {
    if (!isTroupeError(error) || findings.length === 0) throw error;
    return undefined;
  }
}

function at(spec: ComponentSpec, item: MetadataItem | undefined, message: string): Finding {
  return {
    level: 'error',
    file: spec.source?.file ?? '',
    line: item?.line ?? spec.source?.line ?? 1,
    resource: `component "${spec.name}"`,
    message,
  };
}

/** Names of components that are not there, and what only one may be. */
function references({ components, subscriptions }: ParsedResources): Finding[] {
  const findings: Finding[] = [];
  const pubsubs = new Set(
    components.filter(({ type }) => type.startsWith('pubsub.')).map(({ name }) => name),
  );
  for (const { name, pubsubname, source } of subscriptions) {
    if (pubsubs.has(pubsubname)) continue;
    const message = `names the pub/sub component "${pubsubname}", which is not among these files`;
    findings.push({
      ...{ level: 'error', file: source?.file ?? '', line: source?.line ?? 1 },
      ...{ resource: `subscription "${name}"`, message },
    });
  }
  const actorStores = components.filter((spec) => isTrue(itemOf(spec, 'actorStateStore')));
  for (const spec of actorStores.slice(1)) {
    const first = actorStores[0]!.name;
    const message = `"${first}" keeps the actors already; only one component can have actorStateStore "true"`;
    findings.push(at(spec, itemOf(spec, 'actorStateStore'), message));
  }
  for (const spec of components)
    for (const field of ['outboxPublishPubsub', 'outboxPubsub']) {
      const item = itemOf(spec, field);
      if (!item || !('value' in item) || item.value === '' || pubsubs.has(item.value)) continue;
      const message = `"${field}" names the pub/sub component "${item.value}", which is not among these files`;
      findings.push(at(spec, item, message));
    }
  return findings;
}

function itemOf({ metadata }: ComponentSpec, field: string): MetadataItem | undefined {
  return metadata.find(({ name }) => name.toLowerCase() === field.toLowerCase());
}

const isTrue = (item: MetadataItem | undefined): boolean =>
  item !== undefined && 'value' in item && /^(?:true|t|1|y|yes|on)$/i.test(item.value.trim());

/** What is wrong with its type, its version and the names of its metadata. */
async function declared(spec: ComponentSpec, registry: Registry): Promise<Finding[]> {
  try {
    const { kind, fields, driver } = await registry.resolve(spec.type, spec.version);
    if (kind === 'nameresolution')
      return [
        at(
          spec,
          undefined,
          'a name resolver belongs into spec.nameResolution of a Configuration, not into a Component',
        ),
      ];
    const known =
      kind === 'pubsub'
        ? [
            ...fields,
            ...TOPIC_FIELDS.filter(({ name }) => !fields.some((one) => one.name === name)),
          ]
        : fields;
    const names = spec.metadata.map((item) => [
      item.name,
      'value' in item ? item.value : 'reference',
    ]);
    return checkMetadata(Object.fromEntries(names) as Record<string, string>, known)
      .filter(({ kind: wrong }) => wrong !== 'unknown' || !driver.openMetadata)
      .map(({ field, message }) => at(spec, itemOf(spec, field), message));
  } catch (error) {
    if (!isTroupeError(error)) throw error;
    return [at(spec, undefined, error.message)];
  }
}

async function openSecretStores(
  sound: readonly ComponentSpec[],
  options: ExamineOptions,
  findings: Finding[],
) {
  const stack = new AsyncDisposableStack();
  const open = new Map<string, SecretStore>();
  const specs: ComponentSpec[] = [];
  for (const spec of sound.filter(isSecretStore)) {
    try {
      const loaded = stack.use(await load([spec], options));
      for (const [name, store] of loaded.secretStores) open.set(name, store);
      specs.push(spec);
    } catch (error) {
      findings.push(refused(spec, error));
    }
  }
  return { open, specs, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Secrets and environment variables that are missing. */
async function unresolved(
  spec: ComponentSpec,
  { appId, env, signal }: ExamineOptions,
  secretStores: ReadonlyMap<string, SecretStore>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const item of spec.metadata) {
    const alone = { ...spec, metadata: [item] };
    try {
      await resolveMetadata(alone, { appId, env, secretStores, uuid: () => '' }, signal);
    } catch (error) {
      findings.push({ ...refused(spec, error), line: item.line ?? spec.source?.line ?? 1 });
    }
  }
  return findings;
}

/** Opens it beside the secret stores, as a host would: a store of actors must be fit for them. */
async function opening(
  spec: ComponentSpec,
  secretStores: readonly ComponentSpec[],
  options: ExamineOptions,
): Promise<Finding[]> {
  try {
    await (await load([...secretStores, spec], options)).close();
    return [];
  } catch (error) {
    return [refused(spec, error)];
  }
}

function load(
  specs: readonly ComponentSpec[],
  { registry, appId, env, now, signal }: ExamineOptions,
): Promise<LoadedComponents> {
  const strict = specs.map((spec) => ({ ...spec, ignoreErrors: false }));
  return loadComponents(strict, { registry, appId, env, now, signal, logger: silent });
}

/** The error of a component, without the names that stand before its finding anyhow. */
function refused(spec: ComponentSpec, error: unknown): Finding {
  if (!isTroupeError(error)) throw error;
  const start = `component "${spec.name}" (${spec.type}): `;
  let message = error.message.startsWith(start) ? error.message.slice(start.length) : error.message;
  const place = `${spec.source?.file}:`;
  if (message.startsWith(place)) message = message.slice(message.indexOf(': ', place.length) + 2);
  return at(spec, undefined, message);
}
