/**
 * The run itself as an actor: what it was started with is kept beside the
 * shop's own state, so that a second start continues it, and one with another
 * input is refused instead of mixed in.
 */
import { Actor, ActorError } from 'troupe/actor';

/** All that decides how a run ends. */
export interface DayPlan {
  /** SHA-256 of the input files. */
  readonly fingerprint: string;
  /** Units every stock code is opened with; `ordered`: as many as the input orders of it. */
  readonly openingStock: number | 'ordered';
  /** Share of payments declined. */
  readonly declineRate: number;
  /** True since the day delivers what it sells: depots that missed the orders cannot plan them. */
  readonly delivers: boolean;
}

export interface OrderDayApi {
  /**
   * `started` the first time, `continued` with the same plan. Another plan is a
   * CONFLICT (ActorError) that says what differs.
   */
  begin(plan: DayPlan): Promise<'started' | 'continued'>;
}

const NAMES = {
  fingerprint: 'the orders are others',
  openingStock: 'the opening stock is another (--opening-stock)',
  declineRate: 'the share of declined payments is another (--decline-rate)',
  delivers: 'an earlier version of the order day began it, without deliveries',
} as const satisfies Record<keyof DayPlan, string>;

export class OrderDay extends Actor implements OrderDayApi {
  static readonly type = 'OrderDay';

  readonly #plan = this.state<DayPlan | null>('plan', { initial: () => null });

  async begin(plan: DayPlan): Promise<'started' | 'continued'> {
    const known = await this.#plan.get();
    if (!known) {
      this.#plan.set(plan);
      return 'started';
    }
    const differences = (Object.keys(NAMES) as (keyof DayPlan)[])
      .filter((key) => known[key] !== plan[key])
      .map((key) => NAMES[key]);
    if (differences.length === 0) return 'continued';
    throw new ActorError(
      'CONFLICT',
      `it was started with another input: ${differences.join(', ')}`,
      {
        status: 409,
      },
    );
  }
}
