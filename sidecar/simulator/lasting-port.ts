import { randomInt } from 'node:crypto';

/**
 * A random port that no outgoing connection is ever given (those of Linux begin at 32768), so that an engine that was killed
 * finds its address free when it starts again. May be taken by another listener: then the next is tried.
 */
export const lastingPort = (): number => randomInt(12_000, 32_000);

/** Ports tried before giving up. */
export const lastingPortAttempts = 100;
