/** The table of conversation components. */
import type { Kind } from '../component.ts';
import type { Conversation } from './contract.ts';

export const conversationKind: Kind<Conversation> = {
  fields: [],
  drivers: [
    {
      type: 'conversation.echo',
      versions: ['v1'],
      load: async () => (await import('./drivers/echo.ts')).driver,
    },
  ],
};
