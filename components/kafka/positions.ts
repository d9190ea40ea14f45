/**
 * Where a group begins that begins with new events only. Its position is
 * written down as soon as it has the partition: a consumer that ends before
 * its first event is done would else begin anew behind it.
 */
import type { Admin, TopicPartitionOffsetAndMetadata } from 'kafkajs';
import type { KafkaSettings } from './settings.ts';

export class Positions {
  readonly #settings: KafkaSettings;
  readonly #admin: () => Promise<Admin>;
  /** End of each partition when its topic was first subscribed to, by topic and partition. */
  readonly #ends = new Map<string, ReadonlyMap<number, string>>();

  constructor(settings: KafkaSettings, admin: () => Promise<Admin>) {
    this.#settings = settings;
    this.#admin = admin;
  }

  /** Before the group is joined. */
  async note(topics: readonly string[]): Promise<void> {
    if (this.#settings.fromBeginning) return;
    const admin = await this.#admin();
    for (const topic of topics) {
      if (this.#ends.has(topic)) continue;
      const ends = await admin.fetchTopicOffsets(topic);
      this.#ends.set(topic, new Map(ends.map(({ partition, offset }) => [partition, offset])));
    }
  }

  /** When the group has given partitions: writes the positions of those that have none. */
  async keep(
    assignment: Readonly<Record<string, readonly number[]>>,
    commit: (offsets: TopicPartitionOffsetAndMetadata[]) => Promise<void>,
  ): Promise<void> {
    const topics = Object.keys(assignment);
    if (this.#settings.fromBeginning || topics.length === 0) return;
    const admin = await this.#admin();
    const known = await admin.fetchOffsets({ groupId: this.#settings.group, topics });
    const missing = known.flatMap(({ topic, partitions }) =>
      partitions
        .filter(
          ({ partition, offset }) => offset === '-1' && assignment[topic]?.includes(partition),
        )
        .map(({ partition }) => {
          // A partition that came later is new from its beginning on.
          const offset = this.#ends.get(topic)?.get(partition) ?? '0';
          return { topic, partition, offset };
        }),
    );
    if (missing.length > 0) await commit(missing);
  }
}
