/**
 * config: schema, defaults and cross-field rules of the configuration file and the environment.
 * Written to by nobody.
 * Read by `cli` and `app`; the only room that knows the environment's names.
 * All mistakes are reported together, each with its path.
 * The format is this project's own (README, "Configuration").
 */
export type { Environment } from './environment.ts';
export { type ParsedConfig, parseConfig } from './parse-config.ts';
export type { Config, PoolConfig } from './schema.ts';
