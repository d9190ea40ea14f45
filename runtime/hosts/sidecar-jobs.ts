/**
 * Where a sidecar keeps jobs: beside the actors, or, when no component is
 * marked for them, in a SQLite file of its own, so that jobs need no component
 * as they need none in Dapr.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { component } from '../config/component.ts';
import type { JobScheduler } from '../core/job-scheduler.ts';
import type { Clock } from '../core/ports.ts';
import { jobsOf, openComponents } from './composition.ts';
import type { LoadedComponents } from './loaded-components.ts';
import type { SidecarLog } from './sidecar-log.ts';

export interface SidecarJobsOptions {
  readonly components: LoadedComponents;
  readonly appId: string;
  /** Undefined: only a component keeps jobs. */
  readonly file: string | undefined;
  readonly clock: Clock;
  readonly log: SidecarLog;
}

export interface SidecarJobs extends AsyncDisposable {
  /** Undefined when nothing keeps jobs. */
  readonly jobs: JobScheduler | undefined;
}

/** A file that cannot be opened is a warning: then jobs are refused, and all else works. */
export async function openSidecarJobs({
  components,
  appId,
  file,
  clock,
  log,
}: SidecarJobsOptions): Promise<SidecarJobs> {
  const logger = log.scoped('dapr.runtime.scheduler');
  const kept = (from: LoadedComponents): JobScheduler | undefined =>
    jobsOf(from, { appId, clock, logger });
  const none = async (): Promise<void> => {};
  if (components.actorStore) {
    return { jobs: kept(components), [Symbol.asyncDispose]: none };
  }
  if (file === undefined) {
    log.info({}, 'Scheduler disabled, no scheduler is named and no state component keeps jobs');
    return { jobs: undefined, [Symbol.asyncDispose]: none };
  }
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const own = await openComponents({
      components: [
        component('jobs', 'state.sqlite', { connectionString: file, actorStateStore: 'true' }),
      ],
      appId,
      clock,
      logger,
      env: {},
    });
    log.info({ file }, 'jobs are kept in a file');
    return { jobs: kept(own), [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
  } catch (error) {
    log.warn({ file, err: error }, 'the file of jobs could not be opened, jobs are refused');
    return { jobs: undefined, [Symbol.asyncDispose]: none };
  }
}
