import { describe, expect, it } from '@jest/globals';
import { createConversationFigures } from '../../../sidecar/app/conversation-figures.ts';
import { catalogue, createMetricsRegistry } from '../../../sidecar/metrics/index.ts';
import type { ReaderFigures } from '../../../sidecar/prompt/index.ts';

const zero: ReaderFigures = {
  turns: 0,
  knownTurns: 0,
  bytes: 0,
  knownBytes: 0,
  checkedTurns: 0,
  differingTurns: 0,
  conversations: 0,
  memoryBytes: 0,
};

/** A registry with figures of a reader that reports what it is told to. */
const setUp = () => {
  const registry = createMetricsRegistry({
    catalogue,
    onMistake: (mistake) => {
      throw new Error(mistake);
    },
  });
  const reader = { figures: zero };
  const observe = createConversationFigures(reader, registry);
  return {
    lines: async (figures: Partial<ReaderFigures>): Promise<readonly string[]> => {
      reader.figures = { ...zero, ...figures };
      observe();
      const { text } = await registry.text();
      return text.split('\n').filter((line) => line.startsWith('warmroute_conversation'));
    },
  };
};

describe('figures of the memory of conversations', () => {
  it('tell what was known and what was read', async () => {
    const { lines } = setUp();
    const figures = { turns: 10, knownTurns: 7, bytes: 1000, knownBytes: 800, conversations: 3, memoryBytes: 4096 };
    expect(await lines(figures)).toEqual([
      'warmroute_conversation_turns_total{outcome="known"} 7',
      'warmroute_conversation_turns_total{outcome="new"} 3',
      'warmroute_conversation_body_bytes_total{source="remembered"} 800',
      'warmroute_conversation_body_bytes_total{source="read"} 200',
      'warmroute_conversation_checks_total{outcome="same"} 0',
      'warmroute_conversation_checks_total{outcome="different"} 0',
      'warmroute_conversations 3',
      'warmroute_conversation_memory_bytes 4096',
    ]);
  });

  it('count each turn and check once, however often they are read', async () => {
    const { lines } = setUp();
    await lines({ turns: 10, knownTurns: 7, checkedTurns: 2 });
    await lines({ turns: 10, knownTurns: 7, checkedTurns: 2 });
    expect(await lines({ turns: 12, knownTurns: 8, checkedTurns: 3, differingTurns: 1 })).toEqual(
      expect.arrayContaining([
        'warmroute_conversation_turns_total{outcome="known"} 8',
        'warmroute_conversation_turns_total{outcome="new"} 4',
        'warmroute_conversation_checks_total{outcome="same"} 2',
        'warmroute_conversation_checks_total{outcome="different"} 1',
      ]),
    );
  });
});
