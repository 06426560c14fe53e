import assert from 'node:assert/strict';
import {
  createExtprocClient,
  type ExtprocClientOptions,
  type ExtprocStream,
  type WireHeader,
  type WireMessage,
} from '../../support/extproc-client.ts';

import { bodyModes, type Step, type Vector } from './vectors.ts';

/** An endpoint picker under test. */
export interface Subject {
  readonly connection: ExtprocClientOptions;
  /** Two `ip:port` of its pool, both ready, with different hosts. */
  readonly endpoints: readonly [string, string];
}

const destinationHeader = 'x-gateway-destination-endpoint';
const field = (part: string): string => part.replace('-', '_');

/** Reads along a path of field names; undefined where one is missing. */
const at = (value: unknown, ...path: readonly string[]): unknown => {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.entries(current).find(([key]) => key === name)?.[1];
  }
  return current;
};

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const bytesOf = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

/** Plays one vector against an endpoint picker; rejects with what went against the rule. */
export const playVector = async (vector: Vector, subject: Subject): Promise<void> => {
  using client = createExtprocClient(subject.connection);
  const stream = client.open();
  try {
    await new Dialogue(stream, subject.endpoints).play(vector.steps);
  } finally {
    stream.cancel();
  }
};

class Dialogue {
  readonly #stream: ExtprocStream;
  readonly #endpoints: readonly string[];
  #picked = '';
  #sent: Record<string, Buffer> = { 'request-body': Buffer.alloc(0), 'response-body': Buffer.alloc(0) };
  #hasEnd = false;

