const project = (name) => ({
  displayName: name,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types-transform.js' },
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
});

// `npm test` runs the suites that need nothing from outside npm; `npm run test:real` sets WARMROUTE_TEST_REAL.
const names = process.env.WARMROUTE_TEST_REAL === '1' ? ['real'] : ['unit', 'contract', 'integration'];

export default {
  projects: names.map(project),
  passWithNoTests: false,
  testTimeout: process.env.WARMROUTE_TEST_REAL === '1' ? 600_000 : 30_000,
  coverageProvider: 'v8',
  // Without files that hold types alone, and the process entry, which runs in a process of its own.
  collectCoverageFrom: [
    'sidecar/**/*.ts',
    '!sidecar/**/{index,types,endpoint,port,*-port,snapshot,transport,adapter,kv-event,block-keys,*-report,*.d}.ts',
    '!sidecar/main.ts',
  ],
  coverageThreshold: {
    './sidecar/core/': { lines: 95 },
    './sidecar/kvindex/': { lines: 95 },
    './sidecar/events/': { lines: 95 },
    './sidecar/scheduling/': { lines: 95 },
  },
  coverageReporters: ['text', 'json-summary', 'lcovonly'],
  reporters: ['default', '<rootDir>/test/support/totals-reporter.js'],
};
