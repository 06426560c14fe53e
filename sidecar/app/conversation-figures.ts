import type { Metrics } from '../core/index.ts';
import type { RequestReader } from '../prompt/index.ts';

/**
 * Reports what the memory of conversations did since the last call, and how large it is. The reader counts on its own, so
 * that a request pays nothing for it.
 */
export const createConversationFigures = (
  reader: Pick<RequestReader, 'figures'>,
  metrics: Pick<Metrics, 'count' | 'gauge'>,
): (() => void) => {
  let before = { turns: 0, knownTurns: 0, bytes: 0, knownBytes: 0, checkedTurns: 0, differingTurns: 0 };
  return () => {
    const { conversations, memoryBytes, ...now } = reader.figures;
    const grown = (name: keyof typeof before): number => now[name] - before[name];
    const known = grown('knownTurns');
    const remembered = grown('knownBytes');
    const different = grown('differingTurns');
    metrics.count('conversation_turns_total', { outcome: 'known' }, known);
    metrics.count('conversation_turns_total', { outcome: 'new' }, grown('turns') - known);
    metrics.count('conversation_body_bytes_total', { source: 'remembered' }, remembered);
    metrics.count('conversation_body_bytes_total', { source: 'read' }, grown('bytes') - remembered);
    metrics.count('conversation_checks_total', { outcome: 'same' }, grown('checkedTurns') - different);
    metrics.count('conversation_checks_total', { outcome: 'different' }, different);
    metrics.gauge('conversations', conversations);
    metrics.gauge('conversation_memory_bytes', memoryBytes);
    before = now;
  };
};
