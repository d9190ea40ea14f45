/**
 * The language of the stores. Actor `Store`, id = the store's number, takes what
 * the edge in the store reports, camera by camera, and knows counts, heat maps
 * and how many people are there. Actor `Region` adds up its stores. Alarms go to
 * topic `store-operations`.
 */
import type { CameraSettings } from '../../workers/edge/messages.ts';

export type Settings = Partial<CameraSettings>;

/** As `workers/edge` packs it. */
export interface Report {
  readonly camera: string;
  /** Tells the numbers of one queue from those of another, after a disk was replaced. */
  readonly stream: string;
  readonly packed: string;
}

export interface ReportAnswer {
  /** Last number of each lane that is in the counts: nothing up to it need be kept. */
  readonly through: Readonly<Record<string, number>>;
  readonly desired?: { readonly version: number; readonly settings: Settings };
}

export interface Counts {
  /** Crossings of all lines. */
  readonly in: number;
  readonly out: number;
  readonly visits: number;
  /** Tenths of seconds that visits took, and that people were in the picture. */
  readonly visitTenths: number;
  readonly presentTenths: number;
}

export interface Lost {
  readonly events: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** By reason: limit, ttl, damage, centre. */
  readonly why: Readonly<Record<string, number>>;
}

export interface CameraView {
  readonly camera: string;
  /** Since the store began, by line too. */
  readonly totals: Counts;
  readonly lines: Readonly<Record<string, { readonly in: number; readonly out: number }>>;
  readonly occupancy: number;
  /** Events in the counts, and those that the edge had to give up. */
  readonly events: number;
  readonly lost: Lost;
  readonly through: Readonly<Record<string, number>>;
  readonly desired: { readonly version: number; readonly settings: Settings } | null;
  readonly reported: {
    readonly version: number;
    readonly error?: string;
    readonly seen: number;
    readonly analysed: number;
    readonly waiting: number;
    /** When the camera was heard of last. */
    readonly at: number;
  } | null;
}

export interface HourView {
  /** Such as `2026-11-28T20`, UTC. */
  readonly hour: string;
  readonly counts: Counts;
  readonly mostPeople: number;
}

export interface Alarm {
  readonly at: number;
  readonly camera: string;
  readonly alarm: 'crowd' | 'waiting';
  readonly zone?: string;
  readonly people?: number;
  readonly seconds?: number;
}

export interface StoreView {
  readonly store: string;
  readonly region: string | null;
  readonly occupancy: number;
  readonly cameras: readonly CameraView[];
  /** The hours that it keeps, oldest first. */
  readonly hours: readonly HourView[];
  /** The latest. */
  readonly alarms: readonly Alarm[];
}

export interface HeatRequest {
  /** Default: all cameras together. */
  readonly camera?: string;
  /** Default: every hour that it keeps. */
  readonly hours?: readonly string[];
}

export interface HeatMap {
  readonly columns: number;
  readonly rows: number;
  /** Seconds that somebody stood in each cell, row by row. */
  readonly seconds: readonly number[];
}

/**
 * Errors (ActorError): INVALID_REPORT, INVALID_SETTINGS 400; NOT_FOUND 404 for
 * an unknown camera or hour; GAP 409 when a report begins after the number that
 * is due, with `{ lane, expected }`.
 */
export interface StoreApi {
  report(report: Report): Promise<ReportAnswer>;
  /** Names the region that this store adds to. */
  setUp(request: { region: string }): Promise<void>;
  /** What a camera shall have from now on; the edge takes it with its next report. */
  configure(request: { camera: string; settings: Settings }): Promise<{ version: number }>;
  /** Read-only. */
  view(): Promise<StoreView>;
  /** Read-only. */
  heatMap(request?: HeatRequest): Promise<HeatMap>;
  /** Read-only: the heat map as a PNG in base64. */
  picture(request?: HeatRequest): Promise<{ png: string }>;
  /** Read-only: counts and heat map as one HTML page that needs nothing else. */
  page(): Promise<string>;
}

export interface RegionHour extends Counts {
  readonly hour: string;
}

export interface RegionView {
  readonly region: string;
  readonly stores: number;
  readonly occupancy: number;
  readonly lost: number;
  readonly hours: readonly RegionHour[];
}

/** What a store tells its region: figures as they are, so a repetition changes nothing. */
export interface StoreFigures {
  readonly store: string;
  readonly occupancy: number;
  readonly lost: number;
  readonly hours: Readonly<Record<string, Counts>>;
}

export interface RegionApi {
  /** From the stores. */
  told(figures: StoreFigures): Promise<void>;
  /** Read-only. */
  view(): Promise<RegionView>;
}

/** Handed in as the host's services; every field has a default. */
export interface StoreServices {
  /** How long a store's figures wait to be told to its region together. Default `30s`. */
  readonly rollUpDelay?: string | number;
}
