import { readFile } from 'node:fs/promises';
import { SidecarError } from '../core/index.ts';
import { type Command, exitCodes, textFlag, UsageError } from './command.ts';

interface ShownCandidate {
  readonly endpoint: string;
  readonly rank: number;
  readonly cachedTokens: number;
  readonly total: number;
  readonly removedBy: string | null;
  readonly scores: Readonly<Record<string, number>>;
}

interface ShownDecision {
  readonly id: string;
  readonly at: string;
  readonly pool: string | null;
  readonly model: string | null;
  readonly api: string;
  readonly promptTokens: number | null;
  readonly endpoint: string | null;
  readonly rank: number | null;
  readonly reason: string;
  readonly predictedCachedTokens: number | null;
  readonly actualCachedTokens: number | null;
  readonly missReason?: string;
  readonly candidates: readonly ShownCandidate[];
}

const isDecision = (value: unknown): value is ShownDecision =>
  typeof value === 'object' && value !== null && 'candidates' in value && Array.isArray(value.candidates);

const known = (value: number | null): string => (value === null ? 'unknown' : String(value));

const describe = (decision: ShownDecision): string => {
  const { candidates } = decision;
  const placeOf = (endpoint: string, rank: number): string =>
    candidates.filter((other) => other.endpoint === endpoint).length > 1 ? `${endpoint} rank ${rank}` : endpoint;
  const picked = decision.endpoint === null ? null : placeOf(decision.endpoint, decision.rank ?? 0);
  const rows = candidates.map(({ endpoint, rank, cachedTokens, total, removedBy, scores }) => {
    const place = placeOf(endpoint, rank);
    const parts = Object.entries(scores).map(([type, score]) => `${type} ${score.toFixed(3)}`);
    const verdict = removedBy === null ? `total ${total.toFixed(3)}  (${parts.join(', ')})` : `removed by ${removedBy}`;
    return `  ${place === picked ? '→' : ' '} ${place}  cached ${cachedTokens}  ${verdict}`;
  });
  return [
    `decision ${decision.id} at ${decision.at}`,
    `pool ${decision.pool ?? 'none'}, model ${decision.model ?? 'none'}, api ${decision.api}`,
    `went to ${picked ?? 'no endpoint'} because: ${decision.reason}`,
    `prompt tokens ${known(decision.promptTokens)}, predicted cached ${known(decision.predictedCachedTokens)}, actual cached ${known(decision.actualCachedTokens)}`,
    ...(decision.missReason === undefined ? [] : [`the prediction missed because: ${decision.missReason}`]),
    'candidates:',
    ...rows,
  ].join('\n');
};

const messageOf = (value: unknown): string => {
  if (typeof value === 'object' && value !== null && 'error' in value) {
    const { error } = value;
    if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  }
  return 'the answer is not a decision';
};

const fetchDecision = async (url: URL, init: RequestInit): Promise<ShownDecision> => {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (failure) {
    throw new SidecarError(
      'unavailable',
      `${url.origin} does not answer; is the sidecar running with this admin address?`,
      {
        cause: failure,
      },
    );
  }
  const value: unknown = await response.json().catch(() => null);
  if (!response.ok || !isDecision(value)) {
    throw new SidecarError('not-found', `${url.pathname}: ${response.status}, ${messageOf(value)}`);
  }
  return value;
};

/** `explain`: why a request went where it went, or where one would go. */
export const explainCommand: Command = {
  name: 'explain',
  summary: 'why a request went where it went, or would go',
  usage: 'explain --admin URL (ID | --body FILE [--path /v1/chat/completions])',
  help: [
    'ID is the x-warmroute-decision header of an answer. With --body nothing is sent to any engine.',
    '',
    '  --admin URL     admin listener of a running sidecar, as http://127.0.0.1:9090',
    '  --body FILE     an OpenAI or Anthropic request body',
    '  --path PATH     the path it would be sent to (default /v1/chat/completions)',
    '  --json          print the record as JSON',
  ].join('\n'),
  options: {
    admin: { type: 'string' },
    body: { type: 'string' },
    path: { type: 'string' },
    json: { type: 'boolean' },
  },
  run: async (values, positionals, context) => {
    const admin = textFlag(values, 'admin');
    const body = textFlag(values, 'body');
    const [id] = positionals;
    if (admin === undefined || !URL.canParse(admin)) throw new UsageError('give --admin URL');
    if ((id === undefined) === (body === undefined)) throw new UsageError('give either a decision id or --body FILE');
    const { signal } = context;
    const decision =
      body === undefined
        ? await fetchDecision(new URL(`/api/v1/decisions/${encodeURIComponent(id ?? '')}`, admin), { signal })
        : await fetchDecision(
            new URL(
              `/api/v1/explain?path=${encodeURIComponent(textFlag(values, 'path') ?? '/v1/chat/completions')}`,
              admin,
            ),
            {
              signal,
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: await readFile(body).catch((failure: unknown) => {
                throw new UsageError(`${body} cannot be read: ${failure instanceof Error ? failure.message : failure}`);
              }),
            },
          );
    context.print(values['json'] === true ? JSON.stringify(decision) : describe(decision));
    return exitCodes.done;
  },
};
