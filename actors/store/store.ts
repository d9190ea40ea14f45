/**
 * One store: takes the reports of its edge, each event once and in order, and
 * keeps counts, heat and occupancy by camera and hour. It holds the number up to
 * which each lane is in the counts in the same state as the counts, so that a
 * report that comes again changes nothing.
 */
import { Actor, ActorError, type Firing, type StateEntry } from 'troupe/actor';
import type {
  Alarm,
  HeatMap,
  HeatRequest,
  RegionApi,
  Report,
  ReportAnswer,
  Settings,
  StoreApi,
  StoreServices,
  StoreView,
} from './api.ts';
import {
  addHeatOf,
  countEvent,
  countLoss,
  freshCamera,
  freshHead,
  freshHour,
  hourOf,
  KEPT_HOURS,
  LATEST_ALARMS,
  type CameraEntry,
  type Head,
  type HourEntry,
} from './book.ts';
import { addHeat, COLUMNS, emptyHeat, ROWS } from './heat.ts';
import { pageOf } from './page.ts';
import { pictureOf } from './picture.ts';
import { LANES, openReport, type LaneName, type Part, type StoreEvent } from './report.ts';
import { viewOf } from './view.ts';

const NAME = /^[\w.-]{1,32}$/;
const MOST_CAMERAS = 64;
const MOST_SETTINGS = 16 * 1024;
const ROLL_UP = 'roll up';
const ROLL_UP_DELAY = '30s';

function refuse(code: string, what: string, status = 400): ActorError {
  return new ActorError(code, what, { status });
}

export class Store extends Actor<StoreServices | undefined> implements StoreApi {
  static readonly type = 'Store';
  static readonly options = { readOnly: ['view', 'heatMap', 'picture', 'page'] };

  readonly #head = this.state<Head>('head', { initial: freshHead });
  readonly #hours = new Map<string, StateEntry<HourEntry>>();

  async report({ camera: name, stream, packed }: Report): Promise<ReportAnswer> {
    if (typeof name !== 'string' || !NAME.test(name)) throw refuse('INVALID_REPORT', 'no camera');
    if (typeof stream !== 'string' || stream.length > 64)
      throw refuse('INVALID_REPORT', 'no stream');
    const { lanes, status } = openReport(packed);
    const head = await this.#head.get();
    const camera = this.#camera(head, name, stream);
    const fresh = LANES.flatMap((lane) => admit(camera, lane, lanes[lane] ?? []));
    await this.#count(head, name, fresh);
    if (status) camera.reported = { ...status, at: this.ctx.now() };
    const { desired, through } = camera;
    const isBehind = desired && status && status.version !== desired.version;
    return { through: { ...through }, ...(isBehind ? { desired } : {}) };
  }

