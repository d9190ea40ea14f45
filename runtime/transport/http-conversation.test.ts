import { describe, expect, it } from 'vitest';
import { component } from '../index.ts';
import { openApi } from './api.fixture.ts';

const components = [
  component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
  component('echo', 'conversation.echo'),
];
const alpha1 = '/v1.0-alpha1/conversation/echo/converse';
const alpha2 = '/v1.0-alpha2/conversation/echo/converse';
const usage = (count: number) => ({
  completionTokens: String(count),
  promptTokens: String(count),
  totalTokens: String(2 * count),
});

describe('a conversation over HTTP', () => {
  it('in its first version answers with results, scrubbed where asked', async () => {
    await using api = await openApi({ components });
    const ask = async (body: object) => (await api.send('POST', alpha1, { body })).json;
    expect(await ask({ inputs: [{ content: 'well hello there' }] })).toEqual({
      outputs: [{ result: 'well hello there' }],
    });
    const parameters = {
      n: { '@type': 'type.googleapis.com/google.protobuf.Int64Value', value: '1' },
    };
    expect(
      await ask({
        contextID: 'c1',
        parameters,
        inputs: [
          { content: 'I am a@b.com', scrubPII: true },
          { content: 'at 10.8.9.1', role: 'system' },
        ],
      }),
    ).toEqual({
      contextID: 'c1',
      outputs: [{ result: 'I am <EMAIL_ADDRESS>\nat 10.8.9.1', parameters }],
    });
    expect(await ask({ inputs: [{ content: 'at 10.8.9.1' }], scrubPII: true })).toEqual({
      outputs: [{ result: 'at <IP>' }],
    });
  });

  it('in its second version takes every kind of message', async () => {
    await using api = await openApi({ components });
    const content = [{ text: 'hello' }];
    const call = { id: 'c', function: { name: 'f', arguments: '{}' } };
    const answer = await api.send('POST', alpha2, {
      body: {
        context_id: 'c1',
        inputs: [
          { messages: [{ ofDeveloper: { content } }, { of_system: { content } }] },
          {
            messages: [{ ofUser: { name: 'u', content: [{ text: 'a@b.com' }] } }],
            scrub_pii: true,
          },
          { messages: [{ ofAssistant: { content, tool_calls: [call] } }] },
          { messages: [{ ofTool: { toolId: 't', name: 'n', content } }] },
        ],
        promptCacheRetention: '86400s',
        temperature: 0.7,
        responseFormat: { type: 'object', some_name: 1 },
      },
    });
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        contextId: 'c1',
        outputs: [
          {
            choices: [
              {
                finishReason: 'tool_calls',
                message: {
                  content:
                    "hello\nhello\n<EMAIL_ADDRESS>\nhello\nTool Response for tool ID 't' with name 'n': hello",
                  toolCalls: [call],
                },
              },
            ],
            usage: usage(14),
          },
        ],
      },
    ]);
  });

  it('in its second version calls tools', async () => {
    await using api = await openApi({ components });
    const tools = [
      { function: { name: 'f', description: 'd', parameters: { properties: { b: {}, a: {} } } } },
    ];
    const inputs = [{ messages: [{ ofUser: { content: [{ text: 'hello' }] } }] }];
    const answer = await api.send('POST', alpha2, { body: { inputs, tools, toolChoice: 'f' } });
    expect(answer.json).toEqual({
      outputs: [
        {
          choices: [
            {
              finishReason: 'tool_calls',
              message: {
                content: 'hello',
                toolCalls: [{ id: '0', function: { name: 'f', arguments: 'a,b' } }],
              },
            },
          ],
          usage: usage(1),
        },
      ],
    });
  });

  const one = [{ messages: [{ ofUser: { content: [{ text: 'x' }] } }] }];
  it.each([
    [alpha1, { metadata: { model: 'x' } }, 'ERR_CONVERSATION_MISSING_INPUTS', 'missing inputs'],
    [alpha2, {}, 'ERR_CONVERSATION_MISSING_INPUTS', 'missing inputs'],
    [
      alpha2,
      { inputs: [{ messages: [{ ofNobody: {} }] }] },
      'ERR_CONVERSATION_INVALID_PARMS',
      'invalid params: message type cannot be nil',
    ],
    [
      alpha2,
      { inputs: [{ messages: [{ ofAssistant: { toolCalls: [{ id: 'x' }] } }] }] },
      'ERR_CONVERSATION_INVALID_PARMS',
      'tool types cannot be nil',
    ],
    [
      alpha2,
      { inputs: one, toolChoice: 'required' },
      'ERR_CONVERSATION_INVALID_PARMS',
      'tool choice',
    ],
    [
      alpha2,
      { inputs: one, toolChoice: 'g', tools: [{ function: { name: 'f' } }] },
      'ERR_CONVERSATION_INVALID_PARMS',
      'was not found',
    ],
    [alpha2, { inputs: [{ messages: 'x' }] }, 'ERR_MALFORMED_REQUEST', 'must be an array'],
    [alpha2, { inputs: [1] }, 'ERR_MALFORMED_REQUEST', 'must be an object'],
    [alpha1, { inputs: [{ content: 1 }] }, 'ERR_MALFORMED_REQUEST', 'must be a string'],
    [
      '/v1.0-alpha2/conversation/none/converse',
      { inputs: one },
      'ERR_CONVERSATION_NOT_FOUND',
      'failed finding conversation component none',
    ],
  ])('to %s with %j is refused', async (path, body, errorCode, message) => {
    await using api = await openApi({ components });
    const answer = await api.send('POST', path, { body });
    expect([answer.status, answer.json]).toMatchObject([400, { errorCode }]);
    expect((answer.json as { message: string }).message).toContain(message);
  });
});
