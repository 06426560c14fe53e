import { Router } from 'zeromq';
import { SidecarError } from '../core/index.ts';
import type { ReplayBehaviour } from './engine-faults.ts';
import { type PublishedBatch, type PublishedBatches, sequenceFrame } from './published-batches.ts';
import { bindSocket } from './zeromq-bind.ts';

/** What a replay server answers from, and how. */
export interface ReplayServerOptions {
  readonly batches: PublishedBatches;
  readonly topic: string;
  /** Whether replies carry the topic frame, as vLLM's do from 0.26. */
  readonly replaysTopic: boolean;
}

const endFrame = Buffer.alloc(8, 0xff);
const nothing = Buffer.alloc(0);
/** The one byte that begins no MessagePack value. */
const invalidByte = 0xc1;

/**
 * Answers replay requests over a ROUTER as vLLM does: a request is exactly an empty frame and an 8-byte sequence, the
 * answer one message a kept batch from there on and an end marker. Other requests get no answer.
 */
export class ReplayServer {
  readonly #options: ReplayServerOptions;
  #behaviour: ReplayBehaviour = 'serving';
  #socket: Router | null = null;
  #address: string | null = null;

  constructor(options: ReplayServerOptions) {
    this.#options = options;
  }

  /** Binds and returns the address, with the port that a `*` stood for. Throws `listen-failed`. */
  async start(address: string): Promise<string> {
    const socket = new Router({ linger: 0, sendHighWaterMark: 0 });
    this.#socket = socket;
    this.#address = await bindSocket(socket, address);
    void this.#serve(socket);
    return this.#address;
  }

  stop(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  /** Resolves when the port is closed (`absent`) or open (anything else). Before `start` it does nothing. */
  async setBehaviour(behaviour: ReplayBehaviour): Promise<void> {
    this.#behaviour = behaviour;
    if (this.#address === null) return;
    if (behaviour === 'absent') this.stop();
    else if (this.#socket === null) await this.start(this.#address);
  }

  async #serve(socket: Router): Promise<void> {
    try {
      for await (const [peer, empty, start, ...more] of socket) {
        if (peer === undefined || empty?.length !== 0 || start?.length !== 8 || more.length > 0) continue;
        for (const reply of this.#answer(start.readBigUInt64BE())) await socket.send([peer, nothing, ...reply]);
      }
    } catch (failure) {
      if (!socket.closed) throw SidecarError.from(failure, 'internal');
    }
  }

  #answer(start: bigint): readonly (readonly Buffer[])[] {
    const kept = start > BigInt(Number.MAX_SAFE_INTEGER) ? [] : this.#options.batches.from(Number(start));
    switch (this.#behaviour) {
      case 'serving':
        return [...kept.map((batch) => this.#frames(batch)), this.#endMarker()];
      case 'truncated':
        return kept.slice(0, Math.ceil(kept.length / 2)).map((batch) => this.#frames(batch));
      case 'garbage': {
        const garbled = kept.map((batch) => this.#frames({ ...batch, payload: Buffer.alloc(8, invalidByte) }));
        return [[Buffer.alloc(3, invalidByte), Buffer.alloc(5, invalidByte)], ...garbled, this.#endMarker()];
      }
      case 'silent':
      case 'absent':
        return [];
    }
  }

  #frames({ sequence, payload }: PublishedBatch): readonly Buffer[] {
    return [
      ...(this.#options.replaysTopic ? [Buffer.from(this.#options.topic)] : []),
      sequenceFrame(sequence),
      payload,
    ];
  }

  #endMarker(): readonly Buffer[] {
    return [...(this.#options.replaysTopic ? [nothing] : []), endFrame, nothing];
  }
}