  async setUp({ region }: { region: string }): Promise<void> {
    if (typeof region !== 'string' || !NAME.test(region)) {
      throw refuse(
        'INVALID_SETTINGS',
        'a region has a name of up to 32 letters, digits, dots and dashes',
      );
    }
    (await this.#head.get()).region = region;
  }

  async configure(request: { camera: string; settings: Settings }): Promise<{ version: number }> {
    const { camera: name, settings } = request ?? {};
    const isObject = typeof settings === 'object' && settings !== null && !Array.isArray(settings);
    if (!isObject || JSON.stringify(settings).length > MOST_SETTINGS) {
      throw refuse('INVALID_SETTINGS', `settings are an object of at most ${MOST_SETTINGS} bytes`);
    }
    const camera = cameraOf(await this.#head.get(), name);
    const version = Math.max(camera.desired?.version ?? 0, camera.reported?.version ?? 0) + 1;
    camera.desired = { version, settings };
    return { version };
  }

  async view(): Promise<StoreView> {
    const head = await this.#head.get();
    const hours = await Promise.all(head.hours.map((hour) => this.#hour(hour).get()));
    return viewOf(this.ctx.id, head, hours);
  }

  async heatMap(request?: HeatRequest): Promise<HeatMap> {
    const head = await this.#head.get();
    const { camera, hours = head.hours } = request ?? {};
    if (camera !== undefined) cameraOf(head, camera);
    const heat = emptyHeat();
    for (const hour of hours) {
      if (!head.hours.includes(hour)) {
        throw refuse(
          'NOT_FOUND',
          `the hour ${hour} is not kept; there are ${head.hours.join(', ')}`,
          404,
        );
      }
      const entry = await this.#hour(hour).get();
      for (const [name, packed] of Object.entries(entry.heat)) {
        if (camera === undefined || camera === name) addHeat(packed, heat);
      }
    }
    return { columns: COLUMNS, rows: ROWS, seconds: Array.from(heat, (tenths) => tenths / 10) };
  }

  async picture(request?: HeatRequest): Promise<{ png: string }> {
    return { png: pictureOf(await this.heatMap(request)).toString('base64') };
  }

  async page(): Promise<string> {
    const view = await this.view();
    const pictures = await Promise.all(
      view.cameras.map(async ({ camera }) => (await this.picture({ camera })).png),
    );
    return pageOf(view, pictures);
  }

  override async onReminder({ name }: Firing): Promise<void> {
    if (name !== ROLL_UP) return;
    const head = await this.#head.get();
    if (!head.region || !head.untold) return;
    const hours = await Promise.all(
      head.untold
        .filter((hour) => head.hours.includes(hour))
        .map(async (hour) => [hour, (await this.#hour(hour).get()).counts] as const),
    );
    const cameras = Object.values(head.cameras);
    this.ctx.outbox.ref<RegionApi>('Region', head.region).told({
      store: this.ctx.id,
      occupancy: cameras.reduce((sum, { occupancy }) => sum + occupancy, 0),
      lost: cameras.reduce((sum, { lost }) => sum + lost.events, 0),
      hours: Object.fromEntries(hours),
    });
    head.untold = null;
  }

  /** A camera with another queue than before begins at number 1 again; what it counted stays. */
  #camera(head: Head, name: string, stream: string): CameraEntry {
    let camera = head.cameras[name];
    if (!camera) {
      if (Object.keys(head.cameras).length >= MOST_CAMERAS) {
        throw refuse('INVALID_REPORT', `a store has at most ${MOST_CAMERAS} cameras`);
      }
      camera = head.cameras[name] = freshCamera(stream);
    }
    if (camera.stream !== stream) {
      camera.stream = stream;
      camera.through = { now: 0, record: 0 };
    }
    return camera;
  }

  async #count(head: Head, name: string, events: readonly StoreEvent[]): Promise<void> {
    if (events.length === 0) return;
    const camera = head.cameras[name]!;
    const byHour = Map.groupBy(events, ({ at }) => hourOf(at));
    for (const [hour, of] of byHour) {
      if (!head.hours.includes(hour)) head.hours = [...head.hours, hour].toSorted();
      const entry = await this.#hour(hour).get();
      for (const event of of) countEvent(camera, event, entry);
      addHeatOf(entry, name, of);
    }
    for (const event of events) this.#alarm(head, name, event);
    for (const hour of head.hours.splice(0, Math.max(0, head.hours.length - KEPT_HOURS))) {
      this.#hour(hour).delete();
      this.#hours.delete(hour);
    }
    if (head.region === null) return;
    if (head.untold === null) {
      const due = this.ctx.services?.rollUpDelay ?? ROLL_UP_DELAY;
      await this.ctx.reminders.set(ROLL_UP, { due });
    }
    head.untold = [...new Set([...(head.untold ?? []), ...byHour.keys()])];
  }

  #alarm(head: Head, camera: string, event: StoreEvent): void {
    if (event.kind !== 'crowd' && event.kind !== 'waiting') return;
    const { at } = event;
    const alarm: Alarm =
      event.kind === 'crowd'
        ? { at, camera, alarm: 'crowd', people: event.people }
        : { at, camera, alarm: 'waiting', zone: event.zone, seconds: event.tenths / 10 };
    head.alarms = [...head.alarms, alarm].slice(-LATEST_ALARMS);
    this.ctx.outbox.publish(
      'store-operations',
      { store: this.ctx.id, ...alarm },
      { metadata: { 'cloudevent.type': `store.${alarm.alarm}` } },
    );
  }

  #hour(hour: string): StateEntry<HourEntry> {
    let entry = this.#hours.get(hour);
    if (!entry) {
      entry = this.state<HourEntry>(`hour-${hour}`, { initial: freshHour });
      this.#hours.set(hour, entry);
    }
    return entry;
  }
}

function cameraOf(head: Head, name: unknown): CameraEntry {
  const camera =
    typeof name === 'string' && Object.hasOwn(head.cameras, name) ? head.cameras[name] : undefined;
  if (camera) return camera;
  const known = Object.keys(head.cameras).join(', ') || 'none yet';
  throw refuse('NOT_FOUND', `there is no camera "${String(name)}"; there are ${known}`, 404);
}

/** The events of a lane that are not in the counts yet, in order; moves the lane on. */
function admit(camera: CameraEntry, lane: LaneName, parts: readonly Part[]): StoreEvent[] {
  const fresh: StoreEvent[] = [];
  for (const part of parts) {
    const due = camera.through[lane] + 1;
    if (part.from > due) {
      throw new ActorError('GAP', `lane ${lane} goes on with ${due}, not with ${part.from}`, {
        status: 409,
        details: { lane, expected: due },
      });
    }
    if ('why' in part) {
      if (part.to < due) continue;
      countLoss(camera, part, due);
      camera.through[lane] = part.to;
    } else {
      const events = part.events.slice(due - part.from);
      fresh.push(...events);
      camera.through[lane] += events.length;
    }
  }
  return fresh;
}
