// Prints, as the very last line of the run, the one plain line a line-counting CI reads.
// A suite that could not even load counts as one failure. A crashed run prints nothing and exits non-zero.
export default class TotalsReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    process.once('exit', () =>
      process.stdout.write(
        `${results.numPassedTests} passed, ${failed} failed${results.numPendingTests > 0 ? `, ${results.numPendingTests} skipped` : ''}\n`,
      ),
    );
  }
}
