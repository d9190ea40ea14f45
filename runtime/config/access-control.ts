/**
 * Who may call what of the app: `spec.accessControl` of a Configuration, held
 * against a call on the side of the app that is called. Only mutual TLS proves
 * who calls, so without it the caller is unknown and the default action counts.
 */
import type { AccessOperation, AccessPolicy, Configuration } from './configuration.ts';

/** As the certificate of a caller proves it. */
export interface Caller {
  readonly appId: string;
  readonly namespace: string;
  readonly trustDomain: string;
}

export interface ControlledCall {
  /** Undefined: it is not known who calls. */
  readonly caller: Caller | undefined;
  /** Method path, with or without a leading slash; of gRPC the full name. */
  readonly operation: string;
  /** Upper case; undefined for a call that has none. */
  readonly verb: string | undefined;
  /** The app speaks HTTP: paths count without regard to case, and verbs count. */
  readonly isHttp: boolean;
}

/** Undefined when the call is allowed, else why not. */
export type CheckAccess = (call: ControlledCall) => string | undefined;

interface Rule {
  readonly pattern: RegExp;
  readonly operation: AccessOperation;
}

const ESCAPED = /[.+?^${}()|[\]\\]/g;

/** `*` is within one part of a path, `**` goes over parts, and a path without either stands for all below it. */
function patternOf(name: string, isHttp: boolean): RegExp {
  const path = name.startsWith('/') ? name : `/${name}`;
  const source = path.replaceAll(ESCAPED, String.raw`\$&`);
  const flags = isHttp ? 'i' : '';
  if (source.endsWith('/**')) return new RegExp(`^${inner(source.slice(0, -3))}(?:/.*)?$`, flags);
  if (source.endsWith('/*')) return new RegExp(`^${inner(source.slice(0, -2))}(?:/[^/]*)?$`, flags);
  return new RegExp(`^${inner(source)}(?:/.*)?$`, flags);
}

const inner = (source: string): string =>
  source.replaceAll(/\*+/g, (stars) => (stars.length > 1 ? '.*' : '[^/]*'));

export function createAccessControl(
  { defaultAction, policies }: NonNullable<Configuration['accessControl']>,
  isHttp: boolean,
): CheckAccess {
  const compiled = policies.map((policy) => ({
    policy,
    rules: policy.operations.map((operation) => ({
      operation,
      pattern: patternOf(operation.name, isHttp),
    })),
  }));
  return (call) => {
    const { caller } = call;
    const found = caller && compiled.find(({ policy }) => isOf(policy, caller));
    const action = found ? actionOf(found.policy, found.rules, call, defaultAction) : defaultAction;
    if (action === 'allow') return undefined;
    const id = caller
      ? `spiffe://${caller.trustDomain}/ns/${caller.namespace}/${caller.appId}`
      : 'unknown';
    return `access control policy has denied access to id: ${id} operation: ${call.operation} verb: ${call.verb ?? 'NONE'}`;
  };
}

const isOf = (policy: AccessPolicy, { appId, namespace, trustDomain }: Caller): boolean =>
  policy.appId === appId && policy.namespace === namespace && policy.trustDomain === trustDomain;

function actionOf(
  policy: AccessPolicy,
  rules: readonly Rule[],
  { operation, verb, isHttp }: ControlledCall,
  defaultAction: 'allow' | 'deny',
): 'allow' | 'deny' {
  const fallback = policy.defaultAction || defaultAction;
  const path = operation.startsWith('/') ? operation : `/${operation}`;
  const rule = rules.find(({ pattern }) => pattern.test(path));
  if (!rule) return fallback;
  if (!isHttp) return rule.operation.action;
  const verbs = rule.operation.httpVerb;
  return verb !== undefined && (verbs.includes(verb) || verbs.includes('*'))
    ? rule.operation.action
    : fallback;
}
