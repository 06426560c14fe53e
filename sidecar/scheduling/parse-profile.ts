import { isRecord, ParameterReader, type ProfileMistake } from './parameters.ts';
import { createMaxScorePicker } from './pickers/max-score.ts';
import { filterFactories, type PluginFactory, pickerFactories, scorerFactories } from './registry.ts';
import type { Filter, Picker, Profile, Scorer } from './types.ts';

/** A profile, or every mistake found in what was to be one. */
export type ParsedProfile =
  | { readonly kind: 'profile'; readonly profile: Profile }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly ProfileMistake[] };

/** The block that stands for an absent one: lowest token cost, ties at random. */
const defaultScorers = [{ type: 'token-cost-scorer', weight: 1 }];

const refuseUnknownKeys = (
  value: Readonly<Record<string, unknown>>,
  options: { readonly path: string; readonly known: readonly string[]; readonly mistakes: ProfileMistake[] },
): void => {
  for (const key of Object.keys(value)) {
    if (options.known.includes(key)) continue;
    const path = options.path === '' ? key : `${options.path}.${key}`;
    options.mistakes.push({ path, allowed: `unknown; known are ${options.known.join(', ')}` });
  }
};

/** One plugin, or null with the mistakes noted. */
const parsePlugin = <Plugin>(
  value: unknown,
  options: {
    readonly path: string;
    readonly factories: Readonly<Record<string, PluginFactory<Plugin>>>;
    readonly keys: readonly string[];
    readonly mistakes: ProfileMistake[];
  },
): Plugin | null => {
  const { path, factories, mistakes } = options;
  if (!isRecord(value)) {
    mistakes.push({ path, allowed: 'must be a map with a type' });
    return null;
  }
  refuseUnknownKeys(value, { path, known: options.keys, mistakes });
  const type = value['type'];
  const factory = typeof type === 'string' && Object.hasOwn(factories, type) ? factories[type] : undefined;
  if (factory === undefined) {
    mistakes.push({ path: `${path}.type`, allowed: `must be ${Object.keys(factories).join(', ')}` });
    return null;
  }
  const parameters = new ParameterReader(value['parameters'], { path: `${path}.parameters`, mistakes });
  const plugin = factory(parameters);
  parameters.refuseUnknown();
  return plugin;
};

const parseList = (value: unknown, path: string, mistakes: ProfileMistake[]): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  mistakes.push({ path, allowed: 'must be a list' });
  return [];
};

const parseWeight = (value: unknown, path: string, mistakes: ProfileMistake[]): number => {
  const weight = isRecord(value) ? value['weight'] : undefined;
  if (weight === undefined) return 1;
  if (typeof weight === 'number' && weight >= 0 && Number.isFinite(weight)) return weight;
  mistakes.push({ path: `${path}.weight`, allowed: 'must be a number of at least 0' });
  return 1;
};

const parseFilters = (value: unknown, mistakes: ProfileMistake[]): readonly Filter[] =>
  parseList(value, 'filters', mistakes).flatMap((entry, position) => {
    const path = `filters[${position}]`;
    const filter = parsePlugin(entry, { path, factories: filterFactories, keys: ['type', 'parameters'], mistakes });
    return filter === null ? [] : [filter];
  });

const parseScorers = (value: unknown, mistakes: ProfileMistake[]): Profile['scorers'] => {
  const seen = new Set<string>();
  return parseList(value, 'scorers', mistakes).flatMap((entry, position) => {
    const path = `scorers[${position}]`;
    const weight = parseWeight(entry, path, mistakes);
    const keys = ['type', 'weight', 'parameters'];
    const scorer: Scorer | null = parsePlugin(entry, { path, factories: scorerFactories, keys, mistakes });
    if (scorer === null) return [];
    if (seen.has(scorer.type)) mistakes.push({ path: `${path}.type`, allowed: `${scorer.type} may stand once` });
    seen.add(scorer.type);
    return [{ scorer, weight }];
  });
};

const parsePicker = (value: unknown, mistakes: ProfileMistake[]): Picker | null =>
  parsePlugin(value, { path: 'picker', factories: pickerFactories, keys: ['type', 'parameters'], mistakes });

/**
 * Reads a `scheduling` block: `{filters: [{type, parameters?}], scorers: [{type, weight?, parameters?}], picker: {type,
 * parameters?}}`, each part optional. Defaults: no filters; `token-cost-scorer` with weight 1; `max-score-picker`; a
 * weight of 1. An absent block is an empty one. Each call makes plugins with a state of their own. Never throws.
 */
export const parseProfile = (value: unknown, options: { readonly name?: string } = {}): ParsedProfile => {
  const mistakes: ProfileMistake[] = [];
  const block = value ?? {};
  if (!isRecord(block)) return { kind: 'mistakes', mistakes: [{ path: '', allowed: 'must be a map' }] };
  refuseUnknownKeys(block, { path: '', known: ['filters', 'scorers', 'picker'], mistakes });
  const filters = parseFilters(block['filters'] ?? [], mistakes);
  const scorers = parseScorers(block['scorers'] ?? defaultScorers, mistakes);
  const picker = block['picker'] === undefined ? createMaxScorePicker() : parsePicker(block['picker'], mistakes);
  if (mistakes.length > 0 || picker === null) return { kind: 'mistakes', mistakes };
  return { kind: 'profile', profile: { name: options.name ?? 'default', filters, scorers, picker } };
};
