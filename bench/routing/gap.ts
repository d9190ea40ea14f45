/** How far from the best known cost is Troupe after the same time as the peers, and what do simple tours cost? */
import { simpleTours } from '../../workers/tasks/routing/simple.ts';
import type { Aim, Question } from '../harness/question.ts';
import { figure, table } from '../harness/report.ts';
import { type Case, casesOf, gapOf, instanceOf, nameOf, requireData } from './instances.ts';
import { type Peer, type PeerRun, PEERS, requirePeers, runPeer, vroomMost } from './peers.ts';
import { inTurn, type Run, type Runs, SIDE_BY_SIDE } from './runs.ts';

interface Row {
  readonly one: Case;
  readonly troupe: Run[];
  readonly peers: Partial<Record<Peer, PeerRun>>;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(2));
const meanGap = ({ one, troupe }: Row): number => mean(troupe.map(({ cost }) => gapOf(one, cost)));

function gapTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    const gaps = row.troupe.map(({ cost }) => gapOf(row.one, cost));
    const peers = PEERS.map((peer) => gapOf(row.one, row.peers[peer]?.cost ?? Number.NaN));
    return [
      nameOf(row.one),
      `${row.one.seconds} s`,
      figure(row.one.best),
      percent(mean(gaps)),
      percent(Math.min(...gaps)),
      percent(Math.max(...gaps)),
      figure(mean(row.troupe.map(({ iterations, seconds }) => iterations / seconds))),
      ...peers.map(percent),
      `${figure(row.peers.vroom?.seconds ?? Number.NaN)} s`,
    ];
  });
  const head = ['gap in %', 'time', 'best known', 'Troupe', 'best', 'worst', 'iterations/s'];
  return table([...head, 'PyVRP', 'OR-Tools', 'VROOM', 'its time'], cells);
}

function savingsOf(rows: readonly Row[]) {
  return rows.map(({ one, troupe }) => {
    const { firstInFirstOut, nearestNeighbour, savings } = simpleTours(instanceOf(one));
    const cost = mean(troupe.map((run) => run.cost));
    return {
      name: nameOf(one),
      firstInFirstOut: (1 - cost / firstInFirstOut.cost) * 100,
      nearestNeighbour: (1 - cost / nearestNeighbour.cost) * 100,
      savings: (1 - cost / savings.cost) * 100,
    };
  });
}

function savingsTable(saved: ReturnType<typeof savingsOf>): string {
  const head = ['distance saved in %', 'first in first out', 'nearest neighbour', 'savings'];
  const rows = saved.map(({ name, ...by }) => [name, ...Object.values(by).map(percent)]);
  return table(head, rows);
}

function aimsOf(rows: readonly Row[], short: boolean): Aim[] {
  const aims: Aim[] = [];
  const gap = (family: Case['family'], what: string, aim?: number): void => {
    const of = rows.filter(({ one }) => one.family === family);
    if (of.length === 0) return;
    const measured = mean(of.map(meanGap));
    aims.push({
      what,
      unit: '%',
      better: 'lower',
      measured,
      ...(aim === undefined ? {} : { aim }),
    });
  };
  // The short form gives less time than the aims are for.
  const held = (aim: number): number | undefined => (short ? undefined : aim);
  gap('up to 303', 'mean gap, X up to 303', held(0.8));
  gap('up to 1001', 'mean gap, X-n502 and X-n1001', held(1));
  gap('Solomon', 'mean gap, Solomon', held(1));
  gap('Homberger', 'mean gap, Homberger');
  const saved = mean(savingsOf(rows).map(({ firstInFirstOut }) => firstInFirstOut));
  aims.push({
    what: 'distance saved against first in first out',
    unit: '%',
    better: 'higher',
    measured: saved,
  });
  return aims;
}

export function gapQuestion(runs: Runs): Question {
  return {
    name: 'gap',
    title: 'Gap to the best known cost, one worker, beside the peers',
    async check() {
      await requireData();
      await requirePeers();
    },
    async ask({ short, rounds }, progress) {
      const rows: Row[] = casesOf(short).map((one) => ({ one, troupe: [], peers: {} }));
      const seeds = Array.from({ length: rounds }, (_, at) => at + 1);
      const most = vroomMost(short);
      const jobs = rows.flatMap((row) => [
        ...seeds.map((seed) => async () => {
          progress(`${nameOf(row.one)}, Troupe, seed ${seed}`);
          row.troupe.push(await runs.run(row.one, seed, 1));
        }),
        ...PEERS.map((peer) => async () => {
          progress(`${nameOf(row.one)}, ${peer}`);
          row.peers[peer] = await runPeer(peer, row.one, peer === 'vroom' ? most : row.one.seconds);
        }),
      ]);
      await inTurn(jobs);
      const versions = PEERS.map((peer) => `${peer} ${rows[0]!.peers[peer]?.version}`).join(', ');
      const saved = savingsOf(rows);
      return {
        results: [],
        aims: aimsOf(rows, short),
        table: `${gapTable(rows)}\n\n${savingsTable(saved)}`,
        data: { rows, saved },
        notes: [
          `${rounds} seeds of Troupe, one of each peer (${versions}), one thread each, ${SIDE_BY_SIDE} runs at a time for all alike; every plan is verified by one checker.`,
          ...rows.flatMap(({ one, peers }) =>
            PEERS.flatMap((peer) => {
              const problem = peers[peer]?.problem;
              return problem === undefined ? [] : [`${peer} on ${nameOf(one)}: ${problem}.`];
            }),
          ),
          `VROOM takes no time limit here but is stopped after ${most} s.`,
        ],
      };
    },
  };
}
