/** The behaviour that every conversation component shows, whatever its model says. */
import { describe, expect, it } from 'vitest';
import type { Conversation, ConversationRequest } from '../contract.ts';

export interface ConversationSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** The suite closes it. */
  create(): Promise<Conversation>;
}

const asking = (text: string, more: Partial<ConversationRequest> = {}): ConversationRequest => ({
  messages: [{ role: 'user', parts: [{ kind: 'text', text }] }],
  tools: [],
  metadata: {},
  ...more,
});

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function conversationConformance({ name, create }: ConversationSubject): void {
  describe(`${name} as a conversation component`, () => {
    it('answers, with a reason to end and tokens that add up', async () => {
      await using model = await create();
      const { outputs, usage } = await model.converse(asking('say hello'));
      const [choice] = outputs[0]!.choices;
      expect(choice!.content).not.toBe('');
      expect(choice).toMatchObject({ finishReason: 'stop', toolCalls: [] });
      if (usage) expect(usage.totalTokens).toBe(usage.promptTokens + usage.completionTokens);
    });

    it('keeps nothing from one request to the next', async () => {
      await using model = await create();
      await model.converse(asking('remember the word xylophone'));
      const { outputs } = await model.converse(asking('hello'));
      expect(outputs[0]!.choices[0]!.content).not.toContain('xylophone');
    });

    it('closes twice, and refuses every use afterwards', async () => {
      const model = await create();
      await model.ping();
      await model.close();
      await model.close();
      await model[Symbol.asyncDispose]();
      for (const use of [model.converse(asking('hello')), model.ping()])
        await expect(use).rejects.toThrow(/is closed/);
    });
  });
}
