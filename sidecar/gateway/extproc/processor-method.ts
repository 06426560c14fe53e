import { errorTable } from '../../core/index.ts';
import type { Decision, RoutedDecision } from '../../routing/index.ts';
import type { ObserveExchange } from '../request-metrics.ts';
import { Exchange, type ExchangeObserver } from './exchange/exchange.ts';
import type { ExchangeWire } from './exchange/exchange-wire.ts';
import type { ProcessorReply } from './exchange/messages.ts';
import type { RequestSettings } from './exchange/request-phase.ts';
import type { GrpcCall, GrpcCallHandler, GrpcMethod } from './grpc/grpc-call.ts';
import { decodeMessage } from './wire/decode-message.ts';
import { encodeReply } from './wire/encode-reply.ts';

/** What calls of the method share. */
interface ProcessorOptions {
  readonly settings: RequestSettings;
  readonly observe: ObserveExchange;
  /** Exchanges that are not over. */
  readonly open: Set<Exchange>;
}

/** One call: an exchange between the codec and the call it goes over. */
class ProcessorCall implements GrpcCallHandler, ExchangeWire, ExchangeObserver {
  readonly #options: ProcessorOptions;
  readonly #call: GrpcCall;
  readonly #observed: ReturnType<ObserveExchange>;
  readonly #exchange: Exchange;

  constructor(options: ProcessorOptions, call: GrpcCall) {
    this.#options = options;
    this.#call = call;
    this.#observed = options.observe();
    this.#exchange = new Exchange(options.settings, this, this);
    options.open.add(this.#exchange);
  }

  onMessage(encoded: Buffer): void {
    const { message, context } = decodeMessage(encoded);
    this.#exchange.onMessage(message, context);
  }

  onHalfClose(): void {
    this.#exchange.onHalfClose();
  }

  onClose(): void {
    this.#options.open.delete(this.#exchange);
    this.#exchange.onClose();
    this.#observed.closed();
  }

  send(reply: ProcessorReply, onSent?: () => void): void {
    const { head, tail } = encodeReply(reply);
    this.#call.send(head, tail, onSent);
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  end(): void {
    this.#call.end();
  }

  decided(decision: Decision | null): void {
    if (decision === null) {
      this.#observed.ended('internal');
      return;
    }
    const { kind, pool, id } = decision;
    this.#observed.ended(kind === 'routed' ? 'answered' : kind, pool ?? '');
    if (kind === 'routed') return;
    const code = kind === 'refused' ? 'saturated' : 'no-endpoint';
    this.#options.settings.logger[errorTable[code].level]('request refused', { code, pool, decision: id });
  }

  firstToken({ pool }: RoutedDecision): void {
    this.#observed.firstToken(pool);
  }

  abandoned({ pool }: RoutedDecision): void {
    this.#observed.ended('client-abort', pool);
  }
}

/** envoy.service.ext_proc.v3.ExternalProcessor/Process: one exchange a call. */
export const createProcessorMethod =
  (options: ProcessorOptions): GrpcMethod =>
  (call) =>
    new ProcessorCall(options, call);
