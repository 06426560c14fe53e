import { errorTable } from '../../core/index.ts';
import type { ObserveExchange } from '../request-metrics.ts';
import { createExchange, type Exchange, type ExchangeSettings } from './exchange/exchange.ts';
import type { ExchangeWire } from './exchange/exchange-wire.ts';
import type { GrpcMethod } from './grpc/grpc-call.ts';
import { decodeMessage } from './wire/decode-message.ts';
import { encodeReply } from './wire/encode-reply.ts';

/** envoy.service.ext_proc.v3.ExternalProcessor/Process: one exchange a call. `open` holds those that are not over. */
export const createProcessorMethod =
  (options: {
    readonly settings: ExchangeSettings;
    readonly observe: ObserveExchange;
    readonly open: Set<Exchange>;
  }): GrpcMethod =>
  (call) => {
    const { settings, observe, open } = options;
    const observed = observe();
    const wire: ExchangeWire = {
      send: (reply) => {
        const { head, tail } = encodeReply(reply);
        call.send(head, tail);
      },
      pause: call.pause,
      resume: call.resume,
      end: () => call.end(),
    };
    const exchange = createExchange(settings, wire, {
      decided: (decision) => {
        if (decision === null) return observed.ended('internal');
        observed.ended(decision.kind === 'routed' ? 'answered' : decision.kind, decision.pool ?? '');
        if (decision.kind === 'routed') return;
        const code = decision.kind === 'refused' ? 'saturated' : 'no-endpoint';
        settings.logger[errorTable[code].level]('request refused', {
          code,
          pool: decision.pool,
          decision: decision.id,
        });
      },
      firstToken: ({ pool }) => observed.firstToken(pool),
      abandoned: ({ pool }) => observed.ended('client-abort', pool),
    });
    open.add(exchange);
    return {
      onMessage: (encoded) => {
        const { message, context } = decodeMessage(encoded);
        exchange.onMessage(message, context);
      },
      onHalfClose: exchange.onHalfClose,
      onClose: () => {
        open.delete(exchange);
        exchange.onClose();
        observed.closed();
      },
    };
  };
