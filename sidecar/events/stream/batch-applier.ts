import type { Clock, Endpoint, MetricLabels, Metrics } from '../../core/index.ts';
import type { BlockRemoved, BlockStored, Holder, KvEvent, PrefixIndexWriter } from '../../kvindex/index.ts';
import type { EventBatch } from '../engines/adapter.ts';
import type { LossLedger } from './loss-ledger.ts';
import type { Orphans } from './orphans.ts';

/** Told of each event once it is applied, in order. Clears that the stream itself decides on are told as well. */
export type AppliedHook = (endpoint: Endpoint, event: KvEvent) => void;

/** What a {@link BatchApplier} works on. */
export interface BatchApplierOptions {
  readonly endpoint: Endpoint;
  readonly holder: Holder;
  readonly index: PrefixIndexWriter;
  readonly ledger: LossLedger;
  readonly orphans: Orphans;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Labels of the endpoint. */
  readonly labels: MetricLabels;
  readonly onApplied: AppliedHook;
}

/** Brings decoded batches of one endpoint into the index. Orphans are kept aside and attached when their parent comes. */
export class BatchApplier {
  readonly #options: BatchApplierOptions;
  readonly #kindLabels: Readonly<Record<KvEvent['kind'], MetricLabels>>;

  constructor(options: BatchApplierOptions) {
    this.#options = options;
    const kindLabel = (kind: KvEvent['kind']): MetricLabels => ({ ...options.labels, kind });
    this.#kindLabels = {
      'block-stored': kindLabel('block-stored'),
      'block-removed': kindLabel('block-removed'),
      'all-blocks-cleared': kindLabel('all-blocks-cleared'),
    };
  }

  /** Applies every event of a batch, in order. */
  apply(batch: EventBatch): void {
    const { endpoint, ledger, metrics, labels, onApplied } = this.#options;
    let stored = 0;
    let removed = 0;
    for (const event of batch.events) {
      switch (event.kind) {
        case 'block-stored':
          stored += 1;
          this.#store(event);
          break;
        case 'block-removed':
          removed += 1;
          this.#remove(event);
          break;
        case 'all-blocks-cleared':
          this.#empty();
          ledger.anchor();
          metrics.count('events_applied_total', this.#kindLabels['all-blocks-cleared']);
      }
      onApplied(endpoint, event);
    }
    ledger.applyBatch();
    metrics.count('event_batches_total', labels);
    if (stored > 0) metrics.count('events_applied_total', this.#kindLabels['block-stored'], stored);
    if (removed > 0) metrics.count('events_applied_total', this.#kindLabels['block-removed'], removed);
    if (batch.skippedEvents > 0) metrics.count('events_skipped_total', labels, batch.skippedEvents);
    if (batch.skippedFields > 0) metrics.count('event_fields_skipped_total', labels, batch.skippedFields);
  }

  /** Empties the endpoint's part of the index for a reason that no event gave. */
  clear(): void {
    this.#empty();
    this.#options.onApplied(this.#options.endpoint, { kind: 'all-blocks-cleared' });
  }

  #empty(): void {
    this.#options.orphans.clear();
    this.#options.index.clear(this.#options.holder);
  }

  #store(event: BlockStored): void {
    const { index, holder, ledger, orphans, clock, metrics, labels } = this.#options;
    const outcome = index.store(holder, event);
    if (outcome.kind === 'stored') {
      ledger.storeBlocks(outcome.blocks);
      if (orphans.size > 0) this.#attachChildren(event);
    } else if (outcome.kind === 'orphaned') {
      metrics.count('orphaned_stores_total', labels);
      ledger.orphanBlocks(event.engineKeys.length / 2);
      orphans.add(event, clock.now());
    }
  }

  #attachChildren(parent: BlockStored): void {
    const { index, holder, ledger, orphans } = this.#options;
    const parents: BlockStored[] = [parent];
    for (let next = parents.pop(); next !== undefined; next = parents.pop()) {
      for (const child of orphans.takeChildren(next)) {
        const outcome = index.store(holder, child);
        if (outcome.kind !== 'stored') continue;
        ledger.storeBlocks(outcome.blocks);
        ledger.settleOrphans(1);
        parents.push(child);
      }
    }
  }

  #remove(event: BlockRemoved): void {
    const { index, holder, ledger, orphans } = this.#options;
    const unknown = index.remove(holder, event);
    if (unknown > 0 && orphans.size > 0) ledger.settleOrphans(orphans.remove(event));
  }
}
