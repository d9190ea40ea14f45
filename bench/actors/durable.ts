/** How many turns a second commit their state to a synced SQLite file, by the number of callers? */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createSystem } from 'troupe';
import { interleave } from '../harness/fork.ts';
import { measureEach } from '../harness/measure.ts';
import { type Measure, type Question, rateOf, resultOf } from '../harness/question.ts';
import { medianOf } from '../harness/stats.ts';
import { Durable, HIT } from './counters.ts';
import { sqliteIn } from './disk.ts';
import { scratch } from '../harness/scratch.ts';
import { spread } from './spread.ts';

const ACTORS = 1000;

const troupe: Measure = async (params, scale) => {
  const callers = Number(params['callers']);
  await using folder = await scratch(scale.dir);
  await using system = await createSystem({
    actors: [Durable],
    components: sqliteIn(folder),
  });
  const refs = Array.from({ length: ACTORS }, (_, at) => system.ref(Durable, `actor-${at}`));
  for (const ref of refs) await ref.hit(HIT);
  const pick = spread(callers, ACTORS);
  let calls = ACTORS;
  const result = await measureEach(
    (caller) => {
      calls++;
      return refs[pick(caller)]!.hit(HIT);
    },
    { ...scale, callers },
  );
  const { durableTurns } = system.stats();
  if (durableTurns !== calls)
    throw new Error(`${calls} calls were answered but ${durableTurns} turns were committed`);
  return result;
};

/** What SQLite does by itself: an upsert a transaction, the same journal and sync. */
const sqlite: Measure = async (_params, scale) => {
  await using folder = await scratch(scale.dir);
  using database = new DatabaseSync(join(folder.path, 'bare.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID');
  const upsert = database.prepare(
    'INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  let count = 0;
  return await measureEach(
    async () => {
      count++;
      upsert.run(`actor-${count % ACTORS}`, `{"value":${count}}`);
    },
    { ...scale, callers: 1 },
  );
};

/** What the disk does by itself. */
const disk: Measure = async (_params, scale) => {
  await using folder = await scratch(scale.dir);
  const file = await open(join(folder.path, 'sync'), 'w');
  const page = new Uint8Array(4096);
  const { fdatasyncSync, writeSync } = await import('node:fs');
  try {
    let at = 0;
    return await measureEach(
      async () => {
        writeSync(file.fd, page, 0, page.length, (at++ % 1024) * page.length);
        fdatasyncSync(file.fd);
      },
      { ...scale, callers: 1 },
    );
  } finally {
    await file.close();
  }
};

export const contenders: Readonly<Record<string, Measure>> = { troupe, sqlite, disk };

const CALLERS = [1, 32, 256];

export const question: Question = {
  name: 'durable',
  title: `Durable turns: state committed to SQLite with full sync, ${ACTORS.toLocaleString('en-US')} actors`,
  async ask(scale, progress) {
    const nameOf = (callers: number): string =>
      `Troupe, ${callers} caller${callers === 1 ? '' : 's'}`;
    const results = await interleave(
      import.meta.filename,
      [
        { name: 'write of 4 kB and fdatasync', run: 'disk' },
        { name: 'bare node:sqlite, a transaction a call', run: 'sqlite' },
        ...CALLERS.map((callers) => ({
          name: nameOf(callers),
          run: 'troupe',
          params: { callers },
        })),
      ],
      scale,
      progress,
    );
    return {
      results,
      aims: CALLERS.map((callers) => ({
        what: `durable turns on SQLite, full sync, ${callers} caller${callers === 1 ? '' : 's'}`,
        unit: 'turns/s',
        ...(callers === 256 ? { aim: 50_000 } : {}),
        better: 'higher' as const,
        measured: medianOf(resultOf(results, nameOf(callers)).rounds, rateOf),
      })),
    };
  },
};
