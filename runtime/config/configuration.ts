/**
 * What a `kind: Configuration` comes to, with every default in place:
 * what a sidecar is told about itself.
 */
import type { RawConfiguration } from './configuration-shape.ts';

type Spec = NonNullable<RawConfiguration['spec']>;

/** A middleware component in a pipeline, by its name. */
export interface Handler {
  readonly name: string;
  /** Type name, for example `middleware.http.ratelimit`. */
  readonly type: string;
  /** Default `v1`. */
  readonly version: string;
}

export interface ApiRule {
  /** For example `state`. */
  readonly name: string;
  /** For example `v1`, `v1alpha1`. */
  readonly version: string;
  readonly protocol: 'http' | 'grpc';
}

export interface SecretScope {
  readonly storeName: string;
  readonly defaultAccess: 'allow' | 'deny';
  readonly allowedSecrets: readonly string[];
  readonly deniedSecrets: readonly string[];
}

export interface AccessOperation {
  /** Path, with `*` for anything. */
  readonly name: string;
  /** Verbs in upper case, or `*`. Empty: all. */
  readonly httpVerb: readonly string[];
  readonly action: 'allow' | 'deny';
}

export interface AccessPolicy {
  readonly appId: string;
  readonly defaultAction: 'allow' | 'deny' | '';
  readonly trustDomain: string;
  readonly namespace: string;
  readonly operations: readonly AccessOperation[];
}

export interface Configuration {
  readonly name: string;
  readonly httpPipeline: readonly Handler[];
  readonly appHttpPipeline: readonly Handler[];
  readonly tracing: {
    /** As written; absent when unset. `0` is off. */
    readonly samplingRate?: string;
    readonly stdout: boolean;
    readonly zipkin?: { readonly endpointAddress: string };
    readonly otel: {
      readonly protocol?: 'http' | 'grpc';
      readonly endpointAddress?: string;
      /** Default true. */
      readonly isSecure: boolean;
      /** `name=value` each. */
      readonly headers: readonly string[];
      readonly timeoutMs?: number;
    };
  };
  readonly mtls?: NonNullable<Spec['mtls']>;
  /** `metric`, with `metrics` over it. */
  readonly metrics: {
    /** Default true. */
    readonly enabled: boolean;
    readonly recordErrorCodes: boolean;
    readonly http: {
      /** Default true. */
      readonly increasedCardinality: boolean;
      readonly pathMatching: readonly string[];
      readonly excludeVerbs: boolean;
    };
    readonly latencyDistributionBuckets?: readonly number[];
    readonly rules: readonly {
      readonly name: string;
      readonly labels: readonly {
        readonly name: string;
        readonly regex: Readonly<Record<string, string>>;
      }[];
    }[];
  };
  readonly secretScopes: readonly SecretScope[];
  /** Absent: nothing restricts who may call. */
  readonly accessControl?: {
    readonly defaultAction: 'allow' | 'deny';
    readonly trustDomain: string;
    readonly policies: readonly AccessPolicy[];
  };
  readonly nameResolution?: {
    readonly component: string;
    readonly version: string;
    readonly configuration: unknown;
  };
  /** With Dapr's defaults where the files say nothing. */
  readonly features: Readonly<Record<string, boolean>>;
  readonly api: { readonly allowed: readonly ApiRule[]; readonly denied: readonly ApiRule[] };
  /** Component types that may not be used: `state.redis`, or `state.redis/v1`. */
  readonly deniedComponents: readonly string[];
  readonly apiLogging: {
    /** Absent: the flag decides. */
    readonly enabled?: boolean;
    readonly obfuscateURLs: boolean;
    readonly omitHealthChecks: boolean;
  };
  readonly workflow: NonNullable<Spec['workflow']>;
}
