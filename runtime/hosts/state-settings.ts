/** What the metadata of a state component says to the runtime: its encryption keys, and its outbox. */
import {
  createStateEncryption,
  type StateEncryption,
  type StateKey,
} from '../api/state-encryption.ts';
import type { OutboxSettings } from '../api/state-outbox.ts';
import type { ComponentSpec } from '../config/component.ts';
import { entryName, invalid } from './component-metadata.ts';

/** Undefined when the component has no key. The name of a key is that of its secret, as in Dapr. */
export function encryptionOf(
  spec: ComponentSpec,
  value: (field: string) => string,
): StateEncryption | undefined {
  const keyOf = (field: string): StateKey | undefined => {
    const item = spec.metadata.find(({ name }) => name.toLowerCase() === field.toLowerCase());
    if (!item) return undefined;
    if (!('secretKeyRef' in item)) {
      throw invalid(
        spec,
        `${entryName(spec, item)} must be a secretKeyRef: the secret's name is kept beside each value`,
      );
    }
    return { name: item.secretKeyRef.name, hex: value(field) };
  };
  const primary = keyOf('primaryEncryptionKey');
  const secondary = keyOf('secondaryEncryptionKey');
  if (!primary) {
    if (!secondary) return undefined;
    throw invalid(spec, 'has a secondaryEncryptionKey and no primaryEncryptionKey; add one');
  }
  try {
    return createStateEncryption(primary, secondary);
  } catch (cause) {
    throw invalid(spec, `an encryption key ${(cause as Error).message}`);
  }
}

/** Undefined when the component has no outbox. */
export function outboxOf(
  spec: ComponentSpec,
  value: (field: string) => string,
): OutboxSettings | undefined {
  const publishPubsub = value('outboxPublishPubsub');
  const publishTopic = value('outboxPublishTopic');
  if (publishPubsub === '' && publishTopic === '') return undefined;
  if (publishPubsub === '' || publishTopic === '')
    throw invalid(spec, 'needs both outboxPublishPubsub and outboxPublishTopic for an outbox');
  const discard = value('outboxDiscardWhenMissingState').trim().toLowerCase();
  return {
    publishPubsub,
    publishTopic,
    pubsub: value('outboxPubsub') || publishPubsub,
    discardWhenMissing: ['y', 'yes', 'true', 't', 'on', '1'].includes(discard),
  };
}
