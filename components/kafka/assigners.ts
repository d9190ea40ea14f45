/**
 * Who of a consumer group reads which partitions, by the names and rules of
 * daprd's client, so that both may be members of one group.
 */
import kafkajs, { type Assigner, type Cluster, type PartitionAssigner } from 'kafkajs';
import type { KafkaSettings } from './settings.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const VERSION = 1;

type Assignment = Record<string, number[]>;
/** Puts the partitions of each topic on the members that read it; both lists are sorted. */
type Share = (readers: ReadonlyMap<string, readonly string[]>, partitions: Partitions) => Plan;
type Partitions = (topic: string) => readonly number[];
type Plan = Map<string, Assignment>;

function give(plan: Plan, member: string, topic: string, partitions: readonly number[]): void {
  const topics = plan.get(member) ?? {};
  topics[topic] = [...(topics[topic] ?? []), ...partitions];
  plan.set(member, topics);
}

const SHARES: Readonly<Record<KafkaSettings['strategy'], Share>> = {
  range(readers, partitionsOf) {
    const plan: Plan = new Map();
    for (const [topic, members] of readers) {
      const partitions = partitionsOf(topic);
      const each = Math.floor(partitions.length / members.length);
      const more = partitions.length % members.length;
      for (const [i, member] of members.entries()) {
        const start = i * each + Math.min(more, i);
        give(plan, member, topic, partitions.slice(start, start + each + (i < more ? 1 : 0)));
      }
    }
    return plan;
  },
  roundrobin(readers, partitionsOf) {
    const plan: Plan = new Map();
    const all = [...new Set([...readers.values()].flat())].sort();
    let next = 0;
    for (const [topic, members] of readers) {
      for (const partition of partitionsOf(topic)) {
        while (!members.includes(all[next % all.length]!)) next++;
        give(plan, all[next++ % all.length]!, topic, [partition]);
      }
    }
    return plan;
  },
};

/** The library's types leave out what its brokers can. */
type Coordinator = Awaited<ReturnType<Cluster['findGroupCoordinator']>> & {
  leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>;
};

/**
 * @param beforeJoin is waited for whenever this member is about to join anew, which gives up all it has.
 * @param former the member that this process was before it lost the brokers. It could not leave then,
 *   and the group would wait for it until its session is over.
 */
export function createAssigner(
  strategy: KafkaSettings['strategy'],
  beforeJoin: () => Promise<void>,
  former: string | undefined,
): PartitionAssigner {
  let left = former;
  return ({ cluster }) => {
    // A member asks for the coordinator of its group at the beginning of each join, and at no other time.
    const find = cluster.findGroupCoordinator.bind(cluster);
    cluster.findGroupCoordinator = async (group) => {
      await beforeJoin();
      const coordinator = (await find(group)) as Coordinator;
      if (left !== undefined) {
        const leaving = { groupId: group.groupId, memberId: left };
        left = undefined;
        // One that the group has forgotten is what is wanted.
        await coordinator.leaveGroup(leaving).catch(() => {});
      }
      return coordinator;
    };
    return assignerOf(strategy, cluster);
  };
}

function assignerOf(strategy: KafkaSettings['strategy'], cluster: Cluster): Assigner {
  return {
    name: strategy,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: strategy,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) }),
    }),
    async assign({ members }) {
      const readers = new Map<string, string[]>();
      for (const { memberId, memberMetadata } of members) {
        for (const topic of MemberMetadata.decode(memberMetadata)?.topics ?? [])
          readers.set(topic, [...(readers.get(topic) ?? []), memberId]);
      }
      const topics = [...readers.keys()].sort();
      // Other members may read topics that this one does not.
      await cluster.addMultipleTargetTopics(topics);
      const sorted = new Map(topics.map((topic) => [topic, readers.get(topic)!.sort()]));
      const partitionsOf: Partitions = (topic) =>
        cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId }) => partitionId)
          .sort((a, b) => a - b);
      const plan = SHARES[strategy](sorted, partitionsOf);
      return members.map(({ memberId }) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: plan.get(memberId) ?? {},
          userData: Buffer.alloc(0),
        }),
      }));
    },
  };
}