  constructor(stream: ExtprocStream, endpoints: readonly string[]) {
    this.#stream = stream;
    this.#endpoints = endpoints;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.send !== undefined) this.#send(step.send, step);
      else await this.#expect(step.expect ?? '', step);
    }
  }

  #resolve(text: string): string {
    const [first = '', second = ''] = this.#endpoints;
    return text
      .replaceAll('$1', first)
      .replaceAll('$2.host', second.slice(0, second.lastIndexOf(':')))
      .replaceAll('$2', second)
      .replaceAll('$picked', this.#picked);
  }

  #headers(step: Step): readonly WireHeader[] {
    const pseudo = step.send === 'request-headers' && step.asValue !== true;
    const headers = { ...(pseudo ? { ':method': 'POST', ':path': '/v1/completions' } : {}), ...step.headers };
    return Object.entries(headers).map(([key, value]) =>
      step.asValue === true ? { key, value } : { key, raw_value: Buffer.from(value) },
    );
  }

  #metadata(step: Step): WireMessage {
    const spaces: Record<string, unknown> = {};
    if (step.subset !== undefined) {
      const { subset } = step;
      const text = (value: string) => ({ stringValue: this.#resolve(value) });
      const value = typeof subset === 'string' ? text(subset) : { listValue: { values: subset.map(text) } };
      spaces['envoy.lb.subset_hint'] = { fields: { 'x-gateway-destination-endpoint-subset': value } };
    }
    if (step.served !== undefined) {
      const value = { stringValue: this.#resolve(step.served) };
      spaces['envoy.lb'] = { fields: { 'x-gateway-destination-endpoint-served': value } };
    }
    return { filter_metadata: spaces };
  }

  #send(what: string, step: Step): void {
    if (what === 'half-close') this.#stream.halfClose();
    else this.#stream.send(this.#message(what, step));
  }

  #message(what: string, step: Step): WireMessage {
    switch (what) {
      case 'request-headers':
      case 'response-headers': {
        const announced = {
          request_body_mode: bodyModes[step.requestBodyMode ?? 'NONE'],
          response_body_mode: bodyModes[step.responseBodyMode ?? 'NONE'],
          send_body_without_waiting_for_header_response: step.sendsBodyAhead ?? false,
        };
        const isFirst = what === 'request-headers' && step.announces !== false;
        return {
          [field(what)]: { headers: { headers: this.#headers(step) }, end_of_stream: step.end === true },
          metadata_context: this.#metadata(step),
          ...(isFirst ? { protocol_config: announced } : {}),
        };
      }
      case 'request-body':
      case 'response-body': {
        const filling = 'x'.repeat(step.bytes ?? 0);
        const body = Buffer.from(step.text ?? `${step.prefix ?? ''}${filling}${step.suffix ?? ''}`);
        this.#sent[what] = Buffer.concat([this.#sent[what] ?? Buffer.alloc(0), body]);
        if (step.end === true) this.#hasEnd = true;
        return { [field(what)]: { body, end_of_stream: step.end === true } };
      }
      default:
        return { [field(what)]: { trailers: { headers: [] } } };
    }
  }

  async #next(part: string): Promise<WireMessage> {
    const [answer] = await this.#stream.take(1);
    const kind = at(answer, 'response');
    assert.equal(kind, field(part), `the next answer is ${String(kind)}, not ${field(part)}`);
    return answer ?? {};
  }

  async #expect(what: string, step: Step): Promise<void> {
    switch (what) {
      case 'pick':
        return this.#expectPick(await this.#next(step.in ?? 'request-headers'), step);
      case 'continue': {
        const answer = await this.#next(step.part ?? '');
        const mutation = at(answer, field(step.part ?? ''), 'response', 'body_mutation');
        return assert.equal(mutation ?? null, null, 'a body nobody asked to change is changed');
      }
      case 'request-body':
      case 'response-body':
        return this.#expectBody(what, step);
      case 'immediate': {
        const immediate = at(await this.#next('immediate-response'), 'immediate_response');
        assert.equal(at(immediate, 'status', 'code'), step.status);
        const headers = list(at(immediate, 'headers', 'set_headers')).map((option) => at(option, 'header'));
        const reason = headers.find((header) => at(header, 'key') === 'x-llm-d-request-dropped-reason');
        return assert.equal(bytesOf(at(reason, 'raw_value')).toString(), step.droppedReason);
      }
      case 'end':
        return assert.equal((await this.#stream.status).code, step.code);
      default:
        await this.#next(what);
    }
  }

  #expectPick(answer: WireMessage, step: Step): void {
    const response = at(answer, field(step.in ?? ''), 'response');
    const options = list(at(response, 'header_mutation', 'set_headers'));
    const named = options.filter((option) => String(at(option, 'header', 'key')).toLowerCase() === destinationHeader);
    assert.equal(named.length, 1, 'the destination is not set exactly once');
    const [option] = named;
    assert.equal(at(option, 'header', 'key'), destinationHeader, 'the name is not in lower case');
    assert.ok(
      [0, 2].includes(Number(at(option, 'append_action') ?? 0)),
      'the destination is appended to what a client sent',
    );
    const destination = bytesOf(at(option, 'header', 'raw_value')).toString();
    const inMetadata = at(answer, 'dynamic_metadata', 'fields', 'envoy.lb', 'structValue', 'fields', destinationHeader);
    assert.equal(at(inMetadata, 'stringValue'), destination, 'header and metadata are not equal');
    if (step.becomes !== undefined) {
      const body = bytesOf(at(response, 'body_mutation', 'body'));
      assert.deepEqual(JSON.parse(body.toString()), JSON.parse(step.becomes), 'the body is not what was asked for');
      this.#expectLength(options, body.length);
    }
    const allowed = (step.from ?? this.#endpoints).map((endpoint) => this.#resolve(endpoint));
    assert.ok(allowed.includes(destination), `${destination} is none of ${allowed.join(', ')}`);
    this.#picked = destination;
  }

  /** Where a pick's reply sets the body's length, and in BUFFERED mode it must, it is the exact one. */
  #expectLength(options: readonly unknown[], bytes: number): void {
    const length = options.find((option) => at(option, 'header', 'key') === 'content-length');
    assert.equal(bytesOf(at(length, 'header', 'raw_value')).toString(), String(bytes), 'another content-length');
  }

  async #expectBody(part: 'request-body' | 'response-body', step: Step): Promise<void> {
    const whole = this.#sent[part] ?? Buffer.alloc(0);
    const pieces: Buffer[] = [];
    let received = 0;
    let isEnd = false;
    const endsHere = part === 'request-body' ? this.#hasEnd : step.end === 'body';
    while ((step.becomes === undefined && received < whole.length) || (endsHere && !isEnd)) {
      const streamed = at(await this.#next(part), field(part), 'response', 'body_mutation', 'streamed_response');
      assert.notEqual(streamed, undefined, 'a body answer without streamed_response');
      assert.equal(isEnd, false, 'something follows the end of the body');
      const piece = bytesOf(at(streamed, 'body'));
      assert.ok(piece.length <= (step.maxPieceBytes ?? Number.POSITIVE_INFINITY), `a piece of ${piece.length} bytes`);
      pieces.push(piece);
      received += piece.length;
      isEnd = at(streamed, 'end_of_stream') === true;
    }
    const body = Buffer.concat(pieces);
    if (step.becomes === undefined) assert.ok(body.equals(whole), 'the body came back changed');
    else assert.deepEqual(JSON.parse(body.toString()), JSON.parse(step.becomes), 'the body is not what was asked for');
    assert.equal(isEnd, endsHere, 'the end of the body is wrong');
    this.#sent[part] = Buffer.alloc(0);
  }
}
