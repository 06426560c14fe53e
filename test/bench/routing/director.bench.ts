/** Whole decisions, from a body's bytes to the booking, for chats that grow by two messages a turn. */

import type { Benchmark } from '../harness.ts';
import { createChats } from '../prompt/chats.ts';
import { chatRequest, createFleet } from './fleet.ts';

const deciding = (options: { readonly endpoints: number; readonly blocks: number }): Benchmark => ({
  name: `decisions: 28 KB chats, ${options.endpoints} endpoints, ${options.blocks / 1e6} M blocks`,
  unit: 'decision',
  unitsPerCall: 1,
  setup: async ({ isSmoke }) => {
    const { director } = await createFleet(isSmoke ? { endpoints: 4, blocks: 4_000 } : options);
    const chats = createChats({ conversations: 300, messageLength: 1300, maxMessages: 40 });
    for (let turn = 0; turn < (isSmoke ? 10 : 6000); turn += 1) chats.nextBody();
    let body = chats.nextBody();
    const decide = async () => {
      const decision = await director.route(chatRequest(body));
      if (decision.kind !== 'routed') throw new Error(decision.kind);
      decision.ticket.firstToken();
      decision.ticket.finished(null);
    };
    let bytes = 0;
    let turns = 0;
    return {
      baseline: 'a turn of some chat',
      bodies: [
        {
          name: 'a turn of some chat',
          reset: () => {
            body = chats.nextBody();
            bytes += body.length;
            turns += 1;
          },
          run: decide,
          figures: () => ({ 'KB a body': bytes / turns / 1000 }),
        },
        { name: 'the same body again', run: decide },
      ],
    };
  },
});

export const benchmarks: readonly Benchmark[] = [deciding({ endpoints: 64, blocks: 2_000_000 })];
