import { canRunModule, compileModule, readFunctions, readGlobals } from '../wasm/module-parts.ts';
import { scanModule } from './wasm/scan-module.ts';

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

/** Whether this Node can run the module (it uses SIMD). */
export const canScan = (): boolean => canRunModule(scanModule);

/** Instantiates the module. Throws where {@link canScan} is false. */
export const createScanInstance = (): ScanInstance => {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const { exports } = new WebAssembly.Instance(compileModule(scanModule), { env: { memory } });
  return { memory, constants: readGlobals(exports, CONSTANTS), functions: readFunctions(exports, FUNCTIONS) };
};
