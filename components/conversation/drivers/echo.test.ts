import { expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { conversationConformance } from '../conformance/suite.ts';
import { driver } from './echo.ts';

const create = () =>
  driver.create(testOptions('conversation.echo', {}), { signal: new AbortController().signal });

conversationConformance({ name: 'conversation.echo', create });

it('conversation.echo joins what it was told, and calls every tool with its parameters', async () => {
  await using model = await create();
  const call = { id: 'x', name: 'earlier', arguments: '{}' };
  const answer = await model.converse({
    messages: [
      { role: 'user', parts: [{ kind: 'text', text: 'one two' }] },
      { role: 'assistant', parts: [{ kind: 'tool-call', call }] },
      { role: 'tool', parts: [{ kind: 'tool-result', toolId: 'x', name: 'earlier', text: 'ok' }] },
    ],
    tools: [
      { name: 'weather', description: '', parameters: { properties: { when: {}, city: {} } } },
      { name: 'time', description: '' },
    ],
    metadata: {},
  });
  expect(answer).toEqual({
    outputs: [
      {
        choices: [
          {
            finishReason: 'tool_calls',
            content: "one two\nTool Response for tool ID 'x' with name 'earlier': ok",
            toolCalls: [
              { id: '0', name: 'weather', arguments: 'city,when' },
              { id: '1', name: 'time', arguments: '' },
              call,
            ],
          },
        ],
      },
    ],
    usage: { promptTokens: 12, completionTokens: 12, totalTokens: 24 },
  });
});
