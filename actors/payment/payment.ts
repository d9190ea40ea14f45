/**
 * The payment of one order, or the credit note of one return: talks to the
 * provider, keeps what is authorised, captured and refunded, and its own
 * double-entry postings. Every operation is idempotent, so that its message may
 * come again. The provider is asked before the commit; it acts once a key.
 */
import { Actor, ActorError } from 'troupe/actor';
import { internal } from '../internal.ts';
import type { OrderApi } from '../order/api.ts';
import type { ShopServices } from '../services.ts';
import type { PaymentApi, PaymentState, Posting, ProviderRequest, Statement } from './api.ts';
import { postCapture, postCreditNote, postRefund } from './ledger.ts';

interface Account {
  state: PaymentState;
  reference: string;
  reason: string;
  authorisedPence: number;
  capturedPence: number;
  refundedPence: number;
  creditPence: number;
  postings: Posting[];
}

const NEW_ACCOUNT = {
  state: 'none',
  reference: '',
  reason: '',
  authorisedPence: 0,
  capturedPence: 0,
  refundedPence: 0,
  creditPence: 0,
} as const;

function assertPence(amountPence: number): void {
  if (Number.isSafeInteger(amountPence) && amountPence >= 0) return;
  throw new ActorError('INVALID_PAYMENT', `${amountPence} is not an amount in whole pence`, {
    status: 400,
  });
}

export class Payment extends Actor<ShopServices> implements PaymentApi {
  static readonly type = 'Payment';
  static readonly options = { readOnly: ['statement'] };

  readonly #account = this.state<Account>('account', {
    initial: () => ({ ...NEW_ACCOUNT, postings: [] }),
  });

  async authorise(request: {
    amountPence: number;
    currency: 'GBP';
    customer: string | null;
  }): Promise<void> {
    internal(this.ctx, 'Order');
    assertPence(request.amountPence);
    const account = await this.#account.get();
    if (account.state === 'none') {
      const outcome = await this.#provider((payments) =>
        payments.authorise({
          ...this.#request('authorise', request.amountPence),
          customer: request.customer,
        }),
      );
      account.state = outcome.approved ? 'authorised' : 'declined';
      if (outcome.approved) {
        account.reference = outcome.reference;
        account.authorisedPence = request.amountPence;
      } else account.reason = outcome.reason;
    }
    const { state, reason } = account;
    if (state === 'declined' || state === 'voided') this.#order().paymentDeclined({ reason });
    else this.#order().paymentAuthorised();
  }

  async capture(): Promise<void> {
    internal(this.ctx, 'Order');
    const account = await this.#account.get();
    if (account.state === 'voided') return;
    if (account.state === 'authorised') {
      const { reference, authorisedPence } = account;
      await this.#provider((payments) =>
        payments.capture({ ...this.#request('capture', authorisedPence), reference }),
      );
      account.state = 'captured';
      account.capturedPence = authorisedPence;
      account.postings.push(...postCapture(this.ctx.id, 'capture', authorisedPence));
    }
    if (account.state !== 'captured') throw this.#wrongState(account, 'captured');
    this.#order().paymentCaptured();
  }

  async void({ reason }: { reason: string }): Promise<void> {
    internal(this.ctx, 'Order');
    const account = await this.#account.get();
    const { reference, state } = account;
    if (state === 'captured') {
      await this.#refund(account, 'void', account.capturedPence - account.refundedPence);
    } else if (state === 'authorised') {
      const amountPence = account.authorisedPence;
      await this.#provider((payments) =>
        payments.void({ ...this.#request('void', amountPence), reference }),
      );
    }
    if (state === 'authorised' || state === 'none') {
      account.state = 'voided';
      account.reason = `voided: ${reason}`;
    }
  }

  async refund(request: { key: string; amountPence: number }): Promise<void> {
    internal(this.ctx, 'Order');
    assertPence(request.amountPence);
    const account = await this.#account.get();
    if (account.postings.some(({ operation }) => operation === request.key)) return;
    if (account.state !== 'captured') throw this.#wrongState(account, 'refunded');
    const left = account.capturedPence - account.refundedPence;
    if (request.amountPence > left) {
      throw new ActorError(
        'REFUND_EXCEEDS_CAPTURE',
        `payment ${this.ctx.id} has ${left} pence left to refund, not ${request.amountPence}`,
        { status: 409 },
      );
    }
    await this.#refund(account, request.key, request.amountPence);
  }

  async creditNote(request: { key: string; amountPence: number }): Promise<void> {
    internal(this.ctx, 'Returns');
    assertPence(request.amountPence);
    const account = await this.#account.get();
    if (account.postings.some(({ operation }) => operation === request.key)) return;
    account.creditPence += request.amountPence;
    account.postings.push(...postCreditNote(this.ctx.id, request.key, request.amountPence));
  }

  async statement(): Promise<Statement> {
    const account = await this.#account.get();
    const { state, authorisedPence, capturedPence, refundedPence, creditPence, postings } = account;
    const amounts = { authorisedPence, capturedPence, refundedPence, creditPence };
    return { id: this.ctx.id, state, ...amounts, postings };
  }

  async #refund(account: Account, operation: string, amountPence: number): Promise<void> {
    if (amountPence === 0) return;
    const { reference } = account;
    await this.#provider((payments) =>
      payments.refund({ ...this.#request(operation, amountPence), reference }),
    );
    account.refundedPence += amountPence;
    account.postings.push(...postRefund(this.ctx.id, operation, amountPence));
  }

  /** A provider that throws has not said no: the message comes again until it answers. */
  async #provider<R>(ask: (payments: ShopServices['payments']) => Promise<R>): Promise<R> {
    try {
      return await ask(this.ctx.services.payments);
    } catch (cause) {
      throw new ActorError(
        'PROVIDER_UNAVAILABLE',
        `the payment provider gave no answer for ${this.ctx.id}; it is asked again`,
        { status: 503, retryable: true, cause },
      );
    }
  }

  #request(operation: string, amountPence: number): ProviderRequest {
    const orderId = this.ctx.id;
    return { key: `${orderId}:${operation}`, orderId, amountPence, currency: 'GBP' };
  }

  #wrongState({ state }: Account, wanted: string): ActorError {
    return new ActorError(
      'WRONG_STATE',
      `payment ${this.ctx.id} is ${state}, not to be ${wanted}`,
      {
        status: 409,
        details: { state },
      },
    );
  }

  #order() {
    return this.ctx.outbox.ref<OrderApi>('Order', this.ctx.id);
  }
}
