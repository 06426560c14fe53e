import { SidecarError } from '../../core/index.ts';

/** One request of a trace. */
export interface TraceRequest {
  /** Milliseconds from the trace's beginning. */
  readonly atMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Names of the prompt's blocks; equal names stand for equal prompts up to the block's end. The last may be cut short. */
  readonly blocks: readonly number[];
}

/** More mistakes than this are not listed. */
const MOST_MISTAKES = 20;
const LARGEST_NAME = 2 ** 30 - 1;

const isCount = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= least;

const isName = (value: unknown): boolean => isCount(value, 0) && value <= LARGEST_NAME;

const isNameList = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(isName);

const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

/** A request, or what is wrong with its line. */
const parseLine = (line: string, blockSize: number): TraceRequest | string => {
  const value = parseJson(line);
  if (typeof value !== 'object' || value === null) return 'must be a JSON object';
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { timestamp, input_length: promptTokens, output_length: outputTokens, hash_ids: blocks } = fields;
  if (typeof timestamp !== 'number' || !(timestamp >= 0)) return 'timestamp must be milliseconds from 0';
  if (!isCount(promptTokens, 1)) return 'input_length must be a whole number from 1';
  if (!isCount(outputTokens, 0)) return 'output_length must be a whole number from 0';
  if (!isNameList(blocks)) return `hash_ids must be a list of whole numbers from 0 to ${LARGEST_NAME}`;
  const expected = Math.ceil(promptTokens / blockSize);
  if (blocks.length !== expected) {
    return `hash_ids must name ${expected} blocks of ${blockSize} tokens for an input_length of ${promptTokens}, not ${blocks.length}`;
  }
  return { atMs: timestamp, promptTokens, outputTokens: Math.max(1, outputTokens), blocks };
};

/**
 * Reads a trace in the format of Mooncake's (github.com/kvcache-ai/Mooncake, `FAST25-release/traces`): one JSON object a
 * line, `{timestamp, input_length, output_length, hash_ids}`, where `hash_ids` names the prompt's blocks of `blockSize`
 * tokens and a name stands for everything up to its block's end. Requests come in order of time. Throws `invalid-argument`
 * whose `details.mistakes` names every malformed line by its number, and for a trace without requests.
 */
export const parseTrace = (text: string, { blockSize }: { readonly blockSize: number }): readonly TraceRequest[] => {
  const requests: TraceRequest[] = [];
  const mistakes: string[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = parseLine(line, blockSize);
    if (typeof parsed === 'string') mistakes.push(`line ${at + 1}: ${parsed}`);
    else requests.push(parsed);
  }
  if (mistakes.length > 0) {
    const shown = mistakes.slice(0, MOST_MISTAKES);
    if (mistakes.length > shown.length) shown.push(`and ${mistakes.length - shown.length} more`);
    throw new SidecarError('invalid-argument', `the trace has ${mistakes.length} malformed line(s)`, {
      details: { mistakes: shown },
    });
  }
  if (requests.length === 0) throw new SidecarError('invalid-argument', 'the trace has no requests');
  return requests.sort((a, b) => a.atMs - b.atMs);
};
