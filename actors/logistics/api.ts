/**
 * The language of the logistics context. Actor `Depot`, id = depot and day, for
 * example `uk:2010-12-01`: the orders of one day that leave one depot the next
 * morning, the vehicles that take them, and when each arrives. It learns of
 * orders by topic `orders` and tells what it plans on topic `deliveries`. Times
 * are texts of the depot's own clock, for example `2010-12-02 09:41`.
 */
import type { Duration } from 'troupe/actor';
import type { PlanInput, PlanOutput, PlanRoute, SimpleTours } from '../../workers/protocol.ts';

/** Degrees north and east. */
export interface Place {
  readonly lat: number;
  readonly lon: number;
}

/** Vehicles of one kind that belong to a depot. */
export interface Fleet {
  /** Its vehicles are `van-1`, `van-2` and so on, when its name is `van`. */
  readonly name: string;
  readonly vehicles: number;
  /** Cartons that one of them takes. */
  readonly capacity: number;
  /** Longest time from leaving to being back. Default: no bound. */
  readonly maxMinutes?: number;
}

/** A depot as the host sets it up. */
export interface DepotSite {
  readonly place: Place;
  readonly fleets: readonly Fleet[];
  /** When vehicles leave, the morning after the day of the orders. Default `08:00`. */
  readonly opens?: string;
  /** When all are back, the same day. Default: no bound, a tour may take days. */
  readonly closes?: string;
  /** Mean speed along straight lines. Default 60. */
  readonly speedKmh?: number;
  /** Time at a stop. Default 10. */
  readonly serviceMinutes?: number;
  /** Units of goods that one carton takes. Default 24. */
  readonly unitsPerCarton?: number;
  /**
   * How long a search may take: seconds (at most 20), iterations, or whichever
   * ends first. With iterations alone the same orders give the same plan.
   * Default 2 seconds.
   */
  readonly budget?: { readonly seconds?: number; readonly iterations?: number };
  /** `as orders come`: a plan follows every change. `when closed`: the first comes with `close`. Default `as orders come`. */
  readonly plans?: 'as orders come' | 'when closed';
  /** Also tell how far simple tours would go. Default false. */
  readonly compare?: boolean;
  /** How long changes are gathered before a search is asked for: milliseconds, or text such as `500ms`, `2s`, `1m`. Default `1s`. */
  readonly settle?: Duration;
}

/** To whom an order goes. */
export interface Addressee {
  readonly orderId: string;
  /** Null for a guest. */
  readonly customer: string | null;
  readonly country: string;
}

/** Who searches routes, outside of the actor's thread; a host makes one of its worker pool. */
export interface Planner {
  /**
   * Rejects with a TroupeError: one that is `retryable` is asked again soon, any
   * other is told in the plan's `problem`.
   */
  plan(input: PlanInput, options: { readonly signal: AbortSignal }): Promise<PlanOutput>;
}

export interface Logistics {
  readonly planner: Planner;
  /** By name: the part of the actor's id before the colon. */
  readonly depots: Readonly<Record<string, DepotSite>>;
  /** Where goods go; undefined when nobody knows. */
  locate(to: Addressee): Place | undefined | Promise<Place | undefined>;
}

/** What the actors of this context need from outside; the host hands it in as `services`. */
export interface LogisticsServices {
  readonly logistics: Logistics;
}

export type StopState = 'waiting' | 'planned' | 'unserved' | 'on the way' | 'passed' | 'cancelled';

export interface StopView extends Addressee {
  readonly state: StopState;
  readonly placedAt: string;
  readonly cartons: number;
  /** Absent when nobody knows where it goes. */
  readonly place?: Place;
  readonly vehicle?: string;
  /** Of a passed stop: when its vehicle was there. */
  readonly eta?: string;
  /** Why it is unserved. */
  readonly reason?: string;
  /** Cancelled too late: its goods come back to the depot with the vehicle. */
  readonly comesBack?: true;
}

export interface VehicleView {
  readonly vehicle: string;
  readonly fleet: string;
  readonly state: 'planned' | 'out';
  /** When it leaves, or left. */
  readonly leaves: string;
  readonly back: string;
  readonly cartons: number;
  readonly capacity: number;
  readonly km: number;
  /** Leading stops that it has passed. */
  readonly passed: number;
  readonly stops: readonly { readonly orderId: string; readonly eta: string }[];
  /** Orders whose goods it brings back. */
  readonly comesBack: readonly string[];
}

/** Kilometres of tours that keep every rule but the number of vehicles. */
export interface SimpleKm {
  readonly firstInFirstOut: number;
  readonly nearestNeighbour: number;
  /** By Clarke and Wright's savings. */
  readonly savings: number;
}

export interface DepotPlan {
  readonly depot: string;
  /** Day of the orders; vehicles leave the day after. */
  readonly day: string;
  /** `waiting`: something changed that no plan has yet. `planning`: a search runs. */
  readonly state: 'empty' | 'waiting' | 'planning' | 'planned';
  /** Counts the plans that were applied. */
  readonly version: number;
  /** Orders that are not cancelled. */
  readonly stops: number;
  readonly vehicles: readonly VehicleView[];
  readonly unserved: readonly { readonly orderId: string; readonly reason: string }[];
  /** Of all vehicles together. */
  readonly km: number;
  /** With `compare`: how far tours without a search would go, for the orders of the latest plan. */
  readonly simple?: SimpleKm;
  /** Why the latest search gave no plan. */
  readonly problem?: string;
}

export interface Arrival {
  readonly orderId: string;
  readonly depot: string;
  readonly vehicle: string;
  readonly eta: string;
}

export interface SearchAnswer {
  readonly request: number;
  readonly routes: readonly PlanRoute[];
  readonly simple?: SimpleTours;
}

/**
 * Errors (ActorError): NOT_FOUND 404 for an order or vehicle that the depot does
 * not have, WRONG_STATE 409, CONFLICT 409 for another `close`, INVALID_DELIVERY
 * 400 for a request that is malformed.
 */
export interface DepotApi {
  /** Read-only, as are all down to `vehicles`; answered while a search runs. */
  plan(): Promise<DepotPlan>;
  stops(): Promise<StopView[]>;
  /** WRONG_STATE names why there is none. */
  eta(request: { readonly orderId: string }): Promise<Arrival>;
  vehicles(): Promise<VehicleView[]>;

  /** The orders of the day, all of them: once each has come, they are planned. Idempotent. */
  close(request: { readonly orders: readonly string[] }): Promise<void>;
  /** Asks for another search, also when nothing changed: more time may find better routes. */
  replan(): Promise<void>;
  /** The vehicle left: what it carries stays as it is. `at` as `2010-12-02 08:15`. A second one answers as the first. */
  depart(request: { readonly vehicle: string; readonly at: string }): Promise<VehicleView>;
  /** The vehicle was at an order's stop, out of turn if need be. A second one answers as the first. */
  pass(request: {
    readonly vehicle: string;
    readonly orderId: string;
    readonly at: string;
  }): Promise<VehicleView>;

  /** Internal, from RoutePlanner. */
  planned(answer: SearchAnswer): Promise<void>;
  /** Internal, from RoutePlanner. */
  notPlanned(answer: { readonly request: number; readonly reason: string }): Promise<void>;
}

/** Searches for one depot, under the depot's id, so that the depot goes on answering meanwhile. */
export interface RoutePlannerApi {
  /** Internal, from Depot; answers with `planned` or `notPlanned`. */
  search(request: { readonly request: number; readonly input: PlanInput }): Promise<void>;
}
