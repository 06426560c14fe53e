import { SidecarError } from '../../core/index.ts';
import { scanModule } from './wasm/scan-module.ts';

const PAGE_BYTES = 1 << 16;

/** Addresses and sizes that wasm/scan.as fixes. */
const CONSTANTS = ['CHAIN', 'CHUNK_BYTES', 'INPUT', 'KEYS', 'MAX_CHUNKS', 'RESULT'] as const;
/** Functions that wasm/scan.as exports; their parameters are there. */
const FUNCTIONS = ['chunks', 'hash', 'skipContainer', 'skipString'] as const;

/** The module with a memory of its own. */
export interface ScanInstance {
  readonly memory: WebAssembly.Memory;
  readonly constants: Readonly<Record<(typeof CONSTANTS)[number], number>>;
  readonly functions: Readonly<Record<(typeof FUNCTIONS)[number], (at: number, end: number) => number>>;
}

const missing = (name: string): never => {
  throw new SidecarError('internal', `the WebAssembly scanner lacks ${name}`);
};

const mapNames = <Name extends string, Value>(
  names: readonly Name[],
  create: (name: Name) => Value,
): Readonly<Record<Name, Value>> => {
  const entries = names.map((name): [Name, Value] => [name, create(name)]);
  // Object.fromEntries forgets the names' type; every name has its entry.
  return Object.fromEntries(entries) as Record<Name, Value>;
};

/** Whether this Node can run the module (it uses SIMD). */
export const canScan = (): boolean => WebAssembly.validate(Buffer.from(scanModule, 'base64'));

/** Instantiates the module. Throws where {@link canScan} is false. */
export const createScanInstance = (): ScanInstance => {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const module = new WebAssembly.Module(Buffer.from(scanModule, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return {
    memory,
    constants: mapNames(CONSTANTS, (name) => {
      const value = exports[name];
      return value instanceof WebAssembly.Global ? Number(value.value) : missing(name);
    }),
    functions: mapNames(FUNCTIONS, (name) => {
      const exported = exports[name];
      if (typeof exported !== 'function') return missing(name);
      return (at, end) => Number(exported(at, end));
    }),
  };
};

/** Grows a memory to at least so many bytes. */
export const growTo = (memory: WebAssembly.Memory, bytes: number): void => {
  const more = bytes - memory.buffer.byteLength;
  if (more > 0) memory.grow(Math.ceil(more / PAGE_BYTES));
};
