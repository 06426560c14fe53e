import type { Scorer } from '../types.ts';

/** FNV-1a over UTF-16 code units. */
const hashText = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let position = 0; position < text.length; position += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
  }
  return hash;
};

/** Spreads two hashes over 32 bits, so that any one bit of either moves about half of the outcome (murmur3's finalizer). */
const mixHashes = (a: number, b: number): number => {
  let mixed = a ^ Math.imul(b, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};

/**
 * `session-affinity-scorer`: 1 for the candidate a session belongs to, 0 for the others; 0 for all where the client named
 * no session. The owner is the highest of a hash of session and endpoint (rendezvous hashing), so that it needs no memory
 * and no agreement between sidecars, and an endpoint that comes or goes moves only its own sessions.
 */
export const createSessionAffinityScorer = (): Scorer => ({
  type: 'session-affinity-scorer',
  score: ({ sessionId }, candidates) => {
    const scores = new Float64Array(candidates.length);
    if (sessionId === null || candidates.length === 0) return scores;
    const session = hashText(sessionId);
    let owner = 0;
    let highest = -1;
    for (const [position, { endpoint }] of candidates.entries()) {
      const rank = mixHashes(hashText(endpoint.id), session);
      if (rank > highest) {
        highest = rank;
        owner = position;
      }
    }
    scores[owner] = 1;
    return scores;
  },
});
