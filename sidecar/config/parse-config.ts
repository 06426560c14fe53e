import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { SidecarError } from '../core/index.ts';
import { parseProfile } from '../scheduling/index.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { type Config, configSchema, type PoolConfig } from './schema.ts';

/** A configuration, and names in the environment that look like settings but are not. */
export interface ParsedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`), '')
    .slice(1) || '(top level)';

const issueText = (issue: z.core.$ZodIssue): string => {
  const where = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') return `${where}: unknown ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
  return `${where}: ${issue.message}`;
};

/** Zod's own words for a missing key speak of types; an operator needs to know that it is missing. */
const missingKey = ({ code, input }: z.core.$ZodRawIssue): string | undefined =>
  code === 'invalid_type' && input === undefined ? 'is required' : undefined;

/** A pool without endpoints of its own is one of the cluster, whose annotations say what these keys would. */
function* clusterPoolMistakes(
  pool: PoolConfig,
  { path, hasCluster }: { readonly path: string; readonly hasCluster: boolean },
): Generator<string> {
  if (pool.discovery !== undefined) return;
  if (!hasCluster) yield `${path}.discovery: is required where discovery.kubernetes is not set`;
  const annotated = { models: pool.models, tokenizer: pool.tokenizer, 'events.bind': pool.events.bind };
  for (const [key, value] of Object.entries(annotated)) {
    if (value !== undefined) yield `${path}.${key}: needs discovery.static; pools of the cluster have annotations`;
  }
}

/** Rules over several fields, each with the path a person should look at. */
function* crossFieldMistakes(config: Config): Generator<string> {
  const names = new Set<string>();
  for (const [index, pool] of config.pools.entries()) {
    if (names.has(pool.name)) yield `pools[${index}].name: "${pool.name}" is used twice`;
    names.add(pool.name);
    const profile = parseProfile(pool.scheduling, { name: pool.name });
    for (const { path, allowed } of profile.kind === 'mistakes' ? profile.mistakes : []) {
      yield `pools[${index}].scheduling${path === '' ? '' : `.${path}`}: ${allowed}`;
    }
    if (pool.passTokenIds && pool.engine !== 'vllm') yield `pools[${index}].passTokenIds: ${pool.engine} takes no ids`;
    yield* clusterPoolMistakes(pool, {
      path: `pools[${index}]`,
      hasCluster: config.discovery.kubernetes !== undefined,
    });
    const addresses = new Set<string>();
    const endpointNames = new Set<string>();
    for (const [position, endpoint] of (pool.discovery?.static ?? []).entries()) {
      const path = `pools[${index}].discovery.static[${position}]`;
      if (addresses.has(endpoint.address)) yield `${path}.address: ${endpoint.address} is listed twice`;
      addresses.add(endpoint.address);
      const name = endpoint.name ?? endpoint.address;
      if (endpointNames.has(name)) yield `${path}.name: "${name}" is used twice`;
      endpointNames.add(name);
    }
  }
  const { proxy, consult, extproc } = config.gateways;
  const listeners = [proxy?.listen, consult?.listen, extproc?.listen, extproc?.healthListen, config.admin.listen];
  const taken = listeners.filter((listen) => listen !== undefined && !listen.endsWith(':0'));
  for (const listen of new Set(taken)) {
    if (taken.filter((other) => other === listen).length > 1) yield `gateways: ${listen} is given to two listeners`;
  }
}

const refuse = (mistakes: readonly string[]): never => {
  throw new SidecarError('invalid-config', `the configuration has ${mistakes.length} mistake(s)`, {
    details: { mistakes },
  });
};

/**
 * Reads a YAML or JSON text, lays the environment over it and fills in defaults. Throws `invalid-config` whose
 * `details.mistakes` lists every mistake, each as `path: what is allowed`.
 */
export const parseConfig = (env: Environment, fileText: string): ParsedConfig => {
  const document = parseDocument(fileText, { prettyErrors: true, uniqueKeys: true });
  if (document.errors.length > 0) refuse(document.errors.map((error) => error.message.split('\n')[0] ?? 'not YAML'));
  const raw: unknown = document.toJS() ?? {};
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) refuse(['(top level): must be a mapping']);
  const { merged, unknown } = applyEnvironment({ ...(raw as object) }, env);
  const result = configSchema.safeParse(merged, { error: missingKey });
  if (!result.success) return refuse(result.error.issues.map(issueText));
  const mistakes = [...crossFieldMistakes(result.data)];
  if (mistakes.length > 0) refuse(mistakes);
  return {
    config: result.data,
    warnings: unknown.map((variable) => `environment variable ${variable} is not a known setting`),
  };
};
