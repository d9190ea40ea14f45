/** The contract of a secret store: a secret is a named set of key-value pairs. */
import type { Component } from '../component.ts';

/** Feature name as in Dapr: `MULTIPLE_KEY_VALUES_PER_SECRET`. */
export interface SecretStore extends Component {
  /** Rejects with a ComponentError of code NOT_FOUND when there is no such secret. */
  getSecret(name: string, options?: { signal?: AbortSignal }): Promise<Record<string, string>>;
  getBulkSecrets(options?: {
    signal?: AbortSignal;
  }): Promise<Record<string, Record<string, string>>>;
}
