/** Sees the first generated content in a response as its bytes pass. */
export interface FirstTokenDetector {
  /** Whether content has been seen, this chunk included. */
  push(chunk: Buffer): boolean;
}

/** For responses that come in one piece: the first byte of the body. */
export const firstByteDetector = (): FirstTokenDetector => ({ push: (chunk) => chunk.length > 0 });

// A non-empty string where the APIs stream text (chat and completions, Responses, Messages), a tool call, or token ids.
const content =
  /"(?:content|text|reasoning|reasoning_content|thinking|delta|arguments|partial_json)"\s*:\s*"[^"]|"tool_calls"\s*:\s*\[\s*\{|"token_ids"\s*:\s*\[\s*\d/;

// Longer than the longest match of `content` without spaces of unusual length.
const carriedCharacters = 64;

// No API announces with more events than this before the first generated one.
const mostAnnouncements = 2;

/**
 * For server-sent events: the first event with content. Events that only announce (a role, `message_start`, comments to
 * keep the connection open) come before the prompt is computed and do not count; where no content is recognized, the
 * third event does.
 */
export const eventStreamDetector = (): FirstTokenDetector => {
  let isSeen = false;
  let carried = '';
  let events = 0;
  return {
    push: (chunk) => {
      if (isSeen) return true;
      const arrived = chunk.toString('latin1');
      events += arrived.split('data:').length - 1;
      const text = carried + arrived;
      isSeen = events > mostAnnouncements || content.test(text);
      carried = isSeen ? '' : text.slice(-carriedCharacters);
      return isSeen;
    },
  };
};
